package plan_test

import (
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// ofN1 spoils the first machine of the full plan.
func ofN1(change func(m *plan.Machine)) func(*plan.Plan) {
	return func(p *plan.Plan) { change(&p.Racks[0].Machines[0]) }
}

func TestAFaultyBondOrVLANNamesTheFieldAndTheReason(t *testing.T) {
	bond := func(change func(b *plan.Bond)) func(*plan.Plan) {
		return ofN1(func(m *plan.Machine) {
			m.Bonds = slices.Clone(m.Bonds)
			m.Bonds[0].VLANs = slices.Clone(m.Bonds[0].VLANs)
			change(&m.Bonds[0])
		})
	}
	const first = "racks[0].machines[0]"
	for name, c := range map[string]struct {
		spoil      func(*plan.Plan)
		path, says string
	}{
		"no such mode":               {bond(func(b *plan.Bond) { b.Mode = "lacp" }), first + ".bonds[0].mode", "802.3ad"},
		"a hash of a passive bond":   {bond(func(b *plan.Bond) { b.Mode, b.LACPRate = "", "" }), first + ".bonds[0].hash", "active-backup"},
		"an LACP rate without LACP":  {bond(func(b *plan.Bond) { b.Mode = inventory.BalanceXOR }), first + ".bonds[0].lacp_rate", "not of mode"},
		"a primary that is outside":  {bond(func(b *plan.Bond) { b.Mode, b.LACPRate, b.Hash, b.Primary = "", "", "", "eth7" }), first + ".bonds[0].primary", "not in bond0"},
		"a bond without nics":        {bond(func(b *plan.Bond) { b.Name = "bond9" }), first + ".bonds[0].name", "write bond: bond9"},
		"a name no kernel takes":     {bond(func(b *plan.Bond) { b.Name = "a-very-long-bond-name" }), first + ".bonds[0].name", "15"},
		"a nic of its name":          {ofN1(func(m *plan.Machine) { m.NICs[1].Name = "bond0" }), first + ".bonds[0].name", "a nic is called bond0 too"},
		"a bond twice":               {ofN1(func(m *plan.Machine) { m.Bonds = append(slices.Clone(m.Bonds), m.Bonds[0]) }), first + ".bonds[1].name", "twice"},
		"a network twice":            {bond(func(b *plan.Bond) { b.VLANs = append(b.VLANs, b.VLANs[0]) }), first + ".bonds[0].vlans[1].network", "twice"},
		"a VLAN of no network":       {bond(func(b *plan.Bond) { b.VLANs[0].Network = "" }), first + ".bonds[0].vlans[0].network", "which network"},
		"IPv6 as IPv4":               {bond(func(b *plan.Bond) { b.VLANs[0].Address = "2001:db8:8::5" }), first + ".bonds[0].vlans[0].address", "address6"},
		"IPv4 as IPv6":               {bond(func(b *plan.Bond) { b.VLANs[0].Address6 = "10.8.0.9" }), first + ".bonds[0].vlans[0].address6", "no IPv6"},
		"a second address":           {bond(func(b *plan.Bond) { b.Network, b.Address = "provision", "10.0.0.99" }), first + ".nics[0].address", "one interface"},
		"another untagged network":   {bond(func(b *plan.Bond) { b.Network = "storage" }), first + ".nics[0].network", "without a tag"},
		"an address nowhere":         {bond(func(b *plan.Bond) { b.Address = "10.0.0.99" }), first + ".bonds[0].network", "network it is in"},
		"VLANs of a member":          {ofN1(func(m *plan.Machine) { m.NICs[1].VLANs = m.Bonds[0].VLANs }), first + ".nics[1].vlans", "give the VLANs to the bond"},
		"addresses at both members":  {ofN1(func(m *plan.Machine) { m.NICs[1].Network, m.NICs[1].Address = "provision", "10.0.0.99" }), first + ".nics[1].address", "one interface"},
		"an IPv6 gateway elsewhere":  {func(p *plan.Plan) { p.Networks[0].Gateway6 = "2001:db8:1::1" }, "networks[0].gateway6", "link-local"},
		"an IPv4 subnet as cidr6":    {func(p *plan.Plan) { p.Networks[0].CIDR6 = "10.0.0.0/24" }, "networks[0].cidr6", "IPv6"},
		"a gateway without a subnet": {func(p *plan.Plan) { p.Networks[0].CIDR6 = "" }, "networks[0].cidr6", "gateway6"},
		"IPv6 subnets that overlap":  {func(p *plan.Plan) { p.Networks[2].CIDR6 = "2001:db8::/48" }, "networks", "overlaps tenant"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, c.spoil, c.path, c.says) })
	}
}

