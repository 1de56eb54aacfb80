package storetest

import (
	"os"
	"testing"

	"go.yaml.in/yaml/v3"

	"rackwright/inventory/plan"
)

// example is a plan of docs/examples. Password files are not read.
func example(t *testing.T, name string) (p plan.Plan) {
	t.Helper()
	ok(t, yaml.Unmarshal(must(os.ReadFile("../docs/examples/"+name))(t), &p))
	return p
}

func exports() chapter {
	c := chapter{}
	for _, name := range []string{"rack.yaml", "rack-42u.yaml"} {
		c["the example "+name+" is applied, and its export is the same plan again"] = func(t *testing.T, b *bench) {
			p := example(t, name)
			b.apply(p)
			if d := must(b.DiffPlan(b.ctx(), p))(t); len(d.Changes) != 0 {
				t.Errorf("shown again it changes %+v", d.Changes)
			}
			first := plan.Of(must(b.Inventory(b.ctx()))(t))
			if d := must(b.DiffPlan(b.ctx(), first))(t); len(d.Changes) != 0 {
				t.Errorf("its export changes %+v", d.Changes)
			}
			part := must(must(b.RackInventory(b.ctx(), p.Racks[0].Name))(t).Only("", []string{p.Racks[0].Name}))(t)
			if d := must(b.DiffPlan(b.ctx(), plan.Of(part)))(t); len(d.Changes) != 0 {
				t.Errorf("the export of its rack changes %+v", d.Changes)
			}
			b.apply(first)
			same(t, "export", plan.Of(must(b.Inventory(b.ctx()))(t)), first)
		}
	}
	c["a plan with prune removes what is only planned from its rack, and a plan that may not is told why"] = func(t *testing.T, b *bench) {
		p := example(t, "rack-42u.yaml")
		b.apply(p)
		p.Prune = true
		r := &p.Racks[0]
		r.Machines, r.Devices[3].Ports, r.Devices[2].Ports = r.Machines[:18], nil, r.Devices[2].Ports[:1]
		shown := must(b.DiffPlan(b.ctx(), p))(t)
		same(t, "applied", must(b.ApplyPlan(b.ctx(), p, shown.Hash, "tester"))(t).Hash, shown.Hash)
		left := must(b.RackInventory(b.ctx(), r.Name))(t)
		same(t, "machines left", len(left.Machines), 18)
		same(t, "cells of those that left", b.count("SELECT count(*) FROM slot_cell WHERE u IN (19, 20)"), 0)
	}
	return c
}
