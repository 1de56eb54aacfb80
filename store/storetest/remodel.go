package storetest

import (
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
)

// onlyModel is a plan that says what one model is like, and names no rack.
func onlyModel(name string, change func(b *inventory.Build)) plan.Plan {
	for _, m := range row().Models {
		if m.Name == name {
			change(&m.Build)
			return plan.Plan{Site: "lab", Models: []plan.Model{m}}
		}
	}
	panic(name)
}

// carried is what a rack carries as it is written: kilograms, and the worst watts of a feed.
func (b *bench) carried(rack, feed string) (kg, watts int) {
	b.t.Helper()
	kg = b.count("SELECT CAST(weight_kg AS integer) FROM rack WHERE name = $1", rack)
	if feed != "" {
		watts = b.count("SELECT CAST(f.worst_w AS integer) FROM rack_feed f JOIN rack r ON r.id = f.rack_id WHERE r.name = $1 AND f.name = $2", rack, feed)
	}
	return kg, watts
}

// borrowed is the row with a machine in r2 that hangs on r1's PDUs.
func borrowed() plan.Plan {
	p := row()
	guest := p.Racks[0].Machines[1]
	guest.Name, guest.U, guest.Serial, guest.AssetTag, guest.NICs, guest.Model = "guest", 7, "SN-guest", "A-guest", nil, "node2"
	guest.PSUs = []inventory.PSU{{Name: "psu1", Connector: inventory.C14, Cable: &inventory.Cable{To: inventory.End{Owner: "pdu-a", Port: "20"}}},
		{Name: "psu2", Connector: inventory.C14, Cable: &inventory.Cable{To: inventory.End{Owner: "pdu-b", Port: "20"}}}}
	p.Models = append(p.Models, plan.Model{Name: "node2", Build: inventory.Build{WeightKG: 10, Watts: 400}})
	p.Racks[1].Machines = append(p.Racks[1].Machines, guest)
	return p
}

