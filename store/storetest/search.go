package storetest

import (
	"fmt"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
)

func searches() chapter {
	return chapter{
		"machines are found by label, tag, project and model": func(t *testing.T, b *bench) {
			p := row()
			p.Racks[0].Machines[0].Labels, p.Racks[0].Machines[0].Tags, p.Racks[0].Machines[0].Project = map[string]string{"role": "db"}, nil, "web"
			b.apply(p)
			for want, filters := range map[string][]store.MachineFilter{
				"n1":                         {{Labels: []string{"role=db"}}, {Project: "web"}, {Labels: []string{"role"}, Model: "node", Rack: "r1", Limit: 1}},
				"far left n2 right":          {{Labels: []string{"role=web"}}, {Labels: []string{"role", "zone=z1"}}, {Tag: "gpu"}, {Project: "ml"}, {Project: "ml", Limit: 9}},
				"left n2 right":              {{Tag: "new", Rack: "r1"}, {Tag: "new", Rack: "r1", Limit: 5}, {Project: "ml", After: "far", Limit: 3}},
				"left right":                 {{Model: "half"}, {Model: "half", Phases: []string{"planned"}, Limit: 2}},
				"":                           {{Labels: []string{"role=d"}}, {Tag: "role"}, {Tag: "gp"}, {Model: "nod"}, {Labels: []string{"role=db"}, Tag: "gpu"}},
				"blade far left n1 n2 right": {{Phases: []string{"planned"}}, {Phases: []string{"planned"}, Limit: 10}, {Limit: 10}},
			} {
				for _, f := range filters {
					same(t, fmt.Sprintf("%+v", f), b.found(f), want)
				}
			}
		},
		"machines are found by the beginnings of words": func(t *testing.T, b *bench) {
			p := row()
			p.Racks[0].Machines[0].Serial, p.Racks[0].Machines[0].BMC = "CZ2214071X", &plan.BMC{Address: "https://10.0.1.77", MAC: "aa:bb:cc:dd:ee:01"}
			p.Racks[0].Machines[0].NICs[0].Address = "10.9.0.31"
			b.apply(p)
			for text, want := range map[string]string{
				"n1": "n1", "cz22": "n1", "CZ2214071X": "n1", "071x": "n1", "14071x": "n1", "a-n1": "n1", "10.9.0.3": "n1", "10.0.1.77": "n1", "10.9.0.32": "",
				"acme web": "far n1 n2", "acme gp r1": "n1 n2", "half": "left right", "52:54:00:00:01:f6": "n2", "52:54:00:": "far left n1 n2", "aa-bb-cc-dd-ee-01": "n1",
				"aa:bb": "n1", "AA:BB:cc": "n1", "nosuch": "", "acme nosuch": "", "ml z1 new": "far left n1 n2 right", "%": "", "_": "", "'": "", "eft": "",
			} {
				same(t, text, b.found(store.MachineFilter{Text: text}), want)
				same(t, text+", a page", b.found(store.MachineFilter{Text: text, Limit: 20}), want)
			}
			_, err := b.Machines(b.ctx(), store.MachineFilter{Text: "a b c d e f g h i j k l"})
			refused(t, err, fault.Invalid)
		},
		"a machine is not found any more by what it is not any more": func(t *testing.T, b *bench) {
			b.apply(row())
			p := row()
			p.Racks[0].Machines[1].Labels, p.Racks[0].Machines[1].AssetTag = map[string]string{"role": "backup"}, "new-tag"
			b.apply(p)
			same(t, "by its old label", b.found(store.MachineFilter{Labels: []string{"role=web"}}), "far left n1 right")
			same(t, "by its old tag", b.found(store.MachineFilter{Text: "a-n2"}), "")
			same(t, "by its new ones", b.found(store.MachineFilter{Labels: []string{"role=backup"}, Text: "new-t"}), "n2")
			same(t, "before it was seen", b.found(store.MachineFilter{Text: "zz-9"}), "")
			must(b.ChangeMachine(b.ctx(), "blade", setSerial("ZZ-9X7")))(t)
			same(t, "by a serial that was seen", b.found(store.MachineFilter{Text: "zz-9"}), "blade")
		},
		"pages of many that match follow each other whatever is looked for": func(t *testing.T, b *bench) {
			p := plan.Plan{Site: "lab", Models: []plan.Model{{Name: "node", Build: inventory.Build{Vendor: "Acme"}}}}
			for r := range 50 {
				rack := plan.Rack{Name: fmt.Sprintf("r%02d", r), Units: 50}
				for u := 1; u <= 50; u++ {
					n := r*50 + u
					rack.Machines = append(rack.Machines, plan.Machine{Name: fmt.Sprintf("r%02d-u%02d", r, u), U: u, Model: "node", Serial: fmt.Sprintf("SN%05d", n),
						Labels: map[string]string{"half": fmt.Sprint(n % 2), "third": fmt.Sprint(n % 3)}, NICs: []plan.NIC{{MAC: mac(n).String()}}})
				}
				p.Racks = append(p.Racks, rack)
			}
			b.apply(p)
			for want, filters := range map[int][]store.MachineFilter{
				2500: {{}, {Phases: []string{"planned"}}, {Text: "acme"}, {Text: "s"}, {Text: "52:54"}, {Text: "r sn acme"}, {Labels: []string{"half"}}, {Model: "node", Phases: []string{"planned"}, Text: "ac 52:54"}},
				1250: {{Labels: []string{"half=1"}}, {Labels: []string{"half=1"}, Phases: []string{"planned"}, Text: "sn0"}},
				1501: {{Text: "sn00 acme"}, {Text: "sn01"}, {Text: "sn02"}}, // the counts are summed below
				50:   {{Rack: "r07"}, {Text: "r07"}, {Text: "u07"}},
			} {
				if want == 1501 {
					sum := 0
					for _, f := range filters {
						sum += b.paged(f)
					}
					same(t, "of three thousands", sum, 2500)
					continue
				}
				for _, f := range filters {
					same(t, fmt.Sprintf("%+v", f), b.paged(f), want)
				}
			}
		},
	}
}

// paged counts what is found page by page, and expects every name to follow the one before.
func (b *bench) paged(f store.MachineFilter) (n int) {
	b.t.Helper()
	for f.Limit = 700; ; {
		list := must(b.Machines(b.ctx(), f))(b.t)
		for _, m := range list {
			if m.Name <= f.After {
				b.t.Errorf("%s after %s", m.Name, f.After)
			}
			f.After = m.Name
		}
		if n += len(list); len(list) < f.Limit {
			return n
		}
	}
}
