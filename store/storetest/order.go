package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

func orders() chapter {
	return chapter{
		"machines are sorted by where they stand, their phase, and when they came or changed": func(t *testing.T, b *bench) {
			for _, rack := range []string{"r2", "r1"} {
				p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: rack}}}
				for u := 1; u <= 3; u++ {
					p.Racks[0].Machines = append(p.Racks[0].Machines, plan.Machine{Name: fmt.Sprintf("%s-%c", rack, 'z'-u), U: u * 5, Vendor: "Acme", Serial: fmt.Sprint(rack, "SN", u)})
				}
				b.apply(p)
				b.clock.Turn(time.Second)
			}
			must(b.Hold(b.ctx(), "r1-y", "fan", time.Hour, "ann"))(t)
			b.clock.Turn(time.Second)
			must(b.Retire(b.ctx(), "r2-x", inventory.Retirement{Reason: "sold", Disks: "destroyed"}, "ann"))(t)
			for sort, want := range map[string]string{
				"rack":       "r2-x r1-y r1-x r1-w r2-y r2-w", // who stands in no rack comes first
				"phase":      "r1-y r1-w r1-x r2-w r2-y r2-x",
				"updated_at": "r2-w,r2-y r1-w,r1-x r1-y r2-x",
				"created_at": "r2-w,r2-x,r2-y r1-w,r1-x,r1-y",
			} {
				for _, f := range []store.MachineFilter{{}, {Vendor: "Acme"}, {Phases: []string{"planned", "maintenance", "retired"}}} {
					there := b.walked(f, sort, false)
					same(t, sort, together(there, want), want)
					back := b.walked(f, sort, true)
					slices.Reverse(back)
					same(t, "turned "+sort, back, there)
				}
			}
		},
		"a place in one order is none in another": func(t *testing.T, b *bench) {
			b.apply(planOf(3))
			_, next, err := b.MachinePage(b.ctx(), store.MachineFilter{Sort: "rack", Limit: 1})
			ok(t, err)
			for sort, after := range map[string]string{"created_at": next, "phase": next, "updated_at": "n1", "rack": strings.Replace(next, "\x1f1\x1f", "\x1fone\x1f", 1)} {
				_, _, err := b.MachinePage(b.ctx(), store.MachineFilter{Sort: sort, After: after, Limit: 1})
				refused(t, err, fault.Invalid)
			}
		},
		"what comes and goes between two pages moves nothing else in an order": func(t *testing.T, b *bench) {
			p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1"}, {Name: "r3"}}}
			for u := 1; u <= 4; u++ {
				p.Racks[0].Machines = append(p.Racks[0].Machines, plan.Machine{Name: fmt.Sprintf("a%d", u), U: 2 * u})
				p.Racks[1].Machines = append(p.Racks[1].Machines, plan.Machine{Name: fmt.Sprintf("b%d", u), U: 2 * u})
			}
			b.apply(p)
			var got []string
			f := store.MachineFilter{Sort: "rack", Limit: 3}
			for i := range 9 {
				list, next, err := b.MachinePage(b.ctx(), f)
				ok(t, err)
				for _, m := range list {
					got = append(got, m.Name)
				}
				if i == 0 {
					b.apply(plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r0", Machines: []plan.Machine{{Name: "early", U: 1}}}, {Name: "r2", Machines: []plan.Machine{{Name: "late", U: 1}}}}})
				}
				if f.After = next; next == "" {
					break
				}
			}
			same(t, "seen", strings.Join(got, " "), "a1 a2 a3 a4 late b1 b2 b3 b4")
		},
		"machines are found by what is told of them one by one": func(t *testing.T, b *bench) {
			p := row()
			p.Racks[0].Machines[0].Serial, p.Racks[0].Machines[0].AssetTag, p.Racks[0].Machines[0].Vendor = "CZ 2214071X", "Inv-7", "Other Inc."
			b.apply(p)
			must(b.Hold(b.ctx(), "n2", "fan", time.Hour, "ann"))(t)
			must(b.ChangeMachine(b.ctx(), "blade", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Conditions = []inventory.Condition{{Type: inventory.BMCUnusable, Reason: "silent", Since: b.clock.Now()}}
				m.Image = "debian-12"
				return nil, nil
			}))(t)
			for want, filters := range map[string][]store.MachineFilter{
				"n1":                         {{Serial: "cz 2214071x"}, {AssetTag: "INV-7"}, {Vendor: "Other Inc."}, {Vendor: "Other Inc.", Rack: "r1", Sort: "rack"}},
				"":                           {{Serial: "2214071X"}, {Serial: "CZ"}, {AssetTag: "Inv"}, {Vendor: "Other"}, {Condition: "bmc"}, {Image: "debian"}},
				"n2":                         {{Held: true}, {Held: true, Text: "acme"}, {Phases: []string{"maintenance"}}, {Held: true, Sort: "updated_at"}},
				"blade":                      {{Condition: inventory.BMCUnusable}, {Image: "debian-12"}, {Image: "debian-12", Condition: inventory.BMCUnusable, Sort: "-phase"}},
				"blade far left n1 n2 right": {{Phases: []string{"planned", "maintenance"}}},
			} {
				for _, f := range filters {
					same(t, fmt.Sprintf("%+v", f), b.found(f), want)
					f.Limit = 20
					same(t, fmt.Sprintf("a page of %+v", f), b.found(f), want)
				}
			}
		},
		"an order is walked in bounded looks whatever is looked for": func(t *testing.T, b *bench) {
			p := plan.Plan{Site: "lab"}
			for r := range 94 {
				rack := plan.Rack{Name: fmt.Sprintf("r%02d", r), Units: 48}
				for u := 1; u <= 48; u++ {
					rack.Machines = append(rack.Machines, plan.Machine{Name: fmt.Sprintf("m%02d-%02d", u, r), U: u, Vendor: "Acme", Labels: map[string]string{"half": fmt.Sprint(u % 2)}})
				}
				p.Racks = append(p.Racks, rack)
			}
			b.apply(p)
			for _, sort := range []string{"rack", "phase", "created_at"} {
				got := b.walked(store.MachineFilter{Vendor: "Acme", Phases: []string{"planned"}, Limit: 900}, sort, sort == "rack")
				same(t, "all by "+sort, len(got), 94*48)
				if sort == "rack" {
					same(t, "the last in the last rack", got[0], "m48-93")
				}
				slices.Sort(got)
				same(t, "each once by "+sort, len(slices.Compact(got)), 94*48)
			}
		},
	}
}

// walked are the names of what is found page by page in an order.
func (b *bench) walked(f store.MachineFilter, sort string, turned bool) (names []string) {
	b.t.Helper()
	f.Sort, f.Turned = sort, turned
	if f.Limit == 0 {
		f.Limit = 2
	}
	for range 50 {
		list, next, err := b.MachinePage(b.ctx(), f)
		if err != nil {
			b.t.Fatalf("%s: %v", sort, err)
		}
		for _, m := range list {
			names = append(names, m.Name)
		}
		if f.After = next; next == "" {
			return names
		}
	}
	b.t.Fatalf("%s does not end", sort)
	return nil
}

// together writes names as a pattern does: those that it has with commas between them stand
// at one time, in no order of theirs.
func together(names []string, pattern string) string {
	var out []string
	names = slices.Clone(names)
	for group := range strings.FieldsSeq(pattern) {
		n := min(strings.Count(group, ",")+1, len(names))
		slices.Sort(names[:n])
		out, names = append(out, strings.Join(names[:n], ",")), names[n:]
	}
	return strings.Join(append(out, names...), " ")
}
