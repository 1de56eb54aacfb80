package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/api/wire"
	"rackwright/boot/attempt"
	"rackwright/journal"
)

// boots lets m1 ask for an address that another server gives it.
func boots(s interface{ Record(journal.Event) }, n int) {
	begin := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range n {
		client := []string{"pxe", "http"}[i%2]
		at := begin.Add(time.Duration(i) * time.Hour)
		s.Record(journal.Event{At: at, Kind: journal.DHCPAnswered, Name: "m1", Summary: "DISCOVER answered OFFER", Detail: map[string]any{"message": "DISCOVER", "reply": "OFFER", "client": client}})
		s.Record(journal.Event{At: at.Add(4 * time.Second), Kind: journal.DHCPIgnored, Name: "m1", Summary: "REQUEST not answered",
			Detail: map[string]any{"message": "REQUEST", "client": client, "rule": "chose-other-server", "server": "10.0.0.66"}})
	}
}

func TestTheBootsOfAMachineAreReadPageByPage(t *testing.T) {
	s, url := rack(t)
	boots(s, 5)
	for _, sort := range []string{"-id", "id"} {
		_, text := ask(t, "GET", url+"/machines/m1/boots?sort="+sort, "")
		whole := decode[wire.List[attempt.Attempt]](t, text)
		if len(whole.Items) != 5 || whole.Items[0].Stage != attempt.Offer || whole.Items[0].Events != 2 {
			t.Fatalf("%s: %s", sort, text)
		}
		if first, last := whole.Items[0].ID, whole.Items[4].ID; (first > last) != (sort == "-id") {
			t.Errorf("%s: from %d to %d", sort, first, last)
		}
		pages := readAll(t, fmt.Sprintf("%s/machines/m1/boots?sort=%s&limit=2", url, sort))
		if len(pages) != 5 {
			t.Errorf("%s: page by page %d: %v", sort, len(pages), pages)
		}
		for i, page := range pages {
			if want := fmt.Sprintf(`"id":%d,`, whole.Items[i].ID); !strings.Contains(page, want) {
				t.Errorf("%s: %d is %s, want %s", sort, i, page, want)
			}
		}
	}
}

func TestWhyNamesWhatKeepsAMachineFromBooting(t *testing.T) {
	s, url := rack(t)
	boots(s, 1)
	_, text := ask(t, "GET", url+"/machines/m1/why", "")
	w := decode[wire.Why](t, text)
	if w.Boot == nil || w.Boot.Code != "other-server" || !strings.Contains(w.Boot.Text, "10.0.0.66") || len(w.Boot.Proof) != 1 {
		t.Error(text)
	}
}
