package storetest

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// claim of a race: each of several plans alone is right, and at most one of them may stand.
func rivals() map[string]func(i int) plan.Plan {
	one := func(i int, change func(m *plan.Machine)) plan.Plan {
		m := plan.Machine{Name: fmt.Sprintf("x%d", i), U: 3 + 4*i}
		change(&m)
		return plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1", Units: 47, Numbering: inventory.NumberedDown, DepthMM: 1070, WeightLimitKG: 500,
			Room: "hall 1", Row: "a", Feeds: row().Racks[0].Feeds, Reserved: row().Racks[0].Reserved, Labels: row().Racks[0].Labels, Tags: row().Racks[0].Tags,
			Waive: row().Racks[0].Waive, Machines: []plan.Machine{m}}}}
	}
	return map[string]func(i int) plan.Plan{
		"half unit": func(i int) plan.Plan {
			return one(i, func(m *plan.Machine) {
				m.U, m.Side, m.Face = 40, inventory.LeftHalf, []inventory.Face{"front", "both"}[i%2]
			})
		},
		"bay": func(i int) plan.Plan {
			return one(i, func(m *plan.Machine) { m.U, m.Chassis, m.Bay = 0, "box", "1" })
		},
		"asset tag": func(i int) plan.Plan { return one(i, func(m *plan.Machine) { m.AssetTag = "T1" }) },
		"switch port": func(i int) plan.Plan {
			return one(i, func(m *plan.Machine) {
				m.NICs = []plan.NIC{{Connector: inventory.SFP, Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-2", Port: "30"}, Type: "dac"}}}
			})
		},
		"outlet": func(i int) plan.Plan {
			return one(i, func(m *plan.Machine) {
				m.PSUs = []inventory.PSU{{Name: "psu1", Connector: inventory.C14, Cable: &inventory.Cable{To: inventory.End{Owner: "pdu-a", Port: "20"}}}}
			})
		},
		"rest of the rack's power": func(i int) plan.Plan {
			p := one(i, func(m *plan.Machine) { m.Model = fmt.Sprintf("hog%d", i) })
			p.Models = []plan.Model{{Name: fmt.Sprintf("hog%d", i), Build: inventory.Build{Watts: 4000}}}
			return p
		},
		"rest of the rack's weight": func(i int) plan.Plan {
			p := one(i, func(m *plan.Machine) { m.Model = fmt.Sprintf("safe%d", i) })
			p.Models = []plan.Model{{Name: fmt.Sprintf("safe%d", i), Build: inventory.Build{WeightKG: 300}}}
			return p
		},
	}
}

func races() chapter {
	c := chapter{
		"of plans that race with networks that overlap one wins": func(t *testing.T, b *bench) {
			errs := make([]error, 4)
			race(len(errs), func(i int) {
				p := plan.Plan{Site: "lab", Networks: []plan.Network{{Name: fmt.Sprintf("net%d", i), CIDR: fmt.Sprintf("10.0.0.0/%d", 16+i)}}}
				_, errs[i] = b.ApplyPlan(b.ctx(), p, "", "tester")
			})
			same(t, "networks", len(must(b.Networks(b.ctx()))(t)), 1)
			for _, err := range errs {
				if err != nil {
					refused(t, err, fault.Conflict)
				}
			}
		},
		"networks of two routing domains may overlap": func(t *testing.T, b *bench) {
			b.apply(plan.Plan{Site: "lab", Networks: []plan.Network{{Name: "a", CIDR: "10.0.0.0/16"}, {Name: "b", CIDR: "10.0.0.0/16", RoutingDomain: "other"}}})
			same(t, "networks", len(must(b.Networks(b.ctx()))(t)), 2)
		},
	}
	for thing, rival := range rivals() {
		c["of plans that race for one "+thing+" one wins"] = func(t *testing.T, b *bench) {
			b.apply(row())
			errs, won := make([]error, 4), 0
			race(len(errs), func(i int) { _, errs[i] = b.ApplyPlan(b.ctx(), rival(i), "", "tester") })
			for _, err := range errs {
				if err == nil {
					won++
				} else if refused(t, err, fault.Conflict); fault.HintOf(err) == "" {
					t.Errorf("%v has no hint", err)
				}
			}
			same(t, "winners", won, 1)
			same(t, "machines", b.count("SELECT count(*) FROM machine WHERE name LIKE 'x%'"), 1)
		}
	}
	for thing, past := range map[string]struct{ statement, says string }{
		"reserved cell":      {"UPDATE slot_cell SET u = 30 WHERE u = 1", "unique"},
		"half unit":          {"UPDATE slot_cell SET u = 1 WHERE u = 2", "unique"},
		"bay":                {"UPDATE machine SET chassis_id = (SELECT id FROM device WHERE name = 'box'), bay = '2' WHERE name = 'n1'", "unique"},
		"asset tag":          {"UPDATE machine SET asset_tag = 'A-n1' WHERE name = 'n2'", "unique"},
		"port":               {"UPDATE cable_end SET port = '1' WHERE side = 'b' AND port = '2'", "unique"},
		"connector":          {"UPDATE cable SET b_connector = 'rj45' WHERE type = 'dac'", "foreign key"},
		"weight":             {"UPDATE rack SET weight_kg = 501 WHERE name = 'r1'", "rack_weight"},
		"power":              {"UPDATE rack_feed SET worst_w = 5889 WHERE name = 'A'", "rack_feed_power"},
		"address of another": {"UPDATE network SET routing_domain = '', span_first = 1, span_last = 5000000000", "network_cidr"},
	} {
		c["the schema itself keeps the rule of the "+thing] = func(t *testing.T, b *bench) {
			p := row()
			p.Networks = append(p.Networks, plan.Network{Name: "second", CIDR: "10.7.0.0/24"})
			b.apply(p)
			conn := must(b.raw().Conn(b.ctx()))(t)
			defer conn.Close()
			if !isPostgres(b.dsn) { // every connection of the store has it on
				must(conn.ExecContext(b.ctx(), "PRAGMA foreign_keys = 1"))(t)
			}
			if _, err := conn.ExecContext(b.ctx(), past.statement); err == nil || !strings.Contains(strings.ToLower(err.Error()), past.says) {
				t.Errorf("got %v", err)
			}
		}
	}
	return c
}
