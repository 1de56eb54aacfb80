package storetest

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

// row is a plan that uses what racks, models, devices and cables have: a rack r1 with two
// leaf switches, two PDUs, a chassis and four machines, and a rack r2 that is cabled to it.
func row() plan.Plan {
	cable := func(to string, typ string) *inventory.Cable {
		c := &inventory.Cable{Type: typ, LengthM: 2.5, Label: "c-" + to}
		if err := c.To.UnmarshalText([]byte(to)); err != nil {
			panic(err)
		}
		return c
	}
	node := func(name string, u int) plan.Machine {
		return plan.Machine{Name: name, U: u, Model: "node", Serial: "SN-" + name, AssetTag: "A-" + name, Batch: "b1", Project: "ml",
			Labels: map[string]string{"role": "web", "zone": "z1"}, Tags: []string{"gpu", "new"},
			Waive: []inventory.Waiver{{Rule: "single-psu-cabled", Reason: "lab"}},
			NICs: []plan.NIC{
				{Name: "p1", Connector: inventory.SFP, Bond: "bond0", Network: "prod", Cable: cable(fmt.Sprintf("leaf-1:%d", u), "dac")},
				{Name: "p2", Connector: inventory.SFP, Bond: "bond0", Network: "prod", MAC: mac(500 + u).String(), Cable: cable(fmt.Sprintf("leaf-2:%d", u), "dac")}},
			PSUs: []inventory.PSU{{Name: "psu1", Cable: cable(fmt.Sprintf("pdu-a:%d", u), "")}, {Name: "psu2", Cable: cable(fmt.Sprintf("pdu-b:%d", u), "")}}}
	}
	far := node("far", 5)
	far.NICs[0].Cable, far.NICs[1].Cable, far.PSUs = cable("leaf-1:40", "dac"), nil, nil
	left, right := node("left", 10), node("right", 10)
	left.Side, right.Side, left.Model, right.Model = inventory.LeftHalf, inventory.RightHalf, "half", "half"
	left.PSUs, right.PSUs, right.NICs = nil, nil, nil
	blade := plan.Machine{Name: "blade", Model: "sled", Chassis: "box", Bay: "2"}
	return plan.Plan{Site: "lab",
		Projects: []plan.Project{{Name: "ml", Labels: map[string]string{"cost": "42"}}, {Name: "web"}},
		Models: []plan.Model{
			{Name: "node", Build: inventory.Build{Vendor: "Acme", Product: "R1", WeightKG: 20, Watts: 500, FullDepth: true,
				PSUs: []inventory.PSU{{Name: "psu1", Connector: inventory.C14, Watts: 800}, {Name: "psu2", Connector: inventory.C14, Watts: 800}}}},
			{Name: "half", Build: inventory.Build{HalfWidth: true, WeightKG: 8, Watts: 100}},
			{Name: "sled", Build: inventory.Build{WeightKG: 5, Watts: 100}},
			{Name: "leaf", Build: inventory.Build{Kind: inventory.KindSwitch, WeightKG: 9, Ports: []inventory.Port{{Name: "1-48", Connector: inventory.SFP, Circuit: "Eth{port}"}}}},
			{Name: "strip", Build: inventory.Build{Kind: inventory.KindPDU, WeightKG: 4, Ports: []inventory.Port{{Name: "1-24", Connector: inventory.C13}}}},
			{Name: "box", Build: inventory.Build{Kind: inventory.KindChassis, Height: 2, WeightKG: 30, Bays: []string{"1", "2"}}}},
		Networks: []plan.Network{{Name: "prod", CIDR: "10.9.0.0/24", VLAN: 7, RoutingDomain: "inner"}},
		Racks: []plan.Rack{
			{Name: "r1", Room: "hall 1", Row: "a", Units: 47, Numbering: inventory.NumberedDown, DepthMM: 1070, WeightLimitKG: 500,
				Feeds:    []inventory.Feed{{Name: "A", Volts: 230, Amps: 32, Phases: 1}, {Name: "B", Volts: 230, Amps: 32, Phases: 1}},
				Reserved: []inventory.Reservation{{U: 30, Height: 2, Face: inventory.Both, Reason: "storage"}, {U: 33, Height: 1, Face: inventory.Both, Reason: "ml", Project: "ml"}},
				Labels:   map[string]string{"power": "ups-1"}, Tags: []string{"cold"}, Waive: []inventory.Waiver{{Rule: "too-deep", Reason: "measured"}},
				Devices: []plan.Device{
					{Name: "leaf-1", Model: "leaf", U: 46, LLDP: "leaf-1.lab", RemoteID: "tor-1", Serial: "L1", AssetTag: "AL1", Labels: map[string]string{"os": "sonic"}, Tags: []string{"tor"}},
					{Name: "leaf-2", Model: "leaf", U: 47}, {Name: "pdu-a", Model: "strip", Feed: "A"}, {Name: "pdu-b", Model: "strip", Feed: "B"},
					{Name: "box", Model: "box", U: 20}},
				Machines: []plan.Machine{node("n1", 1), node("n2", 2), left, right, blade}},
			{Name: "r2", Machines: []plan.Machine{far}},
		}}
}

