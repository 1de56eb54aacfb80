package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/journal"
)

// whole are the lists that come in one piece, and why.
func whole() map[string]string {
	few := "as many as there are phases, verbs or templates in the program"
	asked := "what a BMC answers now: it has no place to go on from"
	return map[string]string{"machine-gates": few, "list-templates": few,
		"get-bmc-log": asked, "get-bmc-media": asked, "get-bmc-accounts": asked, "get-bmc-protocols": asked, "get-bmc-firmware": asked, "get-bmc-subscriptions": asked}
}

func TestEveryListHasPagesAndAnOrder(t *testing.T) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID         string `json:"operationId"`
			Parameters []struct {
				Name string `json:"name"`
			} `json:"parameters"`
			Responses map[string]struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
				} `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	lists := 0
	for path, methods := range doc.Paths {
		for _, o := range methods {
			schema := doc.Components.Schemas[strings.TrimPrefix(o.Responses["200"].Content["application/json"].Schema.Ref, "#/components/schemas/")]
			if schema.Properties["next_page_token"] == nil {
				continue
			}
			lists++
			var names []string
			for _, p := range o.Parameters {
				names = append(names, p.Name)
			}
			paged := slices.Contains(names, "page_token") && slices.Contains(names, "sort") && slices.Contains(names, "limit")
			if why, is := whole()[o.ID]; is == paged {
				t.Errorf("%s (%s) has pages: %v; it is said: %q", o.ID, path, paged, why)
			}
		}
	}
	if lists < 25 {
		t.Errorf("only %d lists were found", lists)
	}
}

func TestWhatIsReadPageByPageIsWhatIsReadAtOnce(t *testing.T) {
	s, url := rack(t)
	for i := range 5 {
		s.Meet(inventory.StrangeBMC{MAC: inventory.MAC{2, 0, 0, 0, 0, byte(i)}})
		s.Record(journal.Event{Kind: journal.OpState, Name: "m1", Summary: fmt.Sprint(i)})
		ask(t, "POST", url+"/webhooks", fmt.Sprintf(`{"name":"hook%d","url":"https://example.net/"}`, i))
		ask(t, "POST", url+"/webhooks/hook0/test", "")
	}
	for path, least := range map[string]int{"/events": 9, "/events?newest=true": 9, "/events?kind=op": 5, "/events?sort=-id": 9, "/machines/m1/timeline": 6, "/machines/m1/timeline?sort=id": 6,
		"/webhooks": 5, "/webhooks?sort=-created": 5, "/webhooks/hook0/deliveries": 5, "/webhooks/hook0/deliveries?sort=created": 5, "/bmcs/strangers": 5, "/racks/r1/slots": 42, "/racks/r1/slots?sort=-u": 42,
		"/audit": 10, "/audit?newest=true": 10, "/audit?sort=-seq": 10, "/audit?route=add-webhook": 5, "/machines/m1/history": 1, "/images?sort=-created": 2} {
		between := "?"
		if strings.Contains(path, "?") {
			between = "&"
		}
		answer, text := ask(t, "GET", url+path+between+"limit=1000", "")
		whole := decode[wire.List[json.RawMessage]](t, text)
		if answer.StatusCode != 200 || len(whole.Items) < least || whole.Next != "" {
			t.Fatalf("%s: %s, %d things, want %d: %.500s", path, answer.Status, len(whole.Items), least, text)
		}
		want, got := texts(whole.Items), readAll(t, url+path+between+"limit=2")
		slices.Sort(want) // what is told oldest first from the newest on has its pages the other way round
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s page by page:\n%s\nat once:\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func texts(items []json.RawMessage) (out []string) {
	for _, i := range items {
		out = append(out, string(i))
	}
	return out
}

func readAll(t *testing.T, address string) (out []string) {
	t.Helper()
	for page, token := 0, ""; page == 0 || token != ""; page++ {
		answer, text := ask(t, "GET", address+"&page_token="+url.QueryEscape(token), "")
		list := decode[wire.List[json.RawMessage]](t, text)
		if answer.StatusCode != 200 || len(list.Items) > 2 || page > 60 {
			t.Fatalf("%s, page %d: %s", address, page, text)
		}
		out, token = append(out, texts(list.Items)...), list.Next
	}
	return out
}

func TestAPageOfEventsThatStopsEarlySaysWhereToGoOn(t *testing.T) {
	s, url := rack(t)
	s.Record(journal.Event{Kind: journal.OpState, Name: "m1", Summary: "early"})
	for range 21_500 {
		s.Record(journal.Event{Kind: journal.Approval})
	}
	s.Record(journal.Event{Kind: journal.OpState, Name: "m1", Summary: "late"})
	for _, way := range []string{"", "&newest=true"} {
		_, text := ask(t, "GET", url+"/events?kind=op&limit=2"+way, "")
		first := decode[wire.List[journal.Placed]](t, text)
		if len(first.Items) != 1 || first.Next == "" {
			t.Fatalf("%d events, token %q", len(first.Items), first.Next)
		}
		_, text = ask(t, "GET", url+"/events?kind=op&limit=2"+way+"&page_token="+first.Next, "")
		if rest := decode[wire.List[journal.Placed]](t, text); len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].ID == first.Items[0].ID {
			t.Errorf("then %+v", rest)
		}
	}
}

func TestATokenThatNobodyGaveOutIsRefused(t *testing.T) {
	_, url := rack(t)
	for _, path := range []string{"/events", "/audit", "/approvals", "/webhooks", "/rollouts", "/campaigns", "/firmware", "/images/imports", "/jobs", "/bmcs/strangers", "/racks/r1/signoffs",
		"/racks/r1/slots", "/machines/m1/parts", "/machines/m1/history", "/machines/m1/timeline", "/machines/m1/identifiers"} {
		for _, query := range []string{"page_token=x", "page_token=e30", "sort=colour"} {
			if answer, text := ask(t, "GET", url+path+"?"+query, ""); answer.StatusCode != 400 {
				t.Errorf("%s?%s: %s %s", path, query, answer.Status, text)
			}
		}
	}
}
