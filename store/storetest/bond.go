package storetest

import (
	"fmt"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// bonded is n machines with a bond, a network with a tag on it, and IPv6 beside IPv4.
func bonded(n int) plan.Plan {
	p := planOf(n)
	p.Networks = append([]plan.Network(nil), p.Networks...)
	p.Networks[0].CIDR6, p.Networks[0].Gateway6 = "2001:db8::/64", "fe80::1"
	p.Networks = append(p.Networks, plan.Network{Name: "tenant", CIDR: "10.8.0.0/24", VLAN: 8, CIDR6: "2001:db8:8::/64"},
		plan.Network{Name: "backup", CIDR: "10.9.0.0/24", VLAN: 9})
	for i := range p.Racks[0].Machines {
		m, host := &p.Racks[0].Machines[i], fmt.Sprint(11+i)
		m.NICs[0].Bond, m.NICs[0].Address6 = "bond0", "2001:db8::"+host
		m.NICs = append(m.NICs, plan.NIC{Name: "p2", Bond: "bond0"}, plan.NIC{Name: "p3", VLANs: []plan.Tagged{{Network: "backup", Address: "10.9.0." + host}}})
		m.Bonds = []plan.Bond{{Name: "bond0", Mode: inventory.LACP, LACPRate: "fast", Hash: "layer2+3", MIIMon: 50, MTU: 9000,
			VLANs: []plan.Tagged{{Network: "tenant", Address: "10.8.0." + host, Address6: "2001:db8:8::" + host}}}}
	}
	return p
}

func bonds() chapter {
	return chapter{
		"bonds, VLANs and IPv6 addresses are read back as they were written": func(t *testing.T, b *bench) {
			b.apply(bonded(2))
			want, have := must(bonded(2).Resolve())(t), must(b.Inventory(b.ctx()))(t)
			for i := range want.Machines {
				m := b.machine(want.Machines[i].Name)
				same(t, "NICs", m.NICs, want.Machines[i].NICs)
				same(t, "bonds", m.Bonds, want.Machines[i].Bonds)
			}
			same(t, "IPv6", words(have.Network("provision").Prefix6, have.Network("provision").Gateway6), "2001:db8::/64 fe80::1")
			if d := b.apply(bonded(2)); len(d.Changes) > 0 {
				t.Errorf("applied again it changes %+v", d.Changes)
			}
			p := bonded(2)
			for i := range p.Racks[0].Machines {
				m := &p.Racks[0].Machines[i]
				m.Bonds, m.NICs[0].Bond, m.NICs = nil, "", m.NICs[:1]
			}
			b.apply(p)
			same(t, "left", words(len(b.machine("n1").Bonds), b.count("SELECT count(*) FROM vlan"), b.count("SELECT count(*) FROM machine_address")), "0 0 4")
		},
		"an address of a bond, of a VLAN or of IPv6 belongs to one machine": func(t *testing.T, b *bench) {
			b.apply(bonded(1))
			for name, spoil := range map[string]func(m *plan.Machine){
				"IPv6":          func(m *plan.Machine) { m.NICs[0].Address6 = "2001:db8::11" },
				"with a tag":    func(m *plan.Machine) { m.Bonds[0].VLANs[0].Address = "10.8.0.11" },
				"tag and IPv6":  func(m *plan.Machine) { m.Bonds[0].VLANs[0].Address6 = "2001:db8:8::11" },
				"other port":    func(m *plan.Machine) { m.NICs[2].VLANs[0].Address = "10.9.0.11" },
				"bond and port": func(m *plan.Machine) { m.NICs = append(m.NICs, plan.NIC{Network: "tenant", Address: "10.8.0.11"}) },
			} {
				p := bonded(2)
				p.Racks = []plan.Rack{{Name: "r2", Machines: p.Racks[0].Machines[1:]}}
				spoil(&p.Racks[0].Machines[0])
				_, err := b.ApplyPlan(b.ctx(), p, "", "tester")
				if !fault.Is(err, fault.Conflict) {
					t.Errorf("%s: got %v", name, err)
				}
			}
			id := b.machine("n1").ID
			if _, err := b.raw().ExecContext(b.ctx(), `INSERT INTO machine_address (network_id, address, machine_id)
				SELECT network_id, address, machine_id FROM machine_address WHERE machine_id = $1`, id); err == nil {
				t.Error("the schema takes an address twice")
			}
		},
		"two machines swap what their bonds have": func(t *testing.T, b *bench) {
			b.apply(bonded(2))
			p := bonded(2)
			m := p.Racks[0].Machines
			m[0].Bonds, m[1].Bonds = m[1].Bonds, m[0].Bonds
			m[0].NICs[0].Address6, m[1].NICs[0].Address6 = m[1].NICs[0].Address6, m[0].NICs[0].Address6
			b.apply(p)
			same(t, "n1", words(b.machine("n1").Bonds[0].VLANs[0].Address, b.machine("n1").NICs[0].Address6), "10.8.0.12 2001:db8::12")
		},
		"a machine that retires leaves its bonds and addresses to others": func(t *testing.T, b *bench) {
			b.apply(bonded(1))
			m := b.machine("n1")
			must(b.Retire(b.ctx(), "n1", inventory.Retirement{Reason: "sold"}, "ann"))(t)
			for _, table := range []string{"bond", "vlan", "machine_address"} {
				same(t, table, b.count("SELECT count(*) FROM "+table+" WHERE machine_id = $1", m.ID), 0)
			}
		},
	}
}
