package api_test

import (
	"strings"
	"testing"

	"rackwright/inventory/plan"
)

func TestTheExportIsAPlanThatChangesNothing(t *testing.T) {
	s, url := rack(t)
	for _, query := range []string{"", "?rack=r1", "?site=lab", "?rack=r1&rack=r1"} {
		answer, text := ask(t, "GET", url+"/plan"+query, "")
		p := decode[plan.Plan](t, text)
		if answer.StatusCode != 200 || len(p.Racks) != 1 || len(p.Racks[0].Machines) != 2 || strings.Contains(text, "bmc-secret") {
			t.Errorf("%s: %s %s", query, answer.Status, text)
			continue
		}
		if d, err := s.DiffPlan(t.Context(), p); err != nil || len(d.Changes) != 0 {
			t.Errorf("%s: it changes %+v, %v", query, d, err)
		}
	}
}

func TestAnExportOfWhatIsNotThereIsRefused(t *testing.T) {
	_, url := rack(t)
	for _, query := range []string{"?rack=r9", "?rack=r1&rack=r9", "?site=elsewhere"} {
		if answer, text := ask(t, "GET", url+"/plan"+query, ""); answer.StatusCode != 404 || !strings.Contains(text, "hint") {
			t.Errorf("%s: %s %s", query, answer.Status, text)
		}
	}
}
