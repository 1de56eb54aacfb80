package api_test

import (
	"net/http"
	"testing"
	"time"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
)

func TestMachinesAreHeldAndReleasedAllOrEach(t *testing.T) {
	s, url := rack(t)
	phase := func(name string) inventory.Phase {
		m, err := s.Machine(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return m.Phase
	}
	was := phase("m1")
	answer, text := ask(t, "POST", url+"/machines/actions/hold", `{"mode":"all","machines":["m1","m9"],"order":{"reason":"fan"}}`)
	if p := decode[wire.Problem](t, text); answer.StatusCode != 404 || len(p.Errors) != 1 || p.Errors[0].Pointer != "/machines/1" || phase("m1") != was {
		t.Fatalf("all: %s %s", answer.Status, text)
	}
	answer, text = ask(t, "POST", url+"/machines/actions/hold", `{"mode":"each","dry_run":true,"machines":["m1","m9"],"order":{"reason":"fan"}}`)
	b := decode[wire.Bulk](t, text)
	if answer.StatusCode != 200 || !b.DryRun || b.Begun != 1 || b.Refused != 1 || b.Items[0].Result == nil || b.Items[0].Result.Phase != inventory.Maintenance || phase("m1") != was {
		t.Fatalf("dry: %s %s", answer.Status, text)
	}
	answer, text = ask(t, "POST", url+"/machines/actions/hold", `{"mode":"all","which":{"rack":"r1"},"order":{"reason":"fan"}}`)
	if b := decode[wire.Bulk](t, text); answer.StatusCode != 200 || b.Begun != 2 || phase("m1") != inventory.Maintenance || phase("m2") != inventory.Maintenance {
		t.Fatalf("rack: %s %s", answer.Status, text)
	}
	answer, text = ask(t, "POST", url+"/machines/actions/release", `{"mode":"each","machines":["m1","m1","m2"]}`)
	if b := decode[wire.Bulk](t, text); answer.StatusCode != 200 || b.Begun != 2 || b.Items[1].Problem == nil || phase("m1") == inventory.Maintenance {
		t.Fatalf("release: %s %s", answer.Status, text)
	}
}

func TestRetiringAndReplacingManyNeedsASecondPersonForAsManyAsCan(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
	if _, err := s.CreateOperation(t.Context(), deploy.Inspect, "m2", deploy.Order{}, "ann"); err != nil {
		t.Fatal(err)
	}
	answer, text := ask(t, "POST", url+"/machines/actions/retire", `{"mode":"all","machines":["m1","m2"],"order":{"reason":"sold"}}`)
	if p := decode[wire.Problem](t, text); answer.StatusCode != 409 || len(p.Errors) != 1 || p.Errors[0].Pointer != "/machines/1" {
		t.Fatalf("all: %s %s", answer.Status, text)
	}
	answer, text = ask(t, "POST", url+"/machines/actions/replace", `{"mode":"each","machines":["m1"],"order":{"part":"machine","reason":"x","serial":"7XK"}}`)
	if b := decode[wire.Bulk](t, text); answer.StatusCode != 200 || b.Refused != 1 {
		t.Fatalf("one serial number of many: %s %s", answer.Status, text)
	}
	answer, text = ask(t, "POST", url+"/machines/actions/retire", `{"mode":"each","machines":["m2","m1"],"order":{"reason":"sold"}}`)
	if b := decode[wire.Bulk](t, text); answer.StatusCode != 200 || b.Begun != 1 || b.Items[0].Problem == nil || b.Items[1].Result == nil || b.Items[1].Result.Phase != inventory.Retired {
		t.Fatalf("each: %s %s", answer.Status, text)
	}
	if _, err := s.CancelOperation(t.Context(), open(t, s), "ann"); err != nil {
		t.Fatal(err)
	}
	answer, text = ask(t, "POST", url+"/machines/actions/retire", `{"mode":"each","machines":["m2"],"order":{"reason":"sold"}}`)
	if m, err := s.Machine(t.Context(), "m2"); answer.StatusCode != 202 || err != nil || m.Phase == inventory.Retired {
		t.Fatalf("the second within the hour: %s %s %v", answer.Status, text, err)
	}
}

// open is the id of the one operation that has not ended.
func open(t *testing.T, s *apitest.Store) string {
	t.Helper()
	list, err := s.Operations(t.Context(), storeOpen)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	return list[0].ID
}

func TestWhatIsTriedIsAnsweredAndNotDone(t *testing.T) {
	s, url := rack(t)
	_, text := ask(t, "POST", url+"/machines/m2/actions/inspect", "{}")
	id := decode[deploy.Operation](t, text).ID
	s.Move(id, "parked", func(o *deploy.Operation) { o.State = deploy.Parked })
	ask(t, "POST", url+"/webhooks", `{"name":"chat","url":"https://chat.example/hook"}`)
	ask(t, "POST", url+"/tokens", `{"name":"ci","role":"viewer"}`)
	_, text = ask(t, "POST", url+"/images/imports", `{"name":"far","url":"https://mirror/none"}`)
	away := decode[images.Import](t, text).ID
	_, text = ask(t, "POST", url+"/images/collect", "")
	job := decode[images.Job](t, text).ID
	s.TurnJob(job, func(j *images.Job, now time.Time) { j.State = images.JobFailed })
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/machines/m1/hold", `{"reason":"fan"}`}, {"DELETE", "/machines/m1/hold", ""},
		{"POST", "/machines/m1/replace", `{"part":"machine","reason":"RMA"}`}, {"POST", "/machines/m1/retire", `{"reason":"sold"}`},
		{"DELETE", "/images/debian", ""}, {"DELETE", "/tokens/ci", ""}, {"DELETE", "/webhooks/chat", ""},
		{"DELETE", "/images/imports/" + away, ""}, {"POST", "/images/collect", ""}, {"POST", "/jobs/" + job + "/retry", ""}, {"POST", "/jobs/" + job + "/cancel", ""},
		{"POST", "/operations/" + id + "/retry", ""}, {"POST", "/operations/" + id + "/cancel", ""},
	} {
		look := func() string {
			all := ""
			for _, path := range []string{"/machines", "/images", "/operations/" + id, "/tokens", "/webhooks", "/images/imports", "/jobs"} {
				_, text := ask(t, "GET", url+path, "")
				all += text
			}
			return all
		}
		was := look()
		answer, text := ask(t, c.method, url+c.path+"?dry_run=true", c.body)
		if answer.StatusCode != http.StatusOK || text == "" || text == "null\n" {
			t.Errorf("%s: %s %s", c.path, answer.Status, text)
		}
		if now := look(); now != was {
			t.Errorf("%s changed something:\n%s\n%s", c.path, was, now)
		}
		if answer, text := ask(t, c.method, url+c.path, c.body); answer.StatusCode >= 300 {
			t.Errorf("%s: in earnest %s %s", c.path, answer.Status, text)
		}
		if look() == was {
			t.Errorf("%s: changed nothing in earnest", c.path)
		}
	}
}

func TestWhatHasNothingToTryDoesNotDoItInstead(t *testing.T) {
	_, url := rack(t)
	if answer, text := ask(t, "POST", url+"/images/check?dry_run=true", ""); answer.StatusCode != 400 {
		t.Errorf("%s %s", answer.Status, text)
	}
}

func TestLocatorsAreLitAndPutOutTogether(t *testing.T) {
	s, url := rack(t)
	answer, text := ask(t, "POST", url+"/machines/actions/locate", `{"mode":"all","machines":["m1"],"order":{"on":true,"seconds":60}}`)
	if b := decode[wire.Bulk](t, text); answer.StatusCode != 202 || b.Begun != 1 {
		t.Fatalf("on: %s %s", answer.Status, text)
	}
	id := open(t, s)
	answer, text = ask(t, "POST", url+"/machines/actions/locate", `{"mode":"all","machines":["m1"],"order":{"on":false}}`)
	b := decode[wire.Bulk](t, text)
	if answer.StatusCode != 202 || b.Begun != 1 || b.Items[0].Operation.ID != id || !b.Items[0].Operation.State.Ended() {
		t.Fatalf("off: %s %s", answer.Status, text)
	}
}
