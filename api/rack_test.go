package api_test

import (
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

func TestARackAndWhatThePlanSaysBesideMachinesAreShown(t *testing.T) {
	s, url := rack(t)
	p := plan.Plan{Site: "lab", Projects: []plan.Project{{Name: "ml"}},
		Models: []plan.Model{{Name: "leaf", Build: inventory.Build{Kind: inventory.KindSwitch}}},
		Racks:  []plan.Rack{{Name: "r7", Row: "a", Devices: []plan.Device{{Name: "leaf-7", Model: "leaf", U: 1}}}}}
	if _, err := s.ApplyPlan(t.Context(), p, "", "test"); err != nil {
		t.Fatal(err)
	}
	if _, text := ask(t, "GET", url+"/racks/r7", ""); decode[inventory.Rack](t, text).Row != "a" {
		t.Errorf("rack %s", text)
	}
	if answer, text := ask(t, "GET", url+"/racks/r9", ""); answer.StatusCode != 404 || !strings.Contains(text, "rack list") {
		t.Errorf("a rack that is not there: %s %s", answer.Status, text)
	}
	for path, want := range map[string]string{"/devices": "leaf-7", "/devices?rack=r7": "leaf-7", "/devices?rack=r1": "", "/models": "leaf", "/projects": "ml"} {
		_, text := ask(t, "GET", url+path, "")
		list := decode[wire.List[struct{ Name string }]](t, text)
		var names []string
		for _, it := range list.Items {
			names = append(names, it.Name)
		}
		if list.Items == nil || strings.Join(names, " ") != want {
			t.Errorf("%s: %s", path, text)
		}
	}
}
