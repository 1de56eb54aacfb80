package inventory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"rackwright/fault"
)

// Inventory is everything a plan is compared with.
type Inventory struct {
	Sites    []Site
	Projects []Project
	Models   []Model
	Networks []Network
	Racks    []Rack
	Devices  []Device
	Machines []Machine
	// HasPassword tells whether a machine's BMC has that password; nil: nothing is known,
	// so a password of a machine that exists is taken to be the same.
	HasPassword func(machineID, password string) bool
}

// Change is one noun that applying a plan would create or change.
type Change struct {
	Action  string        `json:"action" enum:"create,change,remove"`
	Noun    string        `json:"noun" enum:"site,project,model,network,rack,device,machine"`
	Name    string        `json:"name"`
	Fields  []FieldChange `json:"fields,omitempty" nullable:"false"`
	Effects []string      `json:"effects,omitempty" nullable:"false" doc:"What it will cause, in plain words"`
	Risks   []string      `json:"risks,omitempty" nullable:"false" doc:"What may go wrong with it"`
}

// FieldChange is one value before and after.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}

// Warning is a rule that the plan breaks and that a waiver lets pass.
type Warning struct {
	Rule    string `json:"rule" doc:"Stable name, e.g. psus-on-one-feed"`
	On      string `json:"on" doc:"Machine, device or rack"`
	Message string `json:"message"`
	Waived  string `json:"waived,omitempty" doc:"Reason of the waiver"`
}

// Diff is what applying a plan would do. Hash names exactly this set of changes: apply
// with another hash is a Conflict, because the inventory changed meanwhile.
type Diff struct {
	Changes   []Change  `json:"changes" nullable:"false"`
	Warnings  []Warning `json:"warnings,omitempty" nullable:"false"`
	Unplanned []string  `json:"unplanned,omitempty" nullable:"false" doc:"Machines in the plan's racks that the plan does not name; left alone"`
	Hash      string    `json:"hash"`
}

// Against compares the plan with the inventory: it carries identities and state of what
// exists over into the wanted nouns, and reports every clash at once.
func (w *Wanted) Against(have Inventory) (*Diff, error) {
	c := comparer{w: w, have: have, diff: &Diff{Changes: []Change{}}, nets: map[string]*Network{}}
	c.site()
	c.networks()
	c.racks()
	c.machines()
	if len(c.bad) > 0 {
		return nil, &fault.Error{Kind: fault.Conflict, Message: fmt.Sprintf("the plan clashes with the inventory in %d places", len(c.bad)),
			Fields: c.bad, Hint: "correct the plan, or change what holds the slot, MAC or address first; nothing was changed"}
	}
	sum, err := json.Marshal(c.diff.Changes)
	if err != nil {
		return nil, fault.Internalf("encode diff: %w", err)
	}
	digest := sha256.Sum256(sum)
	c.diff.Hash = hex.EncodeToString(digest[:8])
	return c.diff, nil
}

// comparer walks the wanted nouns beside the existing ones.
type comparer struct {
	w    *Wanted
	have Inventory
	diff *Diff
	nets map[string]*Network
	bad  []fault.Field
}

