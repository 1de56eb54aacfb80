package storetest

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory/plan"
	"rackwright/store"
)

// rival is a machine outside the plan that wants what n1 holds.
func rival(name string, change func(m *plan.Machine)) plan.Plan {
	m := planned(9)
	m.Name = name
	change(&m)
	return plan.Plan{Site: "lab", Networks: fullPlan().Networks, Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{m}}}}
}

// contested are the things one machine alone may hold.
func contested() map[string]func(m *plan.Machine) {
	n1 := planned(1)
	return map[string]func(m *plan.Machine){
		"slot":          func(m *plan.Machine) { m.U = n1.U },
		"upper cell":    func(m *plan.Machine) { m.U, m.Height = 1, 2 },
		"MAC":           func(m *plan.Machine) { m.NICs[0].MAC = n1.NICs[0].MAC },
		"address":       func(m *plan.Machine) { m.NICs[0].Address = n1.NICs[0].Address },
		"BMC":           func(m *plan.Machine) { m.BMC.Address = n1.BMC.Address },
		"MAC of a BMC":  func(m *plan.Machine) { m.BMC.MAC = n1.BMC.MAC },
		"serial number": func(m *plan.Machine) { m.Vendor, m.Serial = "ACME", "sn-1" },
	}
}

func clashes() chapter {
	c := chapter{
		"two racing plans for new racks of one new site both stand": func(t *testing.T, b *bench) {
			race(4, func(i int) {
				p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: fmt.Sprintf("r%d", i)}}}
				if _, err := b.ApplyPlan(b.ctx(), p, "", "tester"); err != nil {
					t.Error(err)
				}
			})
			same(t, "racks", len(must(b.Racks(b.ctx()))(t)), 4)
		},
		"machines whose serial is junk do not stand in each other's way": func(t *testing.T, b *bench) {
			p := planOf(3)
			for i := range p.Racks[0].Machines {
				p.Racks[0].Machines[i].Serial = "To be filled by O.E.M."
			}
			b.apply(p)
			for _, name := range []string{"n1", "n2"} {
				must(b.ChangeMachine(b.ctx(), name, setSerial("NA")))(t)
			}
		},
		"a network that overlaps one of another plan is refused": func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			p := plan.Plan{Site: "lab", Networks: []plan.Network{{Name: "other", CIDR: "10.0.0.128/25"}}}
			_, err := b.ApplyPlan(b.ctx(), p, "", "tester")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, "provision") {
				t.Errorf("%q does not name the network", said)
			}
		},
		"the last of a plan's many machines being refused leaves nothing of the plan": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			p := rival("z9", contested()["MAC"])
			p.Site, p.Racks[0].Machines = "lab", append(planOf(8).Racks[0].Machines[1:], p.Racks[0].Machines...)
			_, err := b.ApplyPlan(b.ctx(), p, "", "tester")
			refused(t, err, fault.Conflict)
			same(t, "machines", len(must(b.Machines(b.ctx(), store.MachineFilter{}))(t)), 1)
			same(t, "cells, two for the width", b.count("SELECT count(*) FROM slot_cell"), 2)
		},
		"a plan that fails half way in the database leaves nothing": func(t *testing.T, b *bench) {
			before := must(b.Revision(b.ctx()))(t)
			if _, err := b.raw().ExecContext(b.ctx(), `DROP TABLE condition`); err != nil {
				t.Fatal(err)
			}
			if _, err := b.raw().ExecContext(b.ctx(), `DROP TABLE bmc`); err != nil {
				t.Fatal(err)
			}
			if _, err := b.ApplyPlan(b.ctx(), planOf(3), "", "tester"); err == nil {
				t.Fatal("applied without a table")
			}
			for _, table := range []string{"site", "network", "rack", "machine", "slot_cell", "nic", "event"} {
				same(t, table, b.count("SELECT count(*) FROM "+table), 0)
			}
			same(t, "revision", must(b.Revision(b.ctx()))(t), before)
		},
	}
	for thing, change := range contested() {
		c["a second machine for one "+thing+" is refused and the first is named"] = func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			_, err := b.ApplyPlan(b.ctx(), rival("x1", change), "", "tester")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, "belongs to n1") {
				t.Errorf("%q does not name n1", said)
			}
			same(t, "machines", len(must(b.Machines(b.ctx(), store.MachineFilter{}))(t)), 1)
		}
		c["of plans that race for one "+thing+" one wins and the others name it"] = func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			errs := make([]error, 4)
			race(len(errs), func(i int) {
				p := rival(fmt.Sprintf("x%d", i), func(m *plan.Machine) {
					*m = distinct(m.Name, 20+3*i)
					change(m)
				})
				_, errs[i] = b.ApplyPlan(b.ctx(), p, "", "tester")
			})
			won := must(b.Machines(b.ctx(), store.MachineFilter{}))(t)
			if len(won) != 1 {
				t.Fatalf("%d machines won", len(won))
			}
			for _, err := range errs {
				if err != nil && !strings.Contains(refused(t, err, fault.Conflict), "belongs to "+won[0].Name) {
					t.Errorf("%q does not name %s", err, won[0].Name)
				}
			}
		}
		c["the schema itself refuses a second owner of one "+thing] = func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			steal := map[string]string{
				"slot":          "UPDATE slot_cell SET u = 1 WHERE u = 2",
				"upper cell":    "UPDATE slot_cell SET u = 1 WHERE u = 2",
				"MAC":           "UPDATE nic SET mac = '" + mac(1).String() + "' WHERE mac = '" + mac(2).String() + "'",
				"address":       "UPDATE nic SET address = '10.0.0.11' WHERE address = '10.0.0.12'",
				"BMC":           "UPDATE bmc SET address = 'https://10.0.1.11' WHERE address = 'https://10.0.1.12'",
				"MAC of a BMC":  "UPDATE bmc SET mac = '" + mac(101).String() + "' WHERE mac = '" + mac(102).String() + "'",
				"serial number": "UPDATE machine SET serial_key = 'acme/sn-1' WHERE name = 'n2'",
			}
			if _, err := b.raw().ExecContext(b.ctx(), steal[thing]); err == nil || !strings.Contains(strings.ToLower(err.Error()), "unique") {
				t.Errorf("got %v", err)
			}
		}
	}
	return c
}