func racks() chapter {
	return chapter{
		"what stands in a rack is read back with every field as it was written": func(t *testing.T, b *bench) {
			b.apply(row())
			want, have := must(row().Resolve())(t), must(b.Inventory(b.ctx()))(t)
			must(want.Against(*have))(t) // fills identities and times in
			byName(want.Devices, func(d *inventory.Device) string { return d.Name })
			byName(want.Machines, func(m *inventory.Machine) string { return m.Name })
			byName(want.Models, func(m *inventory.Model) string { return m.Name })
			same(t, "racks", have.Racks, want.Racks)
			same(t, "devices", have.Devices, want.Devices)
			same(t, "machines", have.Machines, want.Machines)
			for i := range have.Models {
				want.Models[i].ID, want.Models[i].Version = have.Models[i].ID, have.Models[i].Version
			}
			same(t, "models", have.Models, want.Models)
			same(t, "projects", []string{have.Projects[0].Name, have.Projects[0].Labels["cost"]}, []string{"ml", "42"})
			same(t, "a cable", b.machine("n1").PSUs[0].Cable.To.String(), "pdu-a:1")
			same(t, "its type", b.machine("n1").PSUs[0].Cable.Type, "c14-c13")
		},
		"a plan of a row that is applied twice changes nothing the second time": func(t *testing.T, b *bench) {
			b.apply(row())
			if d := b.apply(row()); len(d.Changes) != 0 {
				t.Errorf("second time changed %+v", d.Changes)
			}
		},
		"one rack is read with what it uses and the devices its cables lead to": func(t *testing.T, b *bench) {
			p := row()
			p.Networks = append(p.Networks, plan.Network{Name: "unused", CIDR: "10.8.0.0/24"})
			b.apply(p)
			inv := must(b.RackInventory(b.ctx(), "r2"))(t)
			same(t, "machines", len(inv.Machines), 1)
			same(t, "devices", namesOf(inv.Devices, func(d *inventory.Device) string { return d.Name }), "leaf-1")
			same(t, "models", namesOf(inv.Models, func(m *inventory.Model) string { return m.Name }), "leaf node")
			same(t, "networks", namesOf(inv.Networks, func(n *inventory.Network) string { return n.Name }), "prod")
			same(t, "projects", namesOf(inv.Projects, func(p *inventory.Project) string { return p.Name }), "ml")
			_, err := b.RackInventory(b.ctx(), "nowhere")
			refused(t, err, fault.NotFound)
			_, err = b.Rack(b.ctx(), "nowhere")
			refused(t, err, fault.NotFound)
			same(t, "rack", must(b.Rack(b.ctx(), "r1"))(t).Room, "hall 1")
		},
		"a rack's weight and the worst load of its feeds are written with what stands in it": func(t *testing.T, b *bench) {
			b.apply(row())
			same(t, "kilograms", b.count("SELECT CAST(weight_kg AS integer) FROM rack WHERE name = 'r1'"), 20+20+8+8+5+9+9+4+4+30)
			// n1 and n2 on either feed; what is plugged in nowhere counts on every one
			same(t, "watts", b.count("SELECT CAST(worst_w AS integer) FROM rack_feed WHERE name = 'A'"), 500+500+100+100+100)
			p := row()
			p.Racks[0].Machines = p.Racks[0].Machines[1:]
			p.Prune = true
			b.apply(p)
			same(t, "without n1", b.count("SELECT CAST(worst_w AS integer) FROM rack_feed WHERE name = 'A'"), 500+100+100+100)
		},
		"what a plan with prune does not name leaves its rack": func(t *testing.T, b *bench) {
			b.apply(row())
			old := b.machine("n2")
			p := row()
			p.Prune = true
			p.Racks[0].Machines = append(p.Racks[0].Machines[:1:1], p.Racks[0].Machines[2:]...)
			p.Racks[0].Devices = p.Racks[0].Devices[:4]
			p.Racks[0].Machines = p.Racks[0].Machines[:3]
			b.apply(p)
			_, err := b.Machine(b.ctx(), "n2")
			refused(t, err, fault.NotFound)
			same(t, "phase", b.machine(old.ID).Phase, inventory.Retired)
			same(t, "devices", len(must(b.Devices(b.ctx(), "r1"))(t)), 4)
			same(t, "cells of unit 2", b.count("SELECT count(*) FROM slot_cell WHERE u = 2"), 0)
			same(t, "cables of it", b.count("SELECT count(*) FROM cable_end WHERE owner_id = '"+old.ID+"'"), 0)
			same(t, "cables in all", b.count("SELECT count(*) FROM cable"), b.count("SELECT count(*) FROM cable_end WHERE side = 'a'"))
		},
		"reserved cells are kept, those of a project for its machines": func(t *testing.T, b *bench) {
			b.apply(row())
			cells := func() int {
				return b.count("SELECT count(*) FROM slot_cell WHERE machine_id IS NULL AND device_id IS NULL")
			}
			same(t, "cells", cells(), 3*4)
			p := row()
			p.Racks[0].Machines[0].U = 33
			b.apply(p)
			same(t, "cells, with a machine of the project in one unit", cells(), 2*4)
			p.Racks[0].Machines[1].U = 31
			_, err := b.ApplyPlan(b.ctx(), p, "", "tester")
			refused(t, err, fault.Invalid)
			p = row()
			b.apply(p)
			same(t, "cells, when it has moved out", cells(), 3*4)
		},
		"machines that were seen are compared with the plan again when their rack changes": func(t *testing.T, b *bench) {
			b.apply(row())
			for _, name := range []string{"n1", "far"} {
				must(b.ChangeMachine(b.ctx(), name, look(seen())))(t)
			}
			if _, err := b.raw().ExecContext(b.ctx(), "UPDATE machine SET verify_due = "+map[bool]string{true: "false", false: "0"}[isPostgres(b.dsn)]); err != nil {
				t.Fatal(err)
			}
			p := row()
			p.Racks[0].Machines[1].NICs[0].Cable.To.Port = "44"
			b.apply(p)
			due := column(t, b.raw(), "SELECT name FROM machine WHERE verify_due ORDER BY name")
			same(t, "due", due, []string{"n1"})
		},
	}
}

func look(f *inventory.Facts) change {
	return func(m *inventory.Machine) ([]journal.Event, error) {
		m.Facts = f
		return nil, nil
	}
}

func byName[T any](list []T, name func(*T) string) {
	for i := range list { // few
		for j := i + 1; j < len(list); j++ {
			if name(&list[j]) < name(&list[i]) {
				list[i], list[j] = list[j], list[i]
			}
		}
	}
}

func namesOf[T any](list []T, name func(*T) string) string {
	var out []string
	for i := range list {
		out = append(out, name(&list[i]))
	}
	return strings.Join(out, " ")
}

// found are the names of the machines that a filter finds.
func (b *bench) found(f store.MachineFilter) string {
	b.t.Helper()
	return namesOf(must(b.Machines(b.ctx(), f))(b.t), func(m *inventory.Machine) string { return m.Name })
}
