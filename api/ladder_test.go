package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/boot/boottest"
	"rackwright/dhcp"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// models is an interface to machines of three models, with a server that has shim for amd64.
func models(t *testing.T) (*apitest.Store, string) {
	shelf := boottest.Shelf(t, "shim/shimx64.efi")
	s, p := apitest.New(), apitest.Plan()
	p.Racks[0].Machines[0].Model, p.Racks[0].Machines[1].Model = "efi", "old" // m2 is BIOS
	p.Models = []plan.Model{{Name: "none"}, {Name: "pinned", Build: inventory.Build{Loader: "shim"}}}
	if _, err := s.ApplyPlan(t.Context(), p, "", "test"); err != nil {
		t.Fatal(err)
	}
	return s, apitest.Serve(t, api.Options{Store: s, Explain: &api.Explain{Settings: dhcp.Settings{Loaders: shelf}}}) + wire.Prefix + "/boot/ladders"
}

func TestALoaderIsSetWhereAMachineCouldBeToldOfIt(t *testing.T) {
	s, url := models(t)
	for _, c := range []struct {
		name, model, body string
		status            int
		says              string
	}{
		{"it is tried next", "efi", `{"loader":"shim"}`, 200, `"loader":"shim","worked":false`},
		{"it is known to work", "efi", `{"loader":"shim","worked":true}`, 200, `"worked":true`},
		{"a declared model without machines", "none", `{"loader":"shim"}`, 200, `"model":"none"`},
		{"the server has no such loader", "efi", `{"loader":"snponly"}`, 422, "boot.loader_dir"},
		{"BIOS has but one", "old", `{"loader":"shim"}`, 422, "/loader"},
		{"and may be told of that", "old", `{"loader":"built-in","worked":true}`, 200, `"loader":"built-in"`},
		{"the plan says which", "pinned", `{"loader":"built-in"}`, 409, "the plan names shim"},
		{"no such model", "nobody", `{"loader":"built-in"}`, 404, "rackwright model list"},
		{"no such kind", "efi", `{"loader":"lilo"}`, 422, "loader"},
		{"nothing", "efi", `{}`, 422, "loader"},
	} {
		if answer, text := ask(t, "PUT", url+"/"+c.model, c.body); answer.StatusCode != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %s %s", c.name, answer.Status, text)
		}
	}
	s.Change("m1", func(m *inventory.Machine) { m.Arch = "arm64" })
	if answer, text := ask(t, "PUT", url+"/efi", `{"loader":"shim"}`); answer.StatusCode != 422 {
		t.Errorf("shim of another processor: %s %s", answer.Status, text)
	}
	if answer, text := ask(t, "PUT", url+"/efi", `{"loader":"built-in"}`, "Authorization: Bearer "+apitest.ViewerSecret); answer.StatusCode != 403 {
		t.Errorf("a viewer: %s %s", answer.Status, text)
	}
}

func TestALoaderSetTwiceIsSetOnceAndTheAuditSaysFromWhatToWhat(t *testing.T) {
	s, url := models(t)
	for range 2 {
		if answer, text := ask(t, "PUT", url+"/efi?dry_run=true", `{"loader":"shim"}`); answer.StatusCode != 200 || !strings.Contains(text, `"shim"`) {
			t.Errorf("tried: %s %s", answer.Status, text)
		}
	}
	if _, text := ask(t, "GET", url, ""); strings.Contains(text, "efi") {
		t.Errorf("a try was kept: %s", text)
	}
	for range 2 {
		if answer, text := ask(t, "PUT", url+"/efi", `{"loader":"shim"}`); answer.StatusCode != 200 {
			t.Errorf("%s %s", answer.Status, text)
		}
	}
	if answer, _ := ask(t, "DELETE", url+"/efi", ""); answer.StatusCode != 204 {
		t.Error(answer.Status)
	}
	var told []string
	for _, e := range entries(t, s) {
		if e.Stage == audit.Answered && e.After["dry_run"] == nil {
			told = append(told, fmt.Sprint(e.Target, " ", e.Route, ": ", e.Before["loader"], " -> ", e.After["loader"]))
		}
	}
	if want := []string{"model/efi set-ladder: built-in -> shim", "model/efi set-ladder: shim -> shim", "model/efi reset-ladder: shim -> <nil>"}; !slices.Equal(told, want) {
		t.Errorf("audit: %q", told)
	}
}
