package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
)

func (c *comparer) machines() {
	have := make(map[string]*inventory.Machine, len(c.have.Machines))
	for i := range c.have.Machines {
		if m := &c.have.Machines[i]; m.Phase != inventory.Retired {
			have[m.Name] = m
		}
	}
	given := c.w.identities()
	for i := range c.w.Machines {
		m := &c.w.Machines[i]
		c.carried(m)
		if m.Project != "" && c.after.projects[m.Project] == nil {
			c.fail("machine "+m.Name, "there is no project %q", m.Project)
		}
		old := have[m.Name]
		if old != nil {
			carryOver(old, m, given)
		}
		fields := machineChanges(old, m)
		if password, given := c.w.Passwords[m.Name]; given && !c.has(old, password) {
			fields = append(fields, FieldChange{Field: "bmc.password", New: "(sealed)"})
		}
		if old != nil && len(fields) == 0 {
			continue
		}
		effects, risks := c.machineEffects(old, m)
		c.note("machine", m.Name, old != nil, fields, effects, risks)
	}
}

// has reports whether the password is the one a machine's BMC has already.
func (c *comparer) has(old *inventory.Machine, password string) bool {
	return old != nil && (c.have.HasPassword == nil || c.have.HasPassword(old.ID, password))
}

// carryOver keeps what the plan does not say: identity, state, what was observed and what
// was learned where the plan left it open, unless the plan now gives it to another.
func carryOver(old, m *inventory.Machine, given holders) {
	m.ID, m.Version, m.Phase, m.Power = old.ID, old.Version, old.Phase, old.Power
	m.Conditions, m.Facts, m.Image, m.CreatedAt, m.UpdatedAt = old.Conditions, old.Facts, old.Image, old.CreatedAt, old.UpdatedAt
	m.Hold, m.Replaces, m.Erased = old.Hold, old.Replaces, old.Erased
	learn := func(to *string, from string) {
		if *to == "" && !given.has(known(from)) {
			*to = from
		}
	}
	if m.Serial == "" && old.Serial != "" && !given.has(known(old.Serial)) {
		learn(&m.Vendor, old.Vendor) // a serial number is its vendor's
	}
	learn(&m.Serial, old.Serial)
	learn(&m.UUID, old.UUID)
	learn(&m.AssetTag, old.AssetTag)
	pairs(old.NICs, m.NICs, func(n *inventory.NIC) string { return n.Name }, func(_ string, a, b *inventory.NIC) {
		if a != nil && b != nil && b.MAC.IsZero() && !given.has(claim{what: "mac", mac: a.MAC}) {
			b.MAC = a.MAC
		}
	})
	if m.BMC == nil || old.BMC == nil {
		return
	}
	m.BMC.Claimed = old.BMC.Claimed
	m.BMC.Username = cmp.Or(m.BMC.Username, old.BMC.Username)
	if m.BMC.Address != old.BMC.Address {
		return
	}
	if m.BMC.CertificateSHA256 == old.BMC.PlannedCertificate { // the plan says what it said before; the BMC may have another since
		m.BMC.CertificateSHA256 = old.BMC.CertificateSHA256
	}
	if m.BMC.PlannedCertificate = m.BMC.CertificateSHA256; m.BMC.CertificateSHA256 == "" || m.BMC.CertificateSHA256 == old.BMC.CertificateSHA256 {
		m.BMC.PlannedCertificate = old.BMC.PlannedCertificate
	}
	learn(&m.BMC.CertificateSHA256, old.BMC.CertificateSHA256)
	if m.BMC.MAC.IsZero() && !given.has(claim{what: "mac", mac: old.BMC.MAC}) {
		m.BMC.MAC = old.BMC.MAC
	}
}

// identities are the serial numbers, UUIDs, tags and MACs that the plan itself names.
func (w *Wanted) identities() holders {
	out := make(holders, w.size())
	for i := range w.Machines {
		m := &w.Machines[i]
		for _, s := range []string{m.Serial, m.UUID, m.AssetTag} {
			out[known(s)] = m.Name
		}
		for j := range m.NICs {
			out[claim{what: "mac", mac: m.NICs[j].MAC}] = m.Name
		}
		if m.BMC != nil {
			out[claim{what: "mac", mac: m.BMC.MAC}] = m.Name
		}
	}
	return out
}

// known is a serial number, UUID or tag as one is compared with another.
func known(s string) claim { return claim{what: "known", text: strings.ToLower(s)} }

func (h holders) has(c claim) bool {
	_, taken := h[c]
	return taken
}

