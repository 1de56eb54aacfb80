package api_test

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
)

func TestMachinesComeInPages(t *testing.T) {
	_, url := rack(t)
	_, text := ask(t, "GET", url+"/machines?limit=1", "")
	first := decode[wire.List[inventory.Machine]](t, text)
	if len(first.Items) != 1 || first.Items[0].Name != "m1" || first.Next == "" {
		t.Fatalf("first page %s", text)
	}
	_, text = ask(t, "GET", url+"/machines?limit=1&page_token="+first.Next, "")
	second := decode[wire.List[inventory.Machine]](t, text)
	if len(second.Items) != 1 || second.Items[0].Name != "m2" || second.Next != "" {
		t.Fatalf("second page %s", text)
	}
}

func TestMachinesAreFoundByWhatIsKnownOfThem(t *testing.T) {
	s, url := rack(t)
	s.Change("m2", func(m *inventory.Machine) {
		m.Phase, m.Vendor, m.Model, m.Project, m.Tags, m.Labels = inventory.Active, "Acme", "node", "ml", []string{"gpu"}, map[string]string{"role": "db", "zone": "z1"}
	})
	for query, want := range map[string]string{"": "m1 m2", "rack=r1": "m1 m2", "rack=r2": "", "phase=active": "m2", "mac=5254.0000.0001": "m1",
		"label=role%3Ddb&label=zone": "m2", "label=role%3Dweb": "", "tag=gpu": "m2", "project=ml": "m2", "model=node": "m2", "q=m2+acme": "m2", "q=m1+acme": ""} {
		_, text := ask(t, "GET", url+"/machines?"+query, "")
		var names []string
		for _, m := range decode[wire.List[inventory.Machine]](t, text).Items {
			names = append(names, m.Name)
		}
		if strings.Join(names, " ") != want || strings.Contains(text, "null") {
			t.Errorf("%s: %s", query, text)
		}
	}
}

func TestAMachineKnownAlreadyIsNotSentAgain(t *testing.T) {
	s, url := rack(t)
	answer, _ := ask(t, "GET", url+"/machines/m1", "")
	tag := answer.Header.Get("ETag")
	if again, text := ask(t, "GET", url+"/machines/m1", "", "If-None-Match: "+tag); again.StatusCode != 304 || text != "" || again.Header.Get("ETag") != tag {
		t.Errorf("%s %q, ETag %s", again.Status, text, again.Header.Get("ETag"))
	}
	s.Change("m1", func(m *inventory.Machine) { m.Phase = inventory.Racked })
	if again, _ := ask(t, "GET", url+"/machines/m1", "", "If-None-Match: "+tag); again.StatusCode != 200 {
		t.Errorf("after a change: %s", again.Status)
	}
}

func TestTheTimelineIsTheNewestEventsOldestFirst(t *testing.T) {
	s, url := rack(t)
	for i := range 5 {
		s.Record(journal.Event{Kind: journal.DHCPAnswered, Name: "m1", Summary: fmt.Sprint("seen ", i)})
	}
	_, text := ask(t, "GET", url+"/machines/m1/timeline?limit=2", "")
	events := decode[wire.List[journal.Event]](t, text).Items
	if len(events) != 2 || events[0].Summary != "seen 3" || events[1].Summary != "seen 4" {
		t.Error(text)
	}
}

func TestWhyIsOneSentence(t *testing.T) {
	s, url := rack(t)
	s.Record(journal.Event{Kind: journal.DHCPIgnored, Name: "m1", Summary: "DHCPDISCOVER ignored: other network"})
	_, text := ask(t, "GET", url+"/machines/m1/why", "")
	if why := decode[wire.Why](t, text).Why; !strings.HasPrefix(why, "m1 is planned") || !strings.Contains(why, "other network") {
		t.Error(text)
	}
	ask(t, "POST", url+"/machines/m1/actions/inspect", "")
	if _, text = ask(t, "GET", url+"/machines/m1/why", ""); !strings.Contains(text, "queued") {
		t.Error(text)
	}
}

func TestADeploymentIsAcceptedWithItsImageFixed(t *testing.T) {
	s, url := rack(t)
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtqY0+Nc8YPGRuzFPTJlxkLxbvQ5hxLYyhiYxP2VjKs someone@host"
	answer, text := ask(t, "POST", url+"/machines/m1/actions/deploy", `{"image":"debian","user_data":"#cloud-config","ssh_keys":["  `+key+` "]}`)
	o := decode[deploy.Operation](t, text)
	if answer.StatusCode != 202 || answer.Header.Get("Location") != wire.Prefix+"/operations/"+o.ID {
		t.Fatalf("%s %s: %s", answer.Status, answer.Header.Get("Location"), text)
	}
	if o.Order.Digest != "sha256:d" || o.Order.UserData != "" || len(o.Order.SSHKeys) != 1 || o.Order.SSHKeys[0] != key || o.Actor != "admin" {
		t.Errorf("order %+v by %s", o.Order, o.Actor)
	}
	stored, _ := s.Operation(t.Context(), o.ID)
	if stored.Order.UserData != "#cloud-config" {
		t.Error("the user-data was lost")
	}
	if answer, text = ask(t, "POST", url+"/machines/m1/actions/inspect", ""); answer.StatusCode != 409 || !strings.Contains(text, o.ID) {
		t.Errorf("a second operation: %s %s", answer.Status, text)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	s, url := rack(t)
	for action, body := range map[string]string{"deploy": `{"image":"debian","dry_run":true}`, "inspect": `{"dry_run":true}`, "power": `{"action":"on","dry_run":true}`} {
		answer, text := ask(t, "POST", url+"/machines/m1/actions/"+action, body)
		if steps := decode[wire.Steps](t, text); answer.StatusCode != 200 || !steps.DryRun || len(steps.Steps) == 0 {
			t.Errorf("%s: %s %s", action, answer.Status, text)
		}
	}
	if answer, _ := ask(t, "POST", url+"/machines/m2/actions/power", `{"action":"on","dry_run":true}`); answer.StatusCode != 409 {
		t.Errorf("what would be refused: %s", answer.Status)
	}
	if _, text := ask(t, "GET", url+"/operations", ""); text != "{\"items\":[]}\n" {
		t.Error(text)
	}
	_ = s
}

func TestAPlanIsComparedThenApplied(t *testing.T) {
	s := apitest.New()
	url := serve(t, s)
	body := `{"site":"lab","racks":[{"name":"r1","machines":[{"name":"m1","u":1}]}]}`
	_, text := ask(t, "POST", url+"/plans", body)
	diff := decode[plan.Diff](t, text)
	if len(diff.Changes) != 3 {
		t.Fatal(text)
	}
	if racks, _ := s.Racks(t.Context()); len(racks) != 0 {
		t.Error("comparing changed the inventory")
	}
	if answer, text := ask(t, "POST", url+"/plans/apply?hash="+diff.Hash, body); answer.StatusCode != 200 {
		t.Error(text)
	}
	if _, text = ask(t, "GET", url+"/racks", ""); !strings.Contains(text, `"name":"r1"`) {
		t.Error(text)
	}
	if _, text = ask(t, "POST", url+"/plans", body); len(decode[plan.Diff](t, text).Changes) != 0 {
		t.Errorf("applied and still different: %s", text)
	}
}
