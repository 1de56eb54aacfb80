package mockup

import (
	"net/http"
	"slices"
	"time"
)

// pair is a resource and its Settings resource (DSP0266 9.10).
type pair struct{ owner, settings string }

// settingsPairs lists them.
func (b *BMC) settingsPairs() []pair {
	if b.pairs == nil {
		b.pairs = []pair{}
		for uri, r := range b.cfg.Tree.bodies {
			if s := follow(r, "@Redfish.Settings", "SettingsObject"); s != "" && s != uri {
				b.pairs = append(b.pairs, pair{uri, s})
				if b.get(s) == nil { // recorded trees leave it out now and then
					b.changed[s] = body{"@odata.id": s, "@odata.type": r["@odata.type"], "Id": "Settings", "Name": "Settings"}
				}
			}
		}
	}
	return b.pairs
}

func cutPair(all []pair, owner string) (pair, int, bool) {
	i := slices.IndexFunc(all, func(p pair) bool { return p.owner == owner })
	if i < 0 {
		return pair{}, i, false
	}
	return all[i], i, true
}

// settingsOf is the resource whose settings are staged at uri, or "".
func (b *BMC) settingsOf(uri string) string {
	for _, p := range b.settingsPairs() {
		if p.settings == uri {
			return p.owner
		}
	}
	return ""
}

// stage keeps values for the next start.
func (b *BMC) stage(c *call, owner string) reply {
	applyTime := textAt(c.body, "@Redfish.SettingsApplyTime", "ApplyTime")
	delete(c.body, "@Redfish.SettingsApplyTime")
	var p *refusal
	switch typeOf(b.get(owner)) {
	case "Bios":
		p = b.fitAttributes(owner, c.body)
	case "ComputerSystem":
		if boot, ok := c.body["Boot"].(body); ok {
			p = b.fitBoot(owner, boot)
		}
	}
	if p != nil {
		return p.reply()
	}
	if b.staged[owner] == nil {
		b.staged[owner] = body{}
	}
	merge(b.staged[owner], c.body)
	merge(b.edit(c.uri), c.body)
	if b.habits.jobs && typeOf(b.get(owner)) == "Bios" { // without a job nothing comes of it
		if applyTime == "" {
			return reply{status: http.StatusOK, body: noted("Success")}
		}
		b.scheduled[owner] = b.newTask("Configure: BIOS", 0, nil)
		return b.accepted(b.scheduled[owner])
	}
	return reply{status: http.StatusOK, body: noted("Success")}
}

// fitAttributes refuses unknown BIOS attributes, wrong types, and values that the registry
// of the tree does not list.
func (b *BMC) fitAttributes(bios string, sent body) *refusal {
	now := asBody(b.get(bios)["Attributes"])
	entries := b.registry(textAt(b.get(bios), "AttributeRegistry"))
	for name, v := range asBody(sent["Attributes"]) {
		old, has := now[name]
		switch {
		case !has:
			return unknownProperty(name)
		case !sameKind(old, v):
			return wrongType(name)
		case at(entries[name], "ReadOnly") == true:
			return readOnly(name)
		}
		list, _ := at(entries[name], "Value").([]any)
		if s, ok := v.(string); ok && len(list) > 0 && !slices.ContainsFunc(list, func(e any) bool { return textAt(e, "ValueName") == s }) {
			return notInList(name, s)
		}
	}
	return nil
}

// registry finds an attribute registry's entries by its id.
func (b *BMC) registry(id string) map[string]body {
	out := map[string]body{}
	if id == "" {
		return out
	}
	for _, r := range b.cfg.Tree.bodies {
		if typeOf(r) != "AttributeRegistry" || textAt(r, "Id") != id {
			continue
		}
		list, _ := at(r, "RegistryEntries", "Attributes").([]any)
		for _, e := range list {
			out[textAt(e, "AttributeName")] = asBody(e)
		}
	}
	return out
}

