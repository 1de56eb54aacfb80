package redfish

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

const selPath = "/redfish/v1/Managers/logs/LogServices/Sel"

// shelf is the logs of a mock.
type shelf struct {
	*mock
	entries []object // oldest first
	rising  bool     // they are listed so
	page    int      // entries a page; 0: all
	bare    bool     // pages have links only
	clears  int
	deaf    bool
}

// withLog gives a mock's system one log.
func withLog(m *mock, n int) *shelf {
	s := &shelf{mock: m, rising: true}
	for i := range n {
		s.entries = append(s.entries, object{"@odata.id": selPath + "/Entries/" + strconv.Itoa(i), "Id": strconv.Itoa(i), "Name": "Entry",
			"Created": time.Unix(1_700_000_000+int64(i), 0).UTC().Format(time.RFC3339), "Severity": "Warning", "MessageId": "Base.1.8.Event", "Message": fmt.Sprintf("event %d", i)})
	}
	m.tree[m.System]["LogServices"] = ref("/logs")
	m.tree["/logs"] = object{"Members": []any{ref(selPath), ref("/logs/PostCodes")}}
	m.tree[selPath] = object{"@odata.id": selPath, "Id": "Sel", "Entries": ref(selPath + "/Entries"),
		"Actions": object{"#LogService.ClearLog": object{"target": selPath + "/Actions/LogService.ClearLog"}}}
	m.fault = s.handle
	return s
}

func (s *shelf) handle(w http.ResponseWriter, r *http.Request) bool {
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case !s.knows(r):
		return false
	case r.Method == http.MethodPost && path == selPath+"/Actions/LogService.ClearLog":
		if s.clears++; !s.deaf {
			s.entries = []object{{"Id": "0", "Message": "the log was cleared", "Created": "2030-01-01T00:00:00Z"}}
		}
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet && path == selPath+"/Entries":
		s.tree[path] = s.list(r)
		return false
	case r.Method == http.MethodGet && strings.HasPrefix(path, selPath+"/Entries/"):
		if at := slices.IndexFunc(s.entries, func(e object) bool { return e["@odata.id"] == path }); at >= 0 {
			s.tree[path] = s.entries[at]
		}
		return false
	default:
		return false
	}
	return true
}

func (s *shelf) list(r *http.Request) object {
	all := slices.Clone(s.entries)
	if !s.rising {
		slices.Reverse(all)
	}
	out := object{"Members@odata.count": len(all)}
	skip, _ := strconv.Atoi(r.URL.Query().Get("$skip"))
	all = all[min(skip, len(all)):]
	if s.page > 0 && len(all) > s.page {
		all = all[:s.page]
		out["Members@odata.nextLink"] = fmt.Sprintf("%s/Entries?$skip=%d", selPath, skip+s.page)
	}
	if s.bare {
		for i := range all {
			all[i] = ref(all[i]["@odata.id"].(string))
		}
	}
	out["Members"] = all
	return out
}

func logOf(t *testing.T, c *Controller, limit int) []bmc.Entry {
	t.Helper()
	all, err := c.Log(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheNewestEntriesOfAThousandComeFirstHoweverTheBMCPages(t *testing.T) {
	for name, set := range map[string]func(*shelf){
		"oldest first, one page":      func(*shelf) {},
		"newest first, one page":      func(s *shelf) { s.rising = false },
		"oldest first, pages":         func(s *shelf) { s.page = 50 },
		"oldest first, pages, $skip":  func(s *shelf) { s.page = 50; s.expands() },
		"newest first, pages":         func(s *shelf) { s.page, s.rising = 50, false },
		"links only, oldest first":    func(s *shelf) { s.bare = true },
		"links only, newest first":    func(s *shelf) { s.bare, s.rising = true, false },
		"without times":               func(s *shelf) { s.without("Created") },
		"without times, newest first": func(s *shelf) { s.without("Created"); s.rising = false },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMock(t, "dell")
			s := withLog(m, 1000)
			set(s)
			c := open(t, m, &Dialer{Timing: quick()})
			before := m.count("GET")
			all := logOf(t, c, 120)
			if len(all) != 120 || all[0].Message != "event 999" || all[119].Message != "event 880" || all[0].Log != "Sel" || all[0].Severity != bmc.Warning {
				t.Errorf("%d entries from %+v to %+v", len(all), all[0], all[len(all)-1])
			}
			if asked := m.count("GET") - before; asked > 130 {
				t.Errorf("%d requests", asked)
			}
		})
	}
}

func (s *shelf) without(key string) {
	for _, e := range s.entries {
		delete(e, key)
	}
}

func TestALimitIsKeptAndBounded(t *testing.T) {
	m := newMock(t, "dell")
	withLog(m, 1500)
	c := open(t, m, &Dialer{Timing: quick()})
	for limit, want := range map[int]int{-1: 0, 0: 0, 1: 1, 5000: maxEntries} {
		if all := logOf(t, c, limit); len(all) != want {
			t.Errorf("limit %d: %d entries", limit, len(all))
		}
	}
}

