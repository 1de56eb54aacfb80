package redfish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

const (
	eventsPath = "/redfish/v1/EventService"
	subsPath   = eventsPath + "/Subscriptions"
	ssePath    = "/redfish/v1/EventService/SSE"
)

func TestAPushedEventBecomesEntries(t *testing.T) {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		body, mark string
		want       []bmc.Entry
	}{
		"today's": {`{"@odata.type":"#Event.v1_7_0.Event","Id":"5","Context":"mark","Events":[{"EventId":"2162","EventTimestamp":"2026-03-01T10:00:00Z",
			"MessageSeverity":"Critical","Severity":"OK","MessageId":"IDRAC.2.8.PSU0001","Message":"Power supply 1\nfailed","OriginOfCondition":{"@odata.id":"/x"}}]}`,
			"mark", []bmc.Entry{{ID: "2162", At: at, Severity: bmc.Critical, Code: "IDRAC.2.8.PSU0001", Message: "Power supply 1 failed"}}},
		"with a log entry": {`{"Context":"m","Events":[{"EventId":"9","Message":"x","LogEntry":{"@odata.id":"/redfish/v1/Managers/1/LogServices/Sel/Entries/12"}}]}`,
			"m", []bmc.Entry{{ID: "12", Log: "Sel", Message: "x"}}},
		"context in the record": {`{"Id":"7","Events":[{"Context":"old","MemberId":"0","Severity":"Warning","MessageId":"A.1.B"}]}`,
			"old", []bmc.Entry{{ID: "0", Severity: bmc.Warning, Code: "A.1.B", Message: "A.1.B"}}},
		"without ids": {`{"Id":"7","Events":[{"Message":"a"},{"Message":"b"}]}`, "", []bmc.Entry{{ID: "7.0", Message: "a"}, {ID: "7.1", Message: "b"}}},
		"odd fields":  {`{"Id":7,"Context":"m","Events":[{"EventId":3,"Message":"a"},{"Message":["x"],"MessageId":"C"}]}`, "m", []bmc.Entry{{ID: "0", Message: "a"}, {ID: "1", Code: "C", Message: "C"}}},
		"metrics":     {`{"@odata.type":"#MetricReport.v1_4_2.MetricReport","Context":"m"}`, "m", nil},
		"none":        {`{"Events":[]}`, "", []bmc.Entry{}},
		"a secret":    {`{"Events":[{"EventId":"1","Message":"sent to https://a/b?c now"}]}`, "", []bmc.Entry{{ID: "1", Message: "sent to https://a/(hidden) now"}}},
	} {
		got, mark, err := ParseEvents([]byte(row.body))
		if err != nil || mark != row.mark || !slices.Equal(got, row.want) {
			t.Errorf("%s: %+v, %q, %v", name, got, mark, err)
		}
	}
	for _, bad := range []string{"", "{", "[]", `"x"`, "{}", `{"Events":null}`, strings.Repeat(" ", maxEvent+1)} {
		if _, _, err := ParseEvents([]byte(bad)); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	many := `{"Events":[` + strings.TrimSuffix(strings.Repeat(`{"Message":"m"},`, 1000), ",") + `]}`
	if got, _, err := ParseEvents([]byte(many)); err != nil || len(got) != maxEvents {
		t.Errorf("of a thousand %d: %v", len(got), err)
	}
}