// applyStaged brings what was staged for a host, and for what hangs below it, into force.
func (b *BMC) applyStaged(host string) {
	for _, p := range b.settingsPairs() {
		later := b.staged[p.owner]
		if later == nil || p.owner != host && !below(p.owner, host) {
			continue
		}
		if task, ok := b.scheduled[p.owner]; b.habits.jobs && typeOf(b.get(p.owner)) == "Bios" {
			if !ok {
				continue
			}
			b.finish(task, "Completed", "Job completed successfully.")
			delete(b.scheduled, p.owner)
		}
		merge(b.edit(p.owner), later)
		delete(b.staged, p.owner)
		b.clearSettings(p, later)
	}
	if sb := follow(b.get(host), "SecureBoot"); b.get(sb) != nil {
		s := b.edit(sb)
		s["SecureBootCurrentBoot"] = "Disabled"
		if s["SecureBootEnable"] == true && textAt(s, "SecureBootMode") != "SetupMode" {
			s["SecureBootCurrentBoot"] = "Enabled"
		}
	}
}

// clearSettings empties a Settings resource as it was recorded: some keep a full copy of
// the values in force, some show only what is pending.
func (b *BMC) clearSettings(p pair, applied body) {
	recorded := asBody(clone(b.cfg.Tree.bodies[p.settings]))
	if recorded == nil {
		recorded = body{"@odata.id": p.settings, "@odata.type": b.get(p.owner)["@odata.type"], "Id": "Settings", "Name": "Settings"}
	}
	full := asBody(recorded["Attributes"])
	for name, v := range asBody(applied["Attributes"]) {
		if _, ok := full[name]; ok {
			full[name] = v
		}
	}
	b.changed[p.settings] = recorded
}

// mirrorBoot shows in a system's Settings what the next start will do, once what was staged
// there is in force.
func (b *BMC) mirrorBoot(host string) {
	p, _, ok := cutPair(b.settingsPairs(), host)
	later := asBody(b.edit(p.settings)["Boot"])
	if !ok || later == nil {
		return
	}
	for name, v := range asBody(b.get(host)["Boot"]) {
		if _, has := later[name]; has {
			later[name] = clone(v)
		}
	}
}

// resetBios stages what was recorded.
func (b *BMC) resetBios(_ *call, a action) reply {
	b.staged[a.owner] = body{"Attributes": clone(b.cfg.Tree.bodies[a.owner]["Attributes"])}
	if b.habits.jobs {
		b.scheduled[a.owner] = b.newTask("Configure: BIOS", 0, nil)
	}
	return reply{status: http.StatusOK, body: noted("Success")}
}

// resetKeys is SecureBoot.ResetKeys and that of one database.
func (b *BMC) resetKeys(c *call, a action) reply {
	kind := textAt(c.body, "ResetKeysType")
	if allowed := b.allowed(a.body, "ResetKeysType"); allowed != nil && !slices.Contains(allowed, kind) {
		return notInList("ResetKeysType", kind).reply()
	}
	own := a.owner
	if typeOf(b.get(own)) == "SecureBootDatabase" {
		own = follow(b.get(b.host), "SecureBoot")
	}
	s := b.edit(own)
	mode := map[string]string{"ResetAllKeysToDefault": "UserMode", "ResetPK": "UserMode", "DeleteAllKeys": "SetupMode", "DeletePK": "SetupMode"}[kind]
	if mode == "" || s == nil {
		return notInList("ResetKeysType", kind).reply()
	}
	s["SecureBootMode"] = mode
	for _, uri := range members(b.get(follow(s, "SecureBootDatabases")), "Members") {
		list := follow(b.get(uri), "Certificates")
		_, id, _ := cutLast(uri)
		if b.get(list) == nil || kind == "DeletePK" && id != "PK" {
			continue
		}
		c := b.edit(list)
		c["Members"] = []any{}
		if mode == "UserMode" {
			c["Members"] = clone(at(b.cfg.Tree.bodies[list], "Members"))
		}
		c["Members@odata.count"] = number(len(members(c, "Members")))
	}
	return none()
}

// setClock takes a PATCH of the manager's time.
func (b *BMC) setClock(sent body) *refusal {
	text, ok := sent["DateTime"].(string)
	if !ok {
		return nil
	}
	if at(b.get(follow(b.get(b.manager), "NetworkProtocol")), "NTP", "ProtocolEnabled") == true {
		return refuse(http.StatusBadRequest, "PropertyNotWritable", "The time follows NTP.")
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return refuse(http.StatusBadRequest, "PropertyValueFormatError", "The value for the property DateTime is of a different format than the property can accept.")
	}
	b.skew = t.Sub(b.cfg.Now())
	return nil
}

func below(uri, parent string) bool {
	return len(uri) > len(parent) && uri[:len(parent)] == parent && uri[len(parent)] == '/'
}
