package storetest

import (
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
)

func cables() chapter {
	return chapter{
		"two machines swap their switch ports in one plan": func(t *testing.T, b *bench) {
			b.apply(row())
			p := row()
			m := p.Racks[0].Machines
			m[0].NICs[0].Cable, m[1].NICs[0].Cable = m[1].NICs[0].Cable, m[0].NICs[0].Cable
			b.apply(p)
			same(t, "n1", b.machine("n1").NICs[0].Cable.To.String(), "leaf-1:2")
			same(t, "n2", b.machine("n2").NICs[0].Cable.To.String(), "leaf-1:1")
			same(t, "version of one that was not named", b.machine("left").Version, 1)
		},
		"a port that a machine of another plan is cabled to is refused and named": func(t *testing.T, b *bench) {
			b.apply(row())
			p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r9", Machines: []plan.Machine{
				{Name: "x", U: 1, NICs: []plan.NIC{{Connector: inventory.SFP, Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "40"}, Type: "dac"}}}}}}}}
			_, err := b.ApplyPlan(b.ctx(), p, "", "tester")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, "far") {
				t.Errorf("%q does not name far", said)
			}
		},
		"a MAC that was learned stays when the plan does not say it": func(t *testing.T, b *bench) {
			b.apply(row())
			must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.NICs[0].MAC = mac(900)
				return nil, nil
			}))(t)
			p := row()
			p.Racks[0].Machines[0].AssetTag = "other"
			b.apply(p)
			same(t, "MAC", b.machine("n1").NICs[0].MAC, mac(900))
			same(t, "port without one", b.machine("n2").NICs[0].MAC, inventory.MAC{})
		},
		"a device that changes keeps the cables that others plan to it": func(t *testing.T, b *bench) {
			b.apply(row())
			p := row()
			p.Racks[0].Devices[0].Serial = "L1-new"
			b.apply(p)
			same(t, "cable", b.machine("far").NICs[0].Cable.To.String(), "leaf-1:40")
			same(t, "serial", must(b.Devices(b.ctx(), "r1"))(t)[1].Serial, "L1-new")
		},
		"a switch whose ports change so that a cable does not fit is refused": func(t *testing.T, b *bench) {
			b.apply(row())
			p := plan.Plan{Site: "lab", Models: row().Models, Racks: row().Racks[:1]}
			p.Networks, p.Projects = row().Networks, row().Projects
			p.Racks[0].Devices[0].Ports = []inventory.Port{{Name: "40", Connector: inventory.RJ45}}
			_, err := b.ApplyPlan(b.ctx(), p, "", "tester")
			refused(t, err, fault.Conflict)
			same(t, "cable", b.machine("far").NICs[0].Cable.To.String(), "leaf-1:40")
		},
	}
}