func remodels() chapter {
	refuse := map[string]struct {
		model  string
		change func(*inventory.Build)
		says   string
	}{
		"heavier":             {"node", func(b *inventory.Build) { b.WeightKG = 300 }, "would carry"},
		"hungrier":            {"node", func(b *inventory.Build) { b.Watts = 4000 }, "feed A would carry"},
		"heavier (of a PDU)":  {"strip", func(b *inventory.Build) { b.WeightKG = 300 }, "would carry"},
		"hungrier (a switch)": {"leaf", func(b *inventory.Build) { b.Watts = 3000 }, "feed A would carry"},
	}
	c := chapter{
		"a model is read by its name, and one that nobody declared is none": func(t *testing.T, b *bench) {
			b.apply(row())
			b.apply(onlyModel("node", func(m *inventory.Build) { m.Netboot, m.HTTPS = inventory.NetbootHTTP, true }))
			m := must(b.Model(b.ctx(), "node"))(t)
			if m == nil || m.Name != "node" || m.Netboot != inventory.NetbootHTTP || !m.HTTPS {
				t.Errorf("read %+v", m)
			}
			for _, name := range []string{"", "NODE", "nobody's"} {
				if m := must(b.Model(b.ctx(), name))(t); m != nil {
					t.Errorf("%q is %+v", name, m)
				}
			}
		},
		"a model that becomes heavier and hungrier is counted in every rack that has one": func(t *testing.T, b *bench) {
			b.apply(borrowed())
			kg, watts := b.carried("r1", "A")
			far, _ := b.carried("r2", "")
			b.apply(onlyModel("node", func(m *inventory.Build) { m.WeightKG, m.Watts = 21, 510 }))
			kg2, watts2 := b.carried("r1", "A")
			far2, _ := b.carried("r2", "")
			same(t, "kilograms of r1, with two of them", kg2-kg, 2)
			same(t, "watts of r1", watts2-watts, 20)
			same(t, "kilograms of r2, with one", far2-far, 1)
		},
		"a model whose machines hang on another rack's PDUs is counted there": func(t *testing.T, b *bench) {
			b.apply(borrowed())
			_, watts := b.carried("r1", "B")
			more := func(w float64) plan.Plan {
				return plan.Plan{Site: "lab", Models: []plan.Model{{Name: "node2", Build: inventory.Build{WeightKG: 10, Watts: w}}}}
			}
			b.apply(more(450))
			_, watts2 := b.carried("r1", "B")
			same(t, "watts", watts2-watts, 50)
			_, err := b.ApplyPlan(b.ctx(), more(6000), "", "tester")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, "feed A would carry") {
				t.Error(said)
			}
		},
		"what hangs on another rack's PDUs leaves their load when it retires, and stays in it when a neighbour does": func(t *testing.T, b *bench) {
			b.apply(borrowed())
			_, all := b.carried("r1", "A")
			gone := inventory.Retirement{Reason: "sold"}
			must(b.Retire(b.ctx(), "n1", gone, "ann"))(t)
			_, without := b.carried("r1", "A")
			same(t, "without n1", all-without, 500)
			must(b.Retire(b.ctx(), "guest", gone, "ann"))(t)
			_, alone := b.carried("r1", "A")
			same(t, "without the guest", without-alone, 400)
		},
		"a model that is declared after its machines were planned by its name is counted": func(t *testing.T, b *bench) {
			p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r9", WeightLimitKG: 100, Machines: []plan.Machine{{Name: "n1", U: 1, Model: "safe"}}}}}
			b.apply(p)
			safe := func(kg float64) plan.Plan {
				return plan.Plan{Site: "lab", Models: []plan.Model{{Name: "safe", Build: inventory.Build{WeightKG: kg}}}}
			}
			_, err := b.ApplyPlan(b.ctx(), safe(101), "", "tester")
			refused(t, err, fault.Conflict)
			b.apply(safe(100))
			kg, _ := b.carried("r9", "")
			same(t, "kilograms", kg, 100)
		},
		"a plan of models alone tells what keeps its height and ports": func(t *testing.T, b *bench) {
			b.apply(row())
			d := must(b.DiffPlan(b.ctx(), onlyModel("node", func(m *inventory.Build) { m.Height = 2 })))(t)
			if said := strings.Join(d.Changes[0].Effects, " "); !strings.HasPrefix(said, "3 of this model") {
				t.Errorf("it says %q", said)
			}
			d = must(b.DiffPlan(b.ctx(), plan.Plan{Site: "lab", Models: []plan.Model{{Name: "unused", Build: inventory.Build{WeightKG: 900}}}}))(t)
			same(t, "of a model that nothing is of", len(d.Changes[0].Effects), 0)
		},
		"a machine whose vendor is its model's clashes with one outside the plan by its serial number": func(t *testing.T, b *bench) {
			b.apply(row())
			p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r3", Machines: []plan.Machine{{Name: "x", U: 1, Model: "node", Serial: "sn-N1"}}}}}
			_, err := b.ApplyPlan(b.ctx(), p, "", "tester")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, "belongs to n1") {
				t.Error(said)
			}
			p.Racks[0].Machines[0].Vendor = "Other"
			b.apply(p) // a serial number is its vendor's
			same(t, "machines", len(must(b.Machines(b.ctx(), store.MachineFilter{}))(t)), len(row().Racks[0].Machines)+2)
		},
	}
	for how, r := range refuse {
		c["a model that becomes "+how+" than a rack may carry is refused, though no rack is named"] = func(t *testing.T, b *bench) {
			b.apply(row())
			kg, watts := b.carried("r1", "A")
			_, err := b.ApplyPlan(b.ctx(), onlyModel(r.model, r.change), "", "tester")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, r.says) {
				t.Error(said)
			}
			kg2, watts2 := b.carried("r1", "A")
			same(t, "as before", words(kg2, watts2), words(kg, watts))
		}
	}
	return c
}
