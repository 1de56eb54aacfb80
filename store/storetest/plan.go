package storetest

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
)

type chapter = map[string]func(*testing.T, *bench)

func plans() chapter {
	return chapter{
		"a plan is read back with every field as it was written": func(t *testing.T, b *bench) {
			b.apply(fullPlan())
			want := must(fullPlan().Resolve())(t)
			networks := must(b.Networks(b.ctx()))(t)
			for i := range networks {
				if networks[i].ID == "" || networks[i].Version != 1 {
					t.Errorf("network %+v has no identity", networks[i])
				}
				networks[i].ID, networks[i].Version = "", 0
			}
			want.Networks[0], want.Networks[1] = want.Networks[1], want.Networks[0] // by name
			same(t, "networks", networks, want.Networks)
			racks := must(b.Racks(b.ctx()))(t)
			for i := range racks {
				racks[i].ID, racks[i].Version = "", 0
			}
			same(t, "racks", racks, want.Racks)
			machines := must(b.Machines(b.ctx(), store.MachineFilter{}))(t)
			for i := range machines {
				m := &machines[i]
				if m.ID == "" || m.Version != 1 || !m.CreatedAt.Equal(b.clock.Now()) || !m.UpdatedAt.Equal(m.CreatedAt) {
					t.Errorf("machine %s: id %q, version %d, made %s", m.Name, m.ID, m.Version, m.CreatedAt)
				}
				m.ID, m.Version, m.CreatedAt, m.UpdatedAt = "", 0, want.Machines[i].CreatedAt, want.Machines[i].UpdatedAt
			}
			same(t, "machines", machines, want.Machines)
		},
		"a plan that is applied twice changes nothing the second time": func(t *testing.T, b *bench) {
			b.apply(fullPlan())
			revision, events := must(b.Revision(b.ctx()))(t), b.count("SELECT count(*) FROM event")
			if d := b.apply(fullPlan()); len(d.Changes) != 0 {
				t.Errorf("second time changed %+v", d.Changes)
			}
			same(t, "revision", must(b.Revision(b.ctx()))(t), revision)
			same(t, "events", b.count("SELECT count(*) FROM event"), events)
			same(t, "version", b.machine("n1").Version, 1)
		},
		"a plan is shown without being applied": func(t *testing.T, b *bench) {
			d := must(b.DiffPlan(b.ctx(), fullPlan()))(t)
			same(t, "changes shown", len(d.Changes), 7)
			same(t, "machines", len(must(b.Machines(b.ctx(), store.MachineFilter{}))(t)), 0)
			must(b.ApplyPlan(b.ctx(), fullPlan(), d.Hash, "tester"))(t)
			same(t, "machines", len(must(b.Machines(b.ctx(), store.MachineFilter{}))(t)), 2)
		},
		"a plan is refused when the inventory changed since it was shown": func(t *testing.T, b *bench) {
			d := must(b.DiffPlan(b.ctx(), planOf(2)))(t)
			b.apply(planOf(1))
			_, err := b.ApplyPlan(b.ctx(), planOf(2), d.Hash, "tester")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, d.Hash) {
				t.Errorf("%q does not name the hash %s", said, d.Hash)
			}
			same(t, "machines", len(must(b.Machines(b.ctx(), store.MachineFilter{}))(t)), 1)
		},
		"a plan of a thousand machines is applied and read in a few queries": func(t *testing.T, b *bench) {
			p := plan.Plan{Site: "lab", Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/16"}}}
			for r := range 20 {
				rack := plan.Rack{Name: fmt.Sprintf("r%02d", r), Units: 50}
				for u := 1; u <= 50; u++ {
					rack.Machines = append(rack.Machines, plan.Machine{Name: fmt.Sprintf("r%02d-u%02d", r, u), U: u,
						NICs: []plan.NIC{{MAC: mac(r*50 + u).String(), Network: "provision", Address: fmt.Sprintf("10.0.%d.%d", r+1, u)}}})
				}
				p.Racks = append(p.Racks, rack)
			}
			b.apply(p)
			var names []string
			after := ""
			for {
				page := must(b.Machines(b.ctx(), store.MachineFilter{After: after, Limit: 300}))(t)
				if len(page) == 0 {
					break
				}
				for _, m := range page {
					names = append(names, m.Name)
				}
				after = names[len(names)-1]
			}
			same(t, "machines, page by page", len(names), 1000)
		},
		"what the plan withdraws from a machine is gone": func(t *testing.T, b *bench) {
			b.apply(fullPlan())
			p := fullPlan()
			p.Racks[0].Machines[0] = plan.Machine{Name: "n1", U: 9}
			p.Networks[0].Gateway, p.Networks[0].Pool, p.Networks[0].Strangers, p.Networks[0].DNS = "", nil, "", nil
			b.apply(p)
			m := b.machine("n1")
			if m.BMC != nil || len(m.NICs) != 0 || !m.RootDisk.IsZero() || m.Slot.U != 9 || m.Version != 2 {
				t.Errorf("left on n1: %+v", m)
			}
			if n := b.provision(); n.Gateway.IsValid() || !n.Pool.IsZero() || len(n.DNS) != 0 {
				t.Errorf("left on the network: %+v", n)
			}
		},
		"names sort by their bytes in both databases": func(t *testing.T, b *bench) {
			p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1"}}}
			for i, name := range []string{"a-z", "a0", "a1-b", "a10", "a1b", "ab"} {
				p.Racks[0].Machines = append(p.Racks[0].Machines, plan.Machine{Name: name, U: 40 - i})
			}
			b.apply(p)
			for i, m := range must(b.Machines(b.ctx(), store.MachineFilter{}))(t) {
				same(t, "in place", m.Name, p.Racks[0].Machines[i].Name)
			}
		},
		"machines are found by rack, phase, MAC, name and id": func(t *testing.T, b *bench) {
			p := planOf(3)
			p.Racks = append(p.Racks, plan.Rack{Name: "r2", Machines: []plan.Machine{p.Racks[0].Machines[2]}})
			p.Racks[0].Machines = p.Racks[0].Machines[:2]
			b.apply(p)
			for want, f := range map[string]store.MachineFilter{
				"n3":       {Rack: "r2"},
				"n1 n2 n3": {Phases: []string{"planned"}},
				"":         {Phases: []string{"active"}},
				"n2":       {MAC: "52-54-00-00-00-02"},
				"n1 n3":    {Names: []string{"n3", "n1", "nobody"}},
				"n2 n3":    {After: "n1", Limit: 2},
				"n1":       {Rack: "r1", Phases: []string{"planned"}, Names: []string{"n1", "n3"}, Limit: 5},
			} {
				var got []string
				for _, m := range must(b.Machines(b.ctx(), f))(t) {
					got = append(got, m.Name)
				}
				same(t, fmt.Sprintf("%+v", f), strings.Join(got, " "), want)
			}
			m := b.machine("n2")
			same(t, "by id", b.machine(m.ID), m)
			same(t, "by id in capitals", b.machine(strings.ToUpper(m.ID)), m)
			_, err := b.Machine(b.ctx(), "nobody")
			refused(t, err, fault.NotFound)
			_, err = b.Machines(b.ctx(), store.MachineFilter{MAC: "nonsense"})
			refused(t, err, fault.Invalid)
		},
		"a network may be renumbered together with its machines, and two may swap": func(t *testing.T, b *bench) {
			b.apply(fullPlan())
			p := fullPlan()
			p.Networks[0].CIDR, p.Networks[1].CIDR = p.Networks[1].CIDR, p.Networks[0].CIDR
			p.Networks[0].Gateway, p.Networks[0].Pool, p.Networks[0].Strangers = "", nil, inventory.StrangerIgnore
			p.Racks[0].Machines[0].NICs[0].Address, p.Racks[0].Machines[1].NICs[0].Address = "10.0.1.11", "10.0.1.12"
			b.apply(p)
			same(t, "cidr", b.provision().Prefix, netip.MustParsePrefix("10.0.1.0/24"))
			same(t, "address", b.machine("n1").NICs[0].Address, addr("10.0.1.11"))
		},
	}
}