func (c *comparer) fail(path, format string, args ...any) {
	if len(c.bad) == maxFaults {
		return
	}
	c.bad = append(c.bad, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

// note records a change of a noun unless nothing differs.
func (c *comparer) note(noun, name string, exists bool, fields []FieldChange, effects ...string) {
	if exists && len(fields) == 0 {
		return
	}
	action := "create"
	if exists {
		action = "change"
	}
	c.diff.Changes = append(c.diff.Changes, Change{Action: action, Noun: noun, Name: name, Fields: fields, Effects: effects})
}

func (c *comparer) site() {
	for _, s := range c.have.Sites {
		if s.Name == c.w.Site {
			return
		}
	}
	c.note("site", c.w.Site, false, nil)
}

func (c *comparer) networks() {
	for i := range c.have.Networks {
		c.nets[c.have.Networks[i].Name] = &c.have.Networks[i]
	}
	planned := map[string]bool{} // Resolve has compared these with each other
	for _, n := range c.w.Networks {
		planned[n.Name] = true
	}
	for i := range c.w.Networks {
		n := &c.w.Networks[i]
		old := c.nets[n.Name]
		for j := range c.have.Networks {
			if h := &c.have.Networks[j]; !planned[h.Name] && h.Prefix.Overlaps(n.Prefix) {
				c.fail("network "+n.Name, "%s overlaps %s (%s)", n.Prefix, h.Name, h.Prefix)
			}
		}
		if old != nil {
			n.ID, n.Version = old.ID, old.Version
		}
		c.note("network", n.Name, old != nil, fieldChanges(networkFields(old), networkFields(n)), networkEffects(n)...)
	}
	for i := range c.w.Networks {
		c.nets[c.w.Networks[i].Name] = &c.w.Networks[i]
	}
}

func networkEffects(n *Network) []string {
	if n.DHCP == DHCPOff {
		return nil
	}
	effect := fmt.Sprintf("DHCP answers planned machines on %s", n.Prefix)
	if n.Strangers == StrangerDiscover {
		effect += fmt.Sprintf(" and lends %s to %s to strangers", n.Pool.First, n.Pool.Last)
	}
	return []string{effect}
}

func (c *comparer) racks() {
	have := map[string]*Rack{}
	for i := range c.have.Racks {
		have[c.have.Racks[i].Name] = &c.have.Racks[i]
	}
	for i := range c.w.Racks {
		r := &c.w.Racks[i]
		old := have[r.Name]
		if old != nil {
			r.ID, r.Version = old.ID, old.Version
			if old.Site != r.Site {
				c.fail("rack "+r.Name, "stands in site %s", old.Site)
			}
		}
		c.note("rack", r.Name, old != nil, fieldChanges(rackFields(old), rackFields(r)))
	}
}

func (c *comparer) machines() {
	have, planned := map[string]*Machine{}, map[string]bool{}
	for i := range c.have.Machines {
		have[c.have.Machines[i].Name] = &c.have.Machines[i]
	}
	for i := range c.w.Machines {
		m := &c.w.Machines[i]
		planned[m.Name] = true
		c.ports(m)
		old := have[m.Name]
		if old != nil {
			carryOver(old, m)
		}
		fields := fieldChanges(machineFields(old), machineFields(m))
		if password, given := c.w.Passwords[m.Name]; given && !c.has(old, password) {
			fields = append(fields, FieldChange{Field: "bmc.password", New: "(sealed)"})
		}
		c.note("machine", m.Name, old != nil, fields, machineEffects(old, m)...)
	}
	c.clashes(planned)
}

// has reports whether the password is the one a machine's BMC has already.
func (c *comparer) has(old *Machine, password string) bool {
	return old != nil && (c.have.HasPassword == nil || c.have.HasPassword(old.ID, password))
}

// carryOver keeps what the plan does not say: identity, state, what was observed.
func carryOver(old, m *Machine) {
	m.ID, m.Version, m.Phase, m.Power = old.ID, old.Version, old.Phase, old.Power
	m.Conditions, m.Facts, m.Image, m.CreatedAt, m.UpdatedAt = old.Conditions, old.Facts, old.Image, old.CreatedAt, old.UpdatedAt
	if m.BMC != nil && old.BMC != nil && m.BMC.CertificateSHA256 == "" && m.BMC.Address == old.BMC.Address {
		m.BMC.CertificateSHA256 = old.BMC.CertificateSHA256
	}
}

func machineEffects(old, m *Machine) []string {
	if old == nil || old.Phase == Planned {
		return nil
	}
	var out []string
	if a, b := old.BootNIC(), m.BootNIC(); a != nil && b != nil && a.Address != b.Address {
		out = append(out, fmt.Sprintf("renumbers %s from %s to %s at its next lease", m.Name, a.Address, b.Address))
	}
	return out
}

// ports checks each NIC's network and address.
func (c *comparer) ports(m *Machine) {
	for _, n := range m.NICs {
		if n.Network == "" {
			continue
		}
		net, ok := c.nets[n.Network]
		switch {
		case !ok:
			c.fail("machine "+m.Name, "nic %s: there is no network %q", n.Name, n.Network)
		case n.Address.IsValid() && !net.Prefix.Contains(n.Address):
			c.fail("machine "+m.Name, "nic %s: %s is outside network %s (%s)", n.Name, n.Address, net.Name, net.Prefix)
		case n.Address.IsValid() && !net.Usable(n.Address):
			c.fail("machine "+m.Name, "nic %s: %s is the network or broadcast address of %s", n.Name, n.Address, net.Name)
		case n.Address.IsValid() && n.Address == net.Gateway:
			c.fail("machine "+m.Name, "nic %s: %s is the gateway of %s", n.Name, n.Address, net.Name)
		}
	}
}

// clashes finds slots, MACs, addresses and serials that a machine outside the plan holds.
func (c *comparer) clashes(planned map[string]bool) {
	held := map[string]string{}
	racks := map[string]int{}
	for _, r := range c.w.Racks {
		racks[r.Name] = r.Units
	}
	for i := range c.have.Machines {
		m := &c.have.Machines[i]
		if planned[m.Name] || m.Phase == Retired {
			continue
		}
		if m.Slot != nil && racks[m.Slot.Rack] > 0 {
			c.diff.Unplanned = append(c.diff.Unplanned, m.Name)
		}
		c.stays(m, racks)
		for _, claim := range claims(m) {
			held[claim] = m.Name
		}
	}
	sort.Strings(c.diff.Unplanned)
	for i := range c.w.Machines {
		m := &c.w.Machines[i]
		for _, claim := range claims(m) {
			if owner, taken := held[claim]; taken {
				c.fail("machine "+m.Name, "%s belongs to %s", claim, owner)
			}
		}
	}
}

// stays checks that a machine the plan does not name still fits what the plan changes.
func (c *comparer) stays(m *Machine, racks map[string]int) {
	if s := m.Slot; s != nil && racks[s.Rack] > 0 && s.U+s.Height-1 > racks[s.Rack] {
		c.fail("rack "+s.Rack, "%s stands in unit %d", m.Name, s.U+s.Height-1)
	}
	for _, n := range m.NICs {
		if net := c.nets[n.Network]; net != nil && n.Address.IsValid() && !net.Prefix.Contains(n.Address) {
			c.fail("network "+n.Network, "%s has address %s, outside %s", m.Name, n.Address, net.Prefix)
		}
	}
}

// claims lists what one machine alone may hold. A machine without a slot was only seen,
// never planned: it claims nothing, and the plan adopts it.
func claims(m *Machine) []string {
	if m.Slot == nil {
		return nil
	}
	var out []string
	for _, c := range m.Slot.Cells() {
		out = append(out, fmt.Sprintf("slot %s/u%d %s %s", m.Slot.Rack, c.U, c.Face, c.Side))
	}
	for _, n := range m.NICs {
		out = append(out, "mac "+n.MAC.String())
		if n.Address.IsValid() {
			out = append(out, "address "+n.Address.String())
		}
	}
	if m.BMC != nil {
		out = append(out, "bmc "+m.BMC.Address)
		if !m.BMC.MAC.IsZero() {
			out = append(out, "mac "+m.BMC.MAC.String())
		}
	}
	if key := m.SerialKey(); key != "" {
		out = append(out, "serial "+key)
	}
	return out
}

type fields [][2]string

func fieldChanges(old, now fields) []FieldChange {
	before := map[string]string{}
	for _, f := range old {
		before[f[0]] = f[1]
	}
	var out []FieldChange
	for _, f := range now {
		if before[f[0]] != f[1] {
			out = append(out, FieldChange{Field: f[0], Old: before[f[0]], New: f[1]})
		}
		delete(before, f[0])
	}
	for _, f := range old {
		if v, gone := before[f[0]]; gone && v != "" {
			out = append(out, FieldChange{Field: f[0], Old: v})
		}
	}
	return out
}

func text(v any) string {
	if rv := reflect.ValueOf(v); !rv.IsValid() || rv.IsZero() {
		return ""
	}
	return strings.Trim(fmt.Sprint(v), "[]")
}

func networkFields(n *Network) fields {
	if n == nil {
		return nil
	}
	pool := ""
	if !n.Pool.IsZero() {
		pool = n.Pool.First.String() + " to " + n.Pool.Last.String()
	}
	return fields{{"cidr", n.Prefix.String()}, {"gateway", text(n.Gateway)}, {"dns", text(n.DNS)}, {"ntp", text(n.NTP)},
		{"domain", n.Domain}, {"mtu", text(n.MTU)}, {"purpose", n.Purpose}, {"dhcp", string(n.DHCP)}, {"strangers", string(n.Strangers)},
		{"pool", pool}, {"lease_seconds", text(n.LeaseSeconds)}, {"router_adverts", text(n.RouterAdverts)}}
}

func rackFields(r *Rack) fields {
	if r == nil {
		return nil
	}
	return fields{{"site", r.Site}, {"units", text(r.Units)}}
}

func machineFields(m *Machine) fields {
	if m == nil {
		return nil
	}
	out := fields{{"firmware", string(m.Firmware)}, {"arch", m.Arch}, {"vendor", m.Vendor}, {"model", m.Model},
		{"serial", m.Serial}, {"uuid", m.UUID}}
	if s := m.Slot; s != nil {
		out = append(out, [2]string{"slot", fmt.Sprintf("%s u%d height %d %s", s.Rack, s.U, s.Height, s.Face)})
	}
	for _, n := range m.NICs {
		out = append(out, [2]string{"nic " + n.Name, strings.TrimSpace(fmt.Sprintf("%s %s %s boot=%v", n.MAC, n.Network, text(n.Address), n.Boot))})
	}
	if b := m.BMC; b != nil {
		out = append(out, [2]string{"bmc", strings.TrimSpace(b.Address + " " + b.Username)}, [2]string{"bmc.certificate", b.CertificateSHA256},
			[2]string{"bmc.mac", text(b.MAC)})
	}
	if !m.RootDisk.IsZero() {
		out = append(out, [2]string{"root_disk", m.RootDisk.String()})
	}
	return out
}