// distinct is a machine that shares nothing with one of another i.
func distinct(name string, i int) plan.Machine {
	m := planned(i)
	m.Name = name
	return m
}

func swaps() chapter {
	return chapter{
		"two machines swap slots, MACs, addresses, serials and BMCs in one plan": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			was1, was2 := b.machine("n1"), b.machine("n2")
			p := planOf(2)
			m := p.Racks[0].Machines
			m[0], m[1] = m[1], m[0]
			m[0].Name, m[1].Name = "n1", "n2"
			b.apply(p)
			now1, now2 := b.machine("n1"), b.machine("n2")
			same(t, "n1's id", now1.ID, was1.ID)
			same(t, "n1's slot", now1.Slot, was2.Slot)
			same(t, "n1's ports", now1.NICs, was2.NICs)
			same(t, "n1's BMC", now1.BMC, was2.BMC)
			same(t, "n1's serial", now1.Serial, was2.Serial)
			same(t, "n2's ports", now2.NICs, was1.NICs)
			same(t, "n2's BMC", now2.BMC, was1.BMC)
			same(t, "n1's password", must(b.BMCAccess(b.ctx(), now1.ID))(t).Password, "password 2")
		},
		"racing plans that swap the same machines end in one of the two orders": func(t *testing.T, b *bench) {
			straight, crossed := planOf(2), planOf(2)
			m := crossed.Racks[0].Machines
			m[0].U, m[1].U = 2, 1
			m[0].NICs, m[1].NICs = m[1].NICs, m[0].NICs
			b.apply(straight)
			race(6, func(i int) {
				if _, err := b.ApplyPlan(b.ctx(), []plan.Plan{straight, crossed}[i%2], "", "tester"); err != nil {
					t.Error(err)
				}
			})
			a, c := b.machine("n1"), b.machine("n2")
			if a.Slot.U+c.Slot.U != 3 || (a.Slot.U == 1) != (a.NICs[0].MAC == mac(1)) {
				t.Errorf("n1 is in %+v with %s, n2 in %+v", a.Slot, a.NICs[0].MAC, c.Slot)
			}
		},
	}
}
