package api_test

import (
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/fleet"
	"rackwright/inventory"
)

func TestARolloutIsLaidStartedAndSteered(t *testing.T) {
	_, url := rack(t)
	start := `{"name":"spring","image":"debian","racks":["r1"],"max_failures":5,"user_data":"user-secret"`
	answer, text := ask(t, "POST", url+"/rollouts", start+`,"dry_run":true}`)
	f := decode[fleet.Fleet](t, text)
	if answer.StatusCode != 200 || f.ID != "" || len(f.Members) != 2 || !f.Members[0].Canary || f.Members[1].Wave != 1 || f.Members[0].Domain != "r1" || f.Tally[fleet.Waiting] != 2 {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if _, text = ask(t, "GET", url+"/rollouts", ""); len(decode[wire.List[fleet.Fleet]](t, text).Items) != 0 {
		t.Errorf("a dry run began: %s", text)
	}
	answer, text = ask(t, "POST", url+"/rollouts", start+`}`)
	if f = decode[fleet.Fleet](t, text); answer.StatusCode != 201 || answer.Header.Get("Location") != wire.Prefix+"/rollouts/"+f.ID || f.Kind != fleet.Rollout || f.Image != "debian" || f.Bytes == 0 {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if answer, text = ask(t, "POST", url+"/rollouts", start+`}`); answer.StatusCode != 409 {
		t.Errorf("twice: %s %s", answer.Status, text)
	}
	for _, step := range []struct {
		verb   string
		status int
		state  fleet.State
	}{{"pause", 200, fleet.Paused}, {"pause", 409, ""}, {"resume", 200, fleet.Running}, {"cancel", 200, fleet.Cancelled}, {"cancel", 200, fleet.Cancelled}, {"resume", 409, ""}} {
		answer, text := ask(t, "POST", url+"/rollouts/spring/"+step.verb, "")
		if got := decode[fleet.Fleet](t, text); answer.StatusCode != step.status || step.status == 200 && got.State != step.state {
			t.Errorf("%s: %s %s", step.verb, answer.Status, text)
		}
	}
	_, text = ask(t, "GET", url+"/rollouts", "")
	if got := decode[wire.List[fleet.Fleet]](t, text).Items; len(got) != 1 || len(got[0].Members) != 0 || got[0].Tally[fleet.Waiting] != 2 || strings.Contains(text, "user-secret") {
		t.Errorf("listed as %s", text)
	}
	if answer, _ := ask(t, "GET", url+"/campaigns/spring", ""); answer.StatusCode != 404 {
		t.Errorf("a rollout as a campaign: %s", answer.Status)
	}
}

func TestARolloutThatCannotGoSaysWhy(t *testing.T) {
	s, url := rack(t)
	s.Change("m2", func(m *inventory.Machine) { m.Phase = inventory.Active })
	for name, c := range map[string]struct {
		body, want string
		status     int
	}{
		"nobody is named":       {`"image":"debian"`, "names no machines", 422},
		"nobody is meant":       {`"image":"debian","all_ready":true,"labels":["role=web"]`, "no machine is labelled role=web and in phase ready", 409},
		"nobody can":            {`"image":"debian","machines":["m2"]`, "m2: m2 is active", 409},
		"a rack is strange":     {`"image":"debian","racks":["r9"]`, `no rack \"r9\"`, 422},
		"a machine is strange":  {`"image":"debian","machines":["m9"]`, `no machine \"m9\"`, 422},
		"an image is strange":   {`"image":"none","racks":["r1"]`, `no image \"none\"`, 404},
		"a domain is strange":   {`"image":"debian","racks":["r1"],"domain":"fede"`, "a failure domain is one of", 422},
		"a canary without wave": {`"image":"debian","racks":["r1"],"canary":2`, "a wave has at least 1 machine", 422},
	} {
		answer, text := ask(t, "POST", url+"/rollouts", `{"name":"x","max_failures":5,`+c.body+`}`)
		if answer.StatusCode != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s: %s %s", name, answer.Status, text)
		}
	}
	_, text := ask(t, "POST", url+"/rollouts", `{"name":"x","max_failures":5,"image":"debian","racks":["r1"],"dry_run":true}`)
	if f := decode[fleet.Fleet](t, text); f.Tally[fleet.Skipped] != 1 || f.Tally[fleet.Waiting] != 1 {
		t.Errorf("beside one that can: %s", text)
	}
}

func TestADiskThatNoMachineHasIsNotOverwritten(t *testing.T) {
	s, url := rack(t)
	for _, name := range []string{"m1", "m2"} {
		s.Change(name, func(m *inventory.Machine) {
			m.Facts = &inventory.Facts{Source: "agent", Disks: []inventory.Disk{{Serial: "S-" + name, Bytes: 1 << 40}}}
		})
	}
	rollout := `{"name":"x","max_failures":5,"image":"debian","racks":["r1"],"dry_run":true,"overwrite":`
	if answer, text := ask(t, "POST", url+"/rollouts", rollout+`["S-m1","S-m2"]}`); answer.StatusCode != 200 {
		t.Errorf("disks of two machines: %s %s", answer.Status, text)
	}
	if answer, text := ask(t, "POST", url+"/rollouts", rollout+`["S-m1","S-m7"]}`); answer.StatusCode != 422 || !strings.Contains(text, "S-m7") || strings.Contains(text, "S-m1") {
		t.Errorf("a disk of none: %s %s", answer.Status, text)
	}
	burn := `{"seconds":60,"write":true,"dry_run":true,"overwrite":`
	if answer, text := ask(t, "POST", url+"/machines/m1/actions/burn-in", burn+`["S-m1"]}`); answer.StatusCode != 200 {
		t.Errorf("its own disk: %s %s", answer.Status, text)
	}
	if answer, text := ask(t, "POST", url+"/machines/m1/actions/burn-in", burn+`["S-m2"]}`); answer.StatusCode != 422 || !strings.Contains(text, "S-m2") {
		t.Errorf("another's disk: %s %s", answer.Status, text)
	}
}

func TestARolloutThatGivesUpDataWaitsForASecondPerson(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
	for _, name := range []string{"m1", "m2"} {
		s.Change(name, func(m *inventory.Machine) {
			m.Facts = &inventory.Facts{Source: "agent", Disks: []inventory.Disk{{Serial: "S-" + name, Bytes: 1 << 40}}}
		})
	}
	start := `{"name":"x","max_failures":5,"image":"debian","racks":["r1"],"overwrite":["S-m1","S-m2"]`
	if answer, text := ask(t, "POST", url+"/rollouts", start+`,"dry_run":true}`); answer.StatusCode != 200 {
		t.Fatalf("a dry run: %s %s", answer.Status, text)
	}
	answer, text := ask(t, "POST", url+"/rollouts", start+`}`, "Authorization: Bearer "+apitest.OperatorSecret)
	a := decode[audit.Approval](t, text)
	if answer.StatusCode != 202 || a.State != audit.Waiting || a.Machines != 2 {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if _, text := ask(t, "GET", url+"/rollouts", ""); len(decode[wire.List[fleet.Fleet]](t, text).Items) != 0 {
		t.Errorf("it began: %s", text)
	}
	answer, text = ask(t, "POST", url+"/approvals/"+a.ID+"/approve", "")
	if done := decode[audit.Approval](t, text); answer.StatusCode != 200 || done.Status != 201 || !strings.HasPrefix(done.Location, "/rollouts/") {
		t.Errorf("approved: %s %s", answer.Status, text)
	}
}

func TestSystemsInUseAreNotReplacedByOnePersonAlone(t *testing.T) {
	for name, c := range map[string]struct {
		path, body string
		machines   int
	}{
		"a rollout":  {"/rollouts", `{"name":"x","max_failures":5,"image":"debian","racks":["r1"],"active":true}`, 2},
		"many":       {"/machines/actions/deploy", `{"machines":["m1","m2"],"order":{"image":"debian"},"mode":"all"}`, 2},
		"local boot": {"/machines/actions/deploy", `{"machines":["m1"],"order":{"local":true},"mode":"all"}`, 0},
	} {
		s := apitest.Rack(t)
		url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
		for _, m := range []string{"m1", "m2"} {
			s.Change(m, func(m *inventory.Machine) { m.Phase, m.Image = inventory.Active, "debian" })
		}
		answer, text := ask(t, "POST", url+c.path, c.body)
		a := decode[audit.Approval](t, text)
		if kept := strings.Contains(answer.Header.Get("Location"), "/approvals/"); answer.StatusCode != 202 || kept != (c.machines > 0) || a.Machines != c.machines {
			t.Errorf("%s: %s %s", name, answer.Status, text)
		}
	}
}
