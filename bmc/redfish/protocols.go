package redfish

import (
	"context"
	"encoding/json"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
)

// protocol is one service's name with us and in ManagerNetworkProtocol.
type protocol struct{ name, property string }

func protocols() []protocol {
	return []protocol{{"ipmi", "IPMI"}, {"ssh", "SSH"}, {"https", "HTTPS"}, {"http", "HTTP"}, {"snmp", "SNMP"},
		{"telnet", "Telnet"}, {"kvm", "KVMIP"}, {"virtual-media", "VirtualMedia"}}
}

// offered is a service in ManagerNetworkProtocol.
type offered struct {
	ProtocolEnabled *bool
	Port            int
}

// Protocols lists the services of ManagerNetworkProtocol.
func (c *Controller) Protocols(ctx context.Context) ([]bmc.Protocol, error) {
	ctx = withBudget(ctx, maxCustodyReads)
	_, _, resource, err := c.network(ctx)
	if err != nil {
		return nil, c.explain("read the network services", err)
	}
	out := []bmc.Protocol{}
	for _, p := range protocols() {
		if on, port, ok := offeredIn(resource, p.property); ok {
			out = append(out, bmc.Protocol{Name: p.name, On: on, Port: port})
		}
	}
	return out, nil
}

// network reads ManagerNetworkProtocol.
func (c *Controller) network(ctx context.Context) (k overseer, tag string, resource map[string]json.RawMessage, err error) {
	if k, err = c.overseer(ctx); err != nil {
		return k, "", nil, err
	}
	if k.NetworkProtocol.URI == "" {
		return k, "", nil, c.lacks("list of network services")
	}
	resource, tag, err = fetch[map[string]json.RawMessage](ctx, c, k.NetworkProtocol.URI)
	return k, tag, resource, err
}

func offeredIn(resource map[string]json.RawMessage, property string) (on bool, port int, ok bool) {
	var o offered
	if lenient(json.Unmarshal(resource[property], &o)) != nil || o.ProtocolEnabled == nil {
		return false, 0, false
	}
	return *o.ProtocolEnabled, max(o.Port, 0), true
}

// SetProtocol switches a service and reads it back. Where the BMC does not take it in
// ManagerNetworkProtocol it is switched by the vendor's attribute, if there is one.
func (c *Controller) SetProtocol(ctx context.Context, name string, on bool) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	property := ""
	for _, p := range protocols() {
		if p.name == name {
			property = p.property
		}
	}
	switch {
	case name == "https":
		return fault.Conflictf("https of BMC %s is how we reach it", c.access.Address).WithHint("leave it on")
	case property == "":
		return fault.Invalidf("there is no service %.40q", name).WithHint("name one of ipmi, ssh, http, snmp, telnet, kvm, virtual-media")
	}
	ctx = withBudget(ctx, maxCustodyReads)
	k, tag, resource, err := c.network(ctx)
	if err != nil {
		return c.explain("read the network services", err)
	}
	is, _, ok := offeredIn(resource, property)
	if !ok {
		return c.lacks("service " + name)
	}
	if is == on {
		return nil
	}
	asked := "switch " + name + map[bool]string{true: " on", false: " off"}[on]
	c.log.Info("bmc service switched", "service", name, "on", on)
	_, wrote := c.amend(ctx, k.NetworkProtocol.URI, tag, map[string]any{property: map[string]any{"ProtocolEnabled": on}})
	if attribute := c.traits.switches[name]; attribute != "" && wrote != nil && elsewhere(wrote) {
		wrote = c.setAttribute(ctx, k, attribute, on)
	}
	if wrote != nil && (neverDone(wrote) || isFault(wrote)) {
		return c.explain(asked, wrote)
	}
	return c.readBack(ctx, asked, wrote, func(ctx context.Context) (bool, error) {
		r, _, err := fetch[map[string]json.RawMessage](ctx, c, k.NetworkProtocol.URI)
		is, _, ok := offeredIn(r, property)
		return ok && is == on, err
	})
}

// setAttribute switches an attribute of Dell's manager.
func (c *Controller) setAttribute(ctx context.Context, k overseer, name string, on bool) error {
	at := k.attributes()
	_, tag, err := fetch[map[string]json.RawMessage](ctx, c, at)
	if err != nil {
		return err
	}
	_, err = c.amend(ctx, at, tag, map[string]any{"Attributes": map[string]string{name: map[bool]string{true: "Enabled", false: "Disabled"}[on]}})
	return err
}

// attributes is where Dell's manager has its own: the link that ends like the manager, the
// others are the system's and the life cycle controller's.
func (k overseer) attributes() string {
	all := k.Links.Oem.Dell.DellAttributes
	for _, l := range all {
		if strings.Contains(lastOf(l.URI), "iDRAC") {
			return l.URI
		}
	}
	return ""
}
