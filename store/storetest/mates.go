package storetest

import (
	"testing"

	"rackwright/inventory"
)

// hearing is facts of a machine whose ports hear neighbours: system and port of each.
func hearing(macs []inventory.MAC, neighbours ...[2]string) *inventory.Facts {
	f := &inventory.Facts{Source: "agent"}
	for i, n := range neighbours {
		name := []string{"eth0", "eth1"}[i]
		f.NICs = append(f.NICs, inventory.SeenNIC{Name: name, MAC: macs[i], Link: true})
		f.LLDP = append(f.LLDP, inventory.Neighbor{NIC: name, System: n[0], Port: n[1]})
	}
	return f
}

func mates() chapter {
	names := func(list []inventory.Machine) string {
		return namesOf(list, func(m *inventory.Machine) string { return m.Name })
	}
	return chapter{
		"the machines of other racks on a rack's switches are told with their ports, cables and neighbours": func(t *testing.T, b *bench) {
			b.apply(row())
			same(t, "while nobody was seen", names(must(b.SwitchMates(b.ctx(), "r1", 10))(t)), "")
			for i, name := range []string{"n1", "far"} {
				must(b.ChangeMachine(b.ctx(), name, look(hearing([]inventory.MAC{mac(701 + i), mac(501 + 4*i)}, [2]string{"leaf-1.lab", "40"}, [2]string{"leaf-2", "5"}))))(t)
			}
			got := must(b.SwitchMates(b.ctx(), "r1", 10))(t)
			far := b.machine("far")
			same(t, "of r1", names(got), "far")
			same(t, "its ports", got[0].NICs, far.NICs)
			same(t, "what they hear", got[0].Facts.LLDP, far.Facts.LLDP)
			same(t, "seen ports", got[0].Facts.NICs, far.Facts.NICs)
			same(t, "of r2", names(must(b.SwitchMates(b.ctx(), "r2", 10))(t)), "n1")
			same(t, "no more than asked for", len(must(b.SwitchMates(b.ctx(), "r2", 0))(t)), 0)
			must(b.Retire(b.ctx(), "far", inventory.Retirement{Reason: "sold"}, "ann"))(t)
			same(t, "retired", names(must(b.SwitchMates(b.ctx(), "r1", 10))(t)), "")
		},
		"a machine that was heard at a switch where it is not planned is told too": func(t *testing.T, b *bench) {
			p := row()
			p.Racks[1].Machines[0].NICs[0].Cable, p.Racks[1].Machines[0].NICs[1].Cable = nil, nil
			b.apply(p)
			far := b.machine("far")
			e := inventory.Evidence{Source: "agent", LLDP: []inventory.Neighbor{{System: "leaf-1.lab", Port: "Ethernet7"}}}
			must(b.Witness(b.ctx(), far.ID, e))(t)
			must(b.ChangeMachine(b.ctx(), "far", look(hearing([]inventory.MAC{mac(701)}, [2]string{"leaf-1.lab", "Ethernet7"}))))(t)
			same(t, "of r1", names(must(b.SwitchMates(b.ctx(), "r1", 10))(t)), "far")
		},
	}
}