// refused expects a fault at the path that holds the words.
func refused(t *testing.T, spoil func(*plan.Plan), path, says string) {
	t.Helper()
	p := fullPlan()
	spoil(&p)
	_, err := p.Resolve()
	e, _ := err.(*fault.Error)
	if e == nil || e.Kind != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	if !slices.ContainsFunc(e.Fields, func(f fault.Field) bool { return f.Path == path && strings.Contains(f.Message, says) }) {
		t.Errorf("got %+v", e.Fields)
	}
}

func TestWhatAPortCarriesIsComparedWithTheNetworks(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*plan.Plan)
		says  string
	}{
		"a tag on a network without VLAN": {ofN1(func(m *plan.Machine) { m.Bonds[0].VLANs = []plan.Tagged{{Network: "storage"}} }), "storage has no vlan"},
		"two networks of one VLAN":        {func(p *plan.Plan) { p.Networks[2].VLAN = 20 }, "provision and tenant have both VLAN 20"},
		"no such network":                 {ofN1(func(m *plan.Machine) { m.Bonds[0].VLANs = []plan.Tagged{{Network: "moon"}} }), `no network "moon"`},
		"the untagged one again":          {ofN1(func(m *plan.Machine) { m.Bonds[0].VLANs = []plan.Tagged{{Network: "provision"}} }), "twice on one port"},
		"IPv6 where there is none":        {func(p *plan.Plan) { p.Networks[2].CIDR6 = "" }, "no cidr6"},
		"an address outside":              {ofN1(func(m *plan.Machine) { m.NICs[0].Address6 = "2001:db8:9::1" }), "outside network provision"},
		"the anycast address":             {ofN1(func(m *plan.Machine) { m.NICs[0].Address6 = "2001:db8::" }), "anycast"},
		"the address of another": {ofN1(func(m *plan.Machine) {
			m.Bonds[0].VLANs = []plan.Tagged{{Network: "tenant", Address6: "2001:db8:8::12"}}
		}), "2001:db8:8::12 belongs to n1"},
	} {
		t.Run(name, func(t *testing.T) {
			p := fullPlan()
			c.spoil(&p)
			_, _, err := against(t, p, inventory.Inventory{})
			e, _ := err.(*fault.Error)
			if e == nil || !slices.ContainsFunc(e.Fields, func(f fault.Field) bool { return strings.Contains(f.Message, c.says) }) {
				t.Errorf("got %+v", err)
			}
		})
	}
}

func TestAChangedBondIsShownByItsFields(t *testing.T) {
	have, p := applied(t, fullPlan()), fullPlan()
	p.Racks[0].Machines[0].Bonds[0].Mode, p.Racks[0].Machines[0].Bonds[0].LACPRate = inventory.BalanceXOR, ""
	_, d, err := against(t, p, have)
	if err != nil || len(d.Changes) != 1 {
		t.Fatalf("got %+v, %v", d, err)
	}
	f := d.Changes[0].Fields
	if len(f) != 1 || f[0].Field != "bond bond0" || !strings.HasPrefix(f[0].Old, "802.3ad LACP fast") || !strings.HasPrefix(f[0].New, "balance-xor hash") {
		t.Errorf("got %+v", f)
	}
}
