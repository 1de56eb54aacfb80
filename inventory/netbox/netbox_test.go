package netbox_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/netbox"
	"rackwright/inventory/netbox/netboxtest"
	"rackwright/inventory/plan"
)

var update = flag.Bool("update", false, "write the golden plans")

// source reads all answers of a generation as one page each.
func source(t *testing.T, generation string) *netbox.Source {
	t.Helper()
	src := &netbox.Source{}
	for _, l := range src.Lists() {
		objects, err := netboxtest.Objects(generation, l.Path)
		if err != nil {
			t.Fatal(err)
		}
		page, err := json.Marshal(map[string]any{"count": len(objects), "next": nil, "results": objects})
		if err != nil {
			t.Fatal(err)
		}
		if next, err := l.Add(page); err != nil || next != "" {
			t.Fatalf("%s: %v, next %q", l.Path, err, next)
		}
	}
	return src
}

func TestEachGenerationMakesItsPlan(t *testing.T) {
	for _, generation := range netboxtest.Generations {
		got, err := netbox.Plan(source(t, generation), netbox.Options{Site: "dc1", Username: "root"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := got.Plan.Resolve(); err != nil {
			t.Errorf("%s: the plan is not right: %v", generation, err)
		}
		var text bytes.Buffer
		for _, n := range got.Notes {
			text.WriteString("# " + n + "\n")
		}
		enc := yaml.NewEncoder(&text)
		enc.SetIndent(2)
		if err := enc.Encode(got.Plan); err != nil {
			t.Fatal(err)
		}
		golden := "testdata/" + generation + ".yaml"
		if *update {
			if err := os.WriteFile(golden, text.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || !bytes.Equal(want, text.Bytes()) {
			t.Errorf("%s is another now (%v); run with -update and look at what changed", golden, err)
		}
	}
}

// The two generations tell of the same datacenter: beside what 3.2 has no field for, the
// plans are the same.
func TestTheGenerationsAgree(t *testing.T) {
	plans := map[string]plan.Plan{}
	for _, generation := range netboxtest.Generations {
		r, err := netbox.Plan(source(t, generation), netbox.Options{Site: "dc1"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Plan.Racks {
			r.Plan.Racks[i].WeightLimitKG, r.Plan.Racks[i].DepthMM = 0, 0
		}
		for i := range r.Plan.Models {
			r.Plan.Models[i].WeightKG = 0
		}
		plans[generation] = r.Plan
	}
	a, _ := json.Marshal(plans["3.2"])
	b, _ := json.Marshal(plans["4.2"])
	if !bytes.Equal(a, b) {
		t.Errorf("3.2: %s\n4.2: %s", a, b)
	}
}

func TestARoleIsWhatTheCallerSays(t *testing.T) {
	got, err := netbox.Plan(source(t, "4.2"), netbox.Options{Site: "DC 1", Roles: map[string]inventory.Kind{"widget": inventory.KindMachine}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got.Plan.Racks {
		for _, m := range r.Machines {
			if m.Name == "odd-01" && m.U == 3 {
				return
			}
		}
	}
	t.Errorf("odd-01 is no machine: %v", got.Notes)
}

func TestTheSiteIsNamedWhereThereAreSeveral(t *testing.T) {
	src := source(t, "4.2")
	if _, err := netbox.Plan(src, netbox.Options{}); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.HintOf(err), "dc1, dc2") {
		t.Errorf("got %v, hint %q", err, fault.HintOf(err))
	}
	if _, err := netbox.Plan(src, netbox.Options{Site: "dc3"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := netbox.Plan(&netbox.Source{}, netbox.Options{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
}

// Whatever the answers are, they are refused or make a plan, and nothing of it is endless.
func FuzzPlan(f *testing.F) {
	for _, generation := range netboxtest.Generations {
		var all []string
		for _, l := range (&netbox.Source{}).Lists() {
			objects, err := netboxtest.Objects(generation, l.Path)
			if err != nil {
				f.Fatal(err)
			}
			text, _ := json.Marshal(map[string]any{"results": objects})
			all = append(all, string(text))
		}
		f.Add(strings.Join(all, "\n"))
	}
	f.Add(`{"results":[{"id":1,"slug":"a","name":"A"}]}` + strings.Repeat("\n{\"results\":[]}", 13))
	f.Fuzz(func(t *testing.T, text string) {
		src := &netbox.Source{}
		pages := strings.Split(text, "\n")
		for i, l := range src.Lists() {
			if i < len(pages) {
				if _, err := l.Add([]byte(pages[i])); err != nil && fault.KindOf(err) != fault.Unreachable {
					t.Fatal(err)
				}
			}
		}
		if len(src.Sites) == 0 {
			return
		}
		got, err := netbox.Plan(src, netbox.Options{Site: src.Sites[0].Slug})
		if err != nil {
			return
		}
		for _, r := range got.Plan.Racks {
			if r.Name == "" {
				t.Fatal("a rack without a name")
			}
		}
		for _, n := range got.Notes {
			if strings.ContainsAny(n, "\n\r\x1b") {
				t.Fatalf("a note of several lines: %q", n)
			}
		}
	})
}