func machineChanges(old, now *inventory.Machine) []FieldChange {
	var d differ
	if old == nil {
		old = &inventory.Machine{}
	}
	if old.Slot == nil || *old.Slot != *now.Slot {
		d.add("slot", slotText(old.Slot), slotText(now.Slot))
	}
	d.add("firmware", string(old.Firmware), string(now.Firmware))
	d.add("netboot", string(old.Netboot), string(now.Netboot))
	d.add("arch", old.Arch, now.Arch)
	d.add("vendor", old.Vendor, now.Vendor)
	d.add("model", old.Model, now.Model)
	d.add("serial", old.Serial, now.Serial)
	d.add("uuid", old.UUID, now.UUID)
	d.add("asset_tag", old.AssetTag, now.AssetTag)
	d.add("batch", old.Batch, now.Batch)
	d.add("project", old.Project, now.Project)
	d.nics(old.NICs, now.NICs)
	d.bonds(old.Bonds, now.Bonds)
	d.psus(old.PSUs, now.PSUs)
	d.bmc(old.BMC, now.BMC)
	if old.RootDisk != now.RootDisk {
		d.add("root_disk", hintText(old.RootDisk), hintText(now.RootDisk))
	}
	d.labels(old.Labels, now.Labels, old.Tags, now.Tags)
	d.waivers(old.Waivers, now.Waivers)
	return d.list
}

func (d *differ) nics(old, now []inventory.NIC) {
	pairs(old, now, func(n *inventory.NIC) string { return n.Name }, func(name string, a, b *inventory.NIC) {
		if a == nil || b == nil || !sameNIC(a, b) {
			d.add("nic "+name, nicText(a), nicText(b))
		}
	})
	if len(old) > 0 {
		d.order("nic order", names(old, func(n *inventory.NIC) string { return n.Name }), names(now, func(n *inventory.NIC) string { return n.Name }))
	}
}

func sameNIC(a, b *inventory.NIC) bool {
	return a.MAC == b.MAC && a.Network == b.Network && a.Connector == b.Connector && a.Bond == b.Bond && a.Address == b.Address &&
		a.Address6 == b.Address6 && slices.Equal(a.VLANs, b.VLANs) && a.Boot == b.Boot && sameCable(a.Cable, b.Cable)
}

// nicText is never empty for a port that is there.
func nicText(n *inventory.NIC) string {
	if n == nil {
		return ""
	}
	mac, boot := "MAC to be learned", ""
	if !n.MAC.IsZero() {
		mac = n.MAC.String()
	}
	if n.Boot {
		boot = "boot"
	}
	return words(mac, n.Network, addrText(n.Address), addrText(n.Address6), taggedText(n.VLANs), string(n.Connector), pair("bond", n.Bond), boot, cableText(n.Cable))
}

func (d *differ) bonds(old, now []inventory.Bond) {
	pairs(old, now, func(b *inventory.Bond) string { return b.Name }, func(name string, a, b *inventory.Bond) { d.add("bond "+name, bondText(a), bondText(b)) })
	d.order("bond order", names(old, func(b *inventory.Bond) string { return b.Name }), names(now, func(b *inventory.Bond) string { return b.Name }))
}

// bondText is never empty for a bond that is declared.
func bondText(b *inventory.Bond) string {
	if b == nil {
		return ""
	}
	mtu := ""
	if b.MTU > 0 {
		mtu = fmt.Sprintf("MTU %d", b.MTU)
	}
	return words(string(b.Mode), pair("LACP", b.LACPRate), pair("hash", b.Hash), fmt.Sprintf("MII every %d ms", b.MIIMon), mtu, pair("primary", b.Primary),
		b.Network, addrText(b.Address), addrText(b.Address6), taggedText(b.VLANs))
}

func taggedText(list []inventory.Tagged) string {
	return pair("tagged", joined(list, func(t inventory.Tagged) string { return words(t.Network, addrText(t.Address), addrText(t.Address6)) }))
}

func (d *differ) bmc(old, now *inventory.BMC) {
	if old == nil {
		old = &inventory.BMC{}
	}
	if now == nil {
		now = &inventory.BMC{}
	}
	d.add("bmc", words(old.Address, old.Username), words(now.Address, now.Username))
	d.add("bmc.certificate", old.CertificateSHA256, now.CertificateSHA256)
	if old.MAC != now.MAC {
		d.add("bmc.mac", macText(old.MAC), macText(now.MAC))
	}
}

func macText(m inventory.MAC) string {
	if m.IsZero() {
		return ""
	}
	return m.String()
}

func hintText(h inventory.DiskHint) string {
	if h.IsZero() {
		return ""
	}
	return h.String()
}

// feedsText lists the feeds that power supplies hang on.
func (s *state) feedsText(psus []inventory.PSU) string {
	var out []string
	for i := range psus {
		if c := psus[i].Cable; c != nil {
			if d := s.owners.devices[c.To.Owner]; d != nil && d.Feed != "" {
				if text := fmt.Sprintf("%s (%s)", d.Feed, d.Name); !slices.Contains(out, text) {
					out = append(out, text)
				}
			}
		}
	}
	return strings.Join(out, " and ")
}
