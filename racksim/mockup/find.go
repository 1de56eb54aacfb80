package mockup

import (
	"maps"
	"slices"
	"strings"
)

// services are the URIs of what the service root links; empty where the tree has none.
type services struct {
	sessions, accounts, accountService, update, firmware, tasks, event, subscriptions string
}

// findServices finds the host, its manager and the services.
func (b *BMC) findServices() {
	top := b.get(root)
	b.services = services{
		sessions:       follow(top, "Links", "Sessions"),
		accountService: follow(top, "AccountService"),
		update:         follow(top, "UpdateService"),
		event:          follow(top, "EventService"),
	}
	s := &b.services
	if s.sessions == "" {
		s.sessions = follow(b.get(follow(top, "SessionService")), "Sessions")
	}
	s.accounts = follow(b.get(s.accountService), "Accounts")
	s.firmware = follow(b.get(s.update), "FirmwareInventory")
	s.subscriptions = follow(b.get(s.event), "Subscriptions")
	if s.tasks = follow(b.get(follow(top, "Tasks")), "Tasks"); s.tasks == "" {
		s.tasks = root + "/TaskService/Tasks"
	}
	b.host = hostOf(b.cfg.Tree)
	managers := append(members(b.get(b.host), "Links", "ManagedBy"), members(b.get(follow(top, "Managers")), "Members")...)
	if len(managers) > 0 {
		b.manager = managers[0]
	}
}

// hostOf is the system that is the machine: of those that can be switched a physical one
// that boots, before others (NVIDIA lists its GPU baseboard as a system, too). Empty: none.
func hostOf(t *Tree) (host string) {
	best := -1
	for _, uri := range members(t.bodies[follow(t.bodies[root], "Systems")], "Members") {
		sys := t.bodies[uri]
		if textAt(sys, "PowerState") == "" || at(sys, "Actions", "#ComputerSystem.Reset") == nil {
			continue
		}
		worth := 0
		if textAt(sys, "SystemType") == "Physical" {
			worth++
		}
		if sys["Boot"] != nil {
			worth += 2
		}
		if worth > best {
			best, host = worth, uri
		}
	}
	return host
}

// action is what a POST to a target does.
type action struct {
	name  string // "#ComputerSystem.Reset"
	owner string // URI of the resource that has it
	body  body   // as the owner declares it
}

// findActions lists the targets of all actions in the tree.
func (b *BMC) findActions() {
	b.actions = map[string]action{}
	for _, uri := range slices.Sorted(maps.Keys(b.cfg.Tree.bodies)) {
		all, _ := at(b.cfg.Tree.bodies[uri], "Actions").(body)
		oem, _ := all["Oem"].(body)
		for _, group := range []body{all, oem} {
			for name, v := range group {
				declared, ok := v.(body)
				if target := strings.TrimSuffix(textAt(declared, "target"), "/"); ok && target != "" {
					b.actions[target] = action{name: name, owner: uri, body: declared}
				}
			}
		}
	}
}

// take makes the machine this one and not the recorded one.
func (b *BMC) take(own Own) {
	for _, uri := range append([]string{b.host}, members(b.get(b.host), "Links", "Chassis")...) {
		c := b.edit(uri)
		if c == nil {
			continue
		}
		for key, value := range map[string]string{"SerialNumber": own.Serial, "AssetTag": own.AssetTag, "UUID": own.UUID} {
			if value == "" || c[key] == nil && uri != b.host {
				continue
			}
			c[key] = value
		}
		if own.Serial != "" && c["SKU"] != nil && c["SKU"] == b.cfg.Tree.bodies[uri]["SerialNumber"] {
			c["SKU"] = own.Serial
		}
	}
	ports := members(b.get(follow(b.get(b.host), "EthernetInterfaces")), "Members")
	for i, mac := range own.MACs[:min(len(own.MACs), len(ports))] {
		if c := b.edit(ports[i]); c != nil {
			c["MACAddress"], c["PermanentMACAddress"] = mac, mac
		}
	}
}

// allowed are the values that an action or a property may have; nil when nobody tells.
func (b *BMC) allowed(declared body, name string) []string {
	if list := texts(declared, name+"@Redfish.AllowableValues"); list != nil {
		return list
	}
	parameters, _ := at(b.get(strings.TrimSuffix(textAt(declared, "@Redfish.ActionInfo"), "/")), "Parameters").([]any)
	for _, p := range parameters {
		if textAt(p, "Name") == name {
			return texts(p, "AllowableValues")
		}
	}
	return nil
}