func FuzzParseEvents(f *testing.F) {
	f.Add([]byte(`{"Id":"7","Context":"c","Events":[{"EventId":"1","Message":"a https://x/y","LogEntry":{"@odata.id":"/LogServices/Sel/Entries/1"}}]}`))
	f.Add([]byte(`{"Events":[null,{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, mark, err := ParseEvents(b)
		if len(all) > maxEvents || len([]rune(mark)) > maxText || err != nil && all != nil {
			t.Fatalf("%d entries, %q, %v", len(all), mark, err)
		}
		for _, e := range all {
			if e.ID == "" || len([]rune(e.Message)) > maxText || strings.ContainsAny(e.ID+e.Log+e.Code+e.Message, "\n\r\x00") {
				t.Fatalf("%+q", e)
			}
		}
	})
}

func TestServerSentEventsAreCutAtBlankLines(t *testing.T) {
	for in, want := range map[string][]string{
		"data: a\n\n":                        {"a"},
		"id: 1\r\ndata:a\r\ndata: b\r\n\r\n": {"a\nb"},
		": keep alive\n\n\n\ndata: x\n\n":    {"x"},
		"event: m\nretry: 5\nnonsense\n\n":   nil,
		"data: a\n\ndata: b\n\ndata: half":   {"a", "b"},
		"data: not ended by a blank line\n":  nil,
		"data\n\ndata: x\n\n":                {"x"},
		"data: {\"a\":\ndata:  1}\n\n":       {"{\"a\":\n 1}"},
	} {
		var got []string
		err := readSSE(strings.NewReader(in), func(b []byte) error { got = append(got, string(b)); return nil })
		if !errors.Is(err, io.ErrUnexpectedEOF) || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	endless := io.MultiReader(strings.NewReader("data: "), io.LimitReader(ones{}, 8<<20))
	if err := readSSE(endless, func([]byte) error { return nil }); !errors.Is(err, errLongLine) {
		t.Errorf("an endless line: %v", err)
	}
	lines := strings.NewReader(strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 2000))
	if err := readSSE(lines, func([]byte) error { return nil }); !errors.Is(err, errLongLine) {
		t.Errorf("an endless event: %v", err)
	}
}

type ones struct{}

func (ones) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '1'
	}
	return len(p), nil
}

func FuzzServerSentEvents(f *testing.F) {
	f.Add("data: a\r\n\r\n")
	f.Add(":\n\ndata:x\ndata\n\n")
	f.Fuzz(func(t *testing.T, in string) {
		total := 0
		err := readSSE(strings.NewReader(in), func(b []byte) error { total += len(b); return nil })
		if err == nil || total > len(in) {
			t.Fatalf("%d bytes of %d, %v", total, len(in), err)
		}
	})
}

// post is the event service of a mock.
type post struct {
	*mock
	next   int
	rung   func(object) bool // what it takes; nil: anything
	asked  []object
	answer func(http.ResponseWriter)
}

func withEvents(m *mock, properties object) *post {
	p := &post{mock: m}
	m.tree["/redfish/v1"]["EventService"] = ref(eventsPath)
	m.tree[eventsPath] = object{"@odata.id": eventsPath, "ServiceEnabled": true, "Subscriptions": ref(subsPath), "ServerSentEventUri": ssePath}
	for k, v := range properties {
		m.tree[eventsPath][k] = v
	}
	m.tree[subsPath] = object{"Members": []any{}}
	m.fault = p.handle
	return p
}

func (p *post) handle(w http.ResponseWriter, r *http.Request) bool {
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case !p.knows(r):
		return false
	case r.Method == http.MethodPost && path == subsPath:
		in := object{}
		_ = json.NewDecoder(r.Body).Decode(&in)
		p.asked = append(p.asked, in)
		if p.rung != nil && !p.rung(in) {
			p.refuse(w, 400, "Base.1.8.PropertyMissing")
			return true
		}
		p.next++
		uri := fmt.Sprintf("%s/%d", subsPath, p.next)
		in["@odata.id"] = uri
		p.tree[uri] = in
		p.list()
		if p.answer != nil {
			p.answer(w)
			return true
		}
		w.Header().Set("Location", uri)
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodDelete && strings.HasPrefix(path, subsPath+"/"):
		if p.tree[path] == nil {
			p.refuse(w, 404, "Base.1.8.ResourceMissingAtURI")
			return true
		}
		delete(p.tree, path)
		p.list()
		w.WriteHeader(http.StatusNoContent)
	default:
		return false
	}
	return true
}

func (p *post) list() {
	members := []any{}
	for i := range p.next {
		if uri := fmt.Sprintf("%s/%d", subsPath, i+1); p.tree[uri] != nil {
			members = append(members, ref(uri))
		}
	}
	p.tree[subsPath] = object{"Members": members}
}

const to = "https://192.0.2.80/events/s3cret"

func TestASubscriptionIsMadeInTheFormThatTheBMCTakes(t *testing.T) {
	for name, row := range map[string]struct {
		vendor string
		rung   func(object) bool
		tries  int
	}{
		"today":         {"openbmc", func(o object) bool { return o["SubscriptionType"] == "RedfishEvent" && o["EventFormatType"] == "Event" }, 1},
		"Dell":          {"dell", func(o object) bool { return text(o["EventTypes"]) == "[Alert]" }, 1},
		"before 2018":   {"openbmc", func(o object) bool { return o["EventTypes"] != nil && o["SubscriptionType"] == nil }, 2},
		"nothing extra": {"openbmc", func(o object) bool { return len(o) == 3 }, 3},
	} {
		m := newMock(t, row.vendor)
		p := withEvents(m, nil)
		p.rung = row.rung
		c := open(t, m, &Dialer{Timing: quick()})
		id, err := c.Subscribe(t.Context(), to, "mark")
		if err != nil || id != "1" || len(p.asked) != row.tries {
			t.Errorf("%s: %q after %d tries: %v", name, id, len(p.asked), err)
			continue
		}
		last := p.asked[len(p.asked)-1]
		if last["Destination"] != to || last["Context"] != "mark" || last["Protocol"] != "Redfish" {
			t.Errorf("%s: sent %v", name, last)
		}
	}
}

func TestASubscriptionWithoutAnAnswerIsLookedForAndNotRepeated(t *testing.T) {
	m := newMock(t, "openbmc")
	p := withEvents(m, nil)
	p.answer = func(w http.ResponseWriter) { m.refuse(w, 500, "Base.1.8.InternalError") }
	c := open(t, m, &Dialer{Timing: quick()})
	if id, err := c.Subscribe(t.Context(), to, "mark"); err != nil || id != "1" || len(p.asked) != 1 {
		t.Errorf("%q after %d tries: %v", id, len(p.asked), err)
	}
}

func TestARefusedSubscriptionTellsWhyAndNotWhereto(t *testing.T) {
	for body, words := range map[string]string{
		`{"error":{"code":"Base.1.8.CreateLimitReachedForResource","message":"full"}}`:              "no room",
		`{"error":{"code":"x","message":"cannot resolve https://192.0.2.80/events/s3cret for it"}}`: "https://192.0.2.80/(hidden)",
	} {
		m := newMock(t, "openbmc")
		withEvents(m, nil)
		c := open(t, m, &Dialer{Timing: quick()})
		m.with(func() { m.fault = says("POST", subsPath, 409, body) })
		_, err := c.Subscribe(t.Context(), to, "mark")
		want(t, err, fault.Conflict, words)
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v", err)
		}
	}
}

func TestABMCWithoutEventsSaysSo(t *testing.T) {
	for name, set := range map[string]func(*mock){
		"no service":      func(*mock) {},
		"switched off":    func(m *mock) { withEvents(m, object{"ServiceEnabled": false}) },
		"no subscription": func(m *mock) { withEvents(m, object{"Subscriptions": nil, "ServerSentEventUri": nil}) },
	} {
		m := newMock(t, "openbmc")
		set(m)
		c := open(t, m, &Dialer{Timing: quick()})
		_, subscribe := c.Subscribe(t.Context(), to, "m")
		_, list := c.Subscriptions(t.Context())
		for _, err := range []error{subscribe, list, c.Unsubscribe(t.Context(), "1"), c.Stream(t.Context(), func(bmc.Entry) {})} {
			if !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
