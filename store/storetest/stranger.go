package storetest

import (
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

func strangers() chapter {
	return chapter{
		"a stranger whose packets come all at once is recorded once": func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			ids := make([]string, 12)
			race(len(ids), func(i int) {
				m, err := b.AddStranger(b.ctx(), mac(7), "11111111-2222-3333-4444-555555555507", "provision")
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = m.ID
			})
			for _, id := range ids {
				same(t, "id", id, ids[0])
			}
			m := must(b.MachineByMAC(b.ctx(), mac(7)))(t)
			if m.Name != "unknown-525400000007" || m.Phase != inventory.Discovered || m.Slot != nil || m.NICs[0].Network != "provision" || !m.NICs[0].Boot {
				t.Errorf("recorded as %+v", m)
			}
			same(t, "sightings", b.count("SELECT count(*) FROM event WHERE kind = 'machine.seen'"), 1)
			_, err := b.MachineByMAC(b.ctx(), mac(8))
			refused(t, err, fault.NotFound)
		},
		"a plan that names a stranger's MAC adopts it, and its story stays": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			s := must(b.AddStranger(b.ctx(), mac(2), "", "provision"))(t)
			ok(t, b.AppendEvents(b.ctx(), []journal.Event{{Kind: journal.DHCPIgnored, MAC: mac(2), Summary: "a packet of it"},
				{Kind: journal.AgentEvent, Machine: s.ID, Name: s.Name, Summary: "a word of its agent"}}))
			b.apply(planOf(2))
			m := must(b.MachineByMAC(b.ctx(), mac(2)))(t)
			if m.Name != "n2" || m.Phase != inventory.Planned {
				t.Errorf("the MAC belongs to %+v", m)
			}
			same(t, "machines", len(must(b.Machines(b.ctx(), store.MachineFilter{}))(t)), 2)
			story := must(b.Events(b.ctx(), store.EventFilter{Machine: "n2"}))(t)
			same(t, "events told of n2", len(story), 4)
			same(t, "first", story[0].Kind, journal.MachineSeen)
		},
		"a plan may give a slot to a stranger by the name it was recorded under": func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			was := must(b.AddStranger(b.ctx(), mac(1), "", "provision"))(t)
			p := planOf(1)
			p.Racks[0].Machines[0].Name = was.Name
			b.apply(p)
			m := b.machine(was.Name)
			same(t, "id", m.ID, was.ID)
			same(t, "slot", m.Slot, &inventory.Slot{Rack: "r1", U: 1, Height: 1, Face: "front"})
		},
		"a stranger that is planned at the same moment is one machine": func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			race(6, func(i int) {
				var err error
				if i%2 == 0 {
					_, err = b.AddStranger(b.ctx(), mac(1), "", "provision")
				} else {
					_, err = b.ApplyPlan(b.ctx(), planOf(1), "", "tester")
				}
				if err != nil {
					t.Error(err)
				}
			})
			same(t, "owner", must(b.MachineByMAC(b.ctx(), mac(1)))(t).Name, "n1")
			same(t, "machines", len(must(b.Machines(b.ctx(), store.MachineFilter{}))(t)), 1)
		},
	}
}
