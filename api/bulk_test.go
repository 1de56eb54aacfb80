package api_test

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/store"
)

func TestWorkIsBegunOnManyMachinesAllOrEach(t *testing.T) {
	s, url := rack(t)
	if answer, text := ask(t, "POST", url+"/machines/m2/actions/inspect", "{}"); answer.StatusCode != 202 {
		t.Fatal(text)
	}
	open := func() int {
		list, _ := s.Operations(t.Context(), storeOpen)
		return len(list)
	}
	answer, text := ask(t, "POST", url+"/machines/actions/inspect", `{"mode":"all","machines":["m1","m2"]}`)
	if p := decode[wire.Problem](t, text); answer.StatusCode != 409 || len(p.Errors) != 1 || p.Errors[0].Pointer != "/machines/1" || open() != 1 {
		t.Fatalf("all: %s %s", answer.Status, text)
	}
	answer, text = ask(t, "POST", url+"/machines/actions/inspect", `{"mode":"each","machines":["m9","m1","m2","m1"]}`)
	b := decode[wire.Bulk](t, text)
	if answer.StatusCode != 202 || b.Begun != 1 || b.Refused != 3 || len(b.Items) != 4 || open() != 2 {
		t.Fatalf("each: %s %s", answer.Status, text)
	}
	for i, want := range []string{"not-found", "", "conflict", "invalid"} {
		it := b.Items[i]
		if it.Index != i || (want == "") != (it.Operation != nil) || want != "" && (it.Problem == nil || it.Problem.Code != want) {
			t.Errorf("item %d: %+v", i, it)
		}
	}
	answer, text = ask(t, "POST", url+"/machines/actions/deploy", `{"mode":"all","dry_run":true,"which":{"rack":"r1"},"order":{"image":"debian"}}`)
	if b := decode[wire.Bulk](t, text); answer.StatusCode != 200 || !b.DryRun || b.Begun != 2 || len(b.Items[0].Steps) == 0 || open() != 2 {
		t.Errorf("dry: %s %s", answer.Status, text)
	}
	for what, body := range map[string]string{"nobody": `{"mode":"all"}`, "both": `{"mode":"all","machines":["m1"],"which":{"rack":"r1"}}`, "silence": `{"mode":"all","which":{}}`,
		"no mode": `{"machines":["m1"]}`, "too many": `{"mode":"each","machines":[` + strings.TrimSuffix(strings.Repeat(`"m1",`, 1001), ",") + `]}`} {
		if answer, text := ask(t, "POST", url+"/machines/actions/inspect", body); answer.StatusCode != 422 {
			t.Errorf("%s: %s %s", what, answer.Status, text)
		}
	}
}

func TestAnOperationTellsHowFarItIsAndWhatHappened(t *testing.T) {
	s, url := rack(t)
	_, text := ask(t, "POST", url+"/machines/m1/actions/inspect", "{}")
	id := decode[deploy.Operation](t, text).ID
	s.Move(id, "begun", func(o *deploy.Operation) { o.State, o.Current = deploy.Running, 1 })
	answer, text := ask(t, "GET", url+"/operations/"+id, "")
	o := decode[deploy.Operation](t, text)
	if o.Progress == nil || o.Progress.Fraction <= 0 || o.Progress.Fraction >= 1 || o.Progress.ETA.IsZero() || o.Progress.By != deploy.ByUsual || !strings.HasPrefix(answer.Header.Get("ETag"), fmt.Sprintf(`"%d.`, o.Version)) {
		t.Errorf("%s %s", answer.Header.Get("ETag"), text)
	}
	_, text = ask(t, "GET", url+"/operations/"+id+"/log?limit=1", "")
	log := decode[wire.List[struct{ Summary string }]](t, text)
	if len(log.Items) != 1 || log.Next == "" {
		t.Fatal(text)
	}
	_, text = ask(t, "GET", url+"/operations/"+id+"/log?limit=1&page_token="+log.Next, "")
	if log := decode[wire.List[struct{ Summary string }]](t, text); len(log.Items) != 1 || log.Items[0].Summary != "begun" {
		t.Error(text)
	}
}

var storeOpen = store.OperationFilter{Open: true}
