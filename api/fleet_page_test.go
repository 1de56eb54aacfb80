package api_test

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fleet"
)

func TestALongListOfRolloutsGoesOnBehindItsPage(t *testing.T) {
	s, url := rack(t)
	const all = 203
	for i := range all {
		if err := s.CreateFleet(t.Context(), &fleet.Fleet{Kind: fleet.Rollout, Name: fmt.Sprintf("f%03d", i)}, deploy.Order{}, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	seen, pages := map[string]bool{}, 0
	for token := ""; pages < 10; pages++ {
		_, text := ask(t, "GET", url+"/rollouts?page_token="+token, "")
		list := decode[wire.List[fleet.Fleet]](t, text)
		for _, f := range list.Items {
			seen[f.ID] = true
		}
		if token = list.Next; token == "" {
			break
		}
	}
	if len(seen) != all || pages != 2 {
		t.Errorf("%d of %d were seen on %d pages and one", len(seen), all, pages)
	}
}

func TestAWebhookIsNotForEventsThatNeverHappen(t *testing.T) {
	_, url := rack(t)
	answer, text := ask(t, "POST", url+"/webhooks", `{"name":"w","url":"http://203.0.113.9/","filter":{"kinds":["op.state","op.stat"]}}`)
	if p := decode[wire.Problem](t, text); answer.StatusCode != 400 || p.Code != "unknown-kind" || !strings.Contains(p.Hint, "op.state") {
		t.Errorf("%s %s", answer.Status, text)
	}
	if answer, text = ask(t, "POST", url+"/webhooks", `{"name":"w","url":"http://203.0.113.9/","filter":{"kinds":["op","machine.phase"]}}`); answer.StatusCode != 201 {
		t.Fatalf("families: %s %s", answer.Status, text)
	}
	if answer, text = ask(t, "PATCH", url+"/webhooks/w", `{"filter":{"kinds":["opp"]}}`); answer.StatusCode != 400 {
		t.Errorf("changed: %s %s", answer.Status, text)
	}
}