func TestEntriesOfOneIdAreToldApart(t *testing.T) {
	m := newMock(t, "dell")
	s := withLog(m, 4)
	for _, e := range s.entries {
		e["Id"] = "same"
	}
	seen := map[string]bool{}
	for _, e := range logOf(t, open(t, m, &Dialer{Timing: quick()}), 10) {
		if e.ID == "" || seen[e.ID] {
			t.Errorf("id %q twice", e.ID)
		}
		seen[e.ID] = true
	}
}

func TestLogsOfSystemAndManagerAreOneListByTime(t *testing.T) {
	m := newMock(t, "dell")
	s := withLog(m, 3)
	manager := c0Manager(m)
	m.tree[manager]["LogServices"] = ref("/mlogs")
	m.tree["/mlogs"] = object{"Members": []any{ref("/mlogs/Sel"), ref("/mlogs/off"), ref("/mlogs/gone")}}
	m.tree["/mlogs/off"] = object{"Id": "off", "ServiceEnabled": false, "Entries": ref("/mlogs/off/Entries")}
	m.tree["/mlogs/Sel"] = object{"Id": "Sel", "Entries": ref("/mlogs/Sel/Entries")}
	same := s.entries[0]
	m.tree["/mlogs/Sel/Entries"] = object{"Members": []object{same, {"Id": "9", "Created": "2023-11-14T22:13:21.5Z", "EntryCode": "Assert", "SensorType": "Fan"}}}
	var got []string
	for _, e := range logOf(t, open(t, m, &Dialer{Timing: quick()}), 10) {
		got = append(got, e.Log+" "+e.Message)
	}
	if want := []string{"Sel event 2", "Manager.Sel Fan Assert", "Sel event 1", "Sel event 0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func c0Manager(m *mock) string {
	return m.tree[m.System]["Links"].(object)["ManagedBy"].([]any)[0].(object)["@odata.id"].(string)
}

func TestABMCWithoutALogSaysSo(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	_, err := c.Log(t.Context(), 10)
	want(t, err, fault.Invalid)
	want(t, c.ClearLog(t.Context()), fault.Invalid)
}

func TestALogThatCannotBeReadIsAnErrorOnlyWhenItIsTheOnlyOne(t *testing.T) {
	m := newMock(t, "dell")
	s := withLog(m, 3)
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			return says("GET", "/bad", 404, "{}")(w, r) || s.handle(w, r)
		}
		m.tree["/logs"]["Members"] = []any{ref(selPath), ref("/logs/bad")}
		m.tree["/logs/bad"] = object{"Id": "bad", "Entries": ref("/bad")}
	})
	if all := logOf(t, c, 10); len(all) != 3 {
		t.Errorf("%d entries", len(all))
	}
	m.with(func() { m.tree["/logs"]["Members"] = []any{ref("/logs/bad")} })
	_, err := c.Log(t.Context(), 10)
	want(t, err, fault.Conflict, "404")
}

func TestClearingALogIsReadBack(t *testing.T) {
	m := newMock(t, "dell")
	s := withLog(m, 20)
	c := open(t, m, &Dialer{Timing: quick()})
	if err := c.ClearLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := logOf(t, c, 10); len(all) != 1 || s.clears != 1 {
		t.Errorf("%d entries after %d clears", len(all), s.clears)
	}
	timing := quick()
	timing.Boot = short
	s.deaf = true
	err := open(t, m, &Dialer{Timing: timing}).ClearLog(t.Context())
	want(t, err, fault.Conflict, "kept its log")
	if s.clears != 2 {
		t.Errorf("cleared %d times", s.clears)
	}
}

func TestALogWhosePagesNeverEndEnds(t *testing.T) {
	m := newMock(t, "dell")
	s := withLog(m, 3)
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = nil
		m.tree[selPath+"/Entries"] = object{"Members": []object{s.entries[0], s.entries[1]}, "Members@odata.nextLink": selPath + "/Entries"}
	})
	if all := logOf(t, c, 100); len(all) == 0 || len(all) > 100 {
		t.Errorf("%d entries", len(all))
	}
}

func TestALogDoesNotRepeatSecrets(t *testing.T) {
	m := newMock(t, "dell")
	s := withLog(m, 1)
	s.entries[0]["Message"] = "user root logged in with " + mockPassword + "; subscribed https://10.0.0.1/events/secret?x=1"
	if all := logOf(t, open(t, m, &Dialer{Timing: quick()}), 1); all[0].Message != "user root logged in with (hidden); subscribed https://10.0.0.1/(hidden)" {
		t.Errorf("%q", all[0].Message)
	}
}
