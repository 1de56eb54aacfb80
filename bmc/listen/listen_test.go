package listen_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/listen"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/store/storetest"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// teller is a BMC that has a log and, when it pushes, a table of subscriptions.
type teller struct {
	bmc.Unable
	mu     sync.Mutex
	log    []bmc.Entry // newest first
	pushes bool
	to     []string
}

func (b *teller) Hand(context.Context, string) (bmc.Controller, error) { return b, nil }
func (b *teller) HandAs(context.Context, string, bmc.Access) (bmc.Controller, error) {
	return nil, fault.Internalf("nobody else")
}

func (b *teller) Log(_ context.Context, limit int) ([]bmc.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]bmc.Entry(nil), b.log[:min(limit, len(b.log))]...), nil
}

func (b *teller) Subscribe(ctx context.Context, to, mark string) (string, error) {
	if !b.pushes {
		return b.Unable.Subscribe(ctx, to, mark)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, known := range b.to {
		if known == to {
			return string(rune('1' + i)), nil
		}
	}
	b.to = append(b.to, to)
	return string(rune('0' + len(b.to))), nil
}

func (b *teller) says(message string, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append([]bmc.Entry{{ID: message, Log: "SEL", At: at, Severity: bmc.Critical, Message: message}}, b.log...)
}

type world struct {
	*teller
	t    *testing.T
	db   *store.DB
	task *listen.Task
	now  time.Time
}

func newWorld(t *testing.T, pushes bool) *world {
	t.Helper()
	w := &world{teller: &teller{Unable: bmc.Unable{Protocol: "this"}, pushes: pushes}, t: t, now: noon}
	db, err := store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "db"), Sealer: storetest.NewSealer("k"), Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.db = db
	p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n1", U: 1,
		NICs: []plan.NIC{{MAC: "52:54:00:00:00:01"}}, BMC: &plan.BMC{Address: "https://10.0.1.1", Username: "admin", Password: "right"}}}}}}
	if _, err := db.ApplyPlan(t.Context(), p, "", "tester"); err != nil {
		t.Fatal(err)
	}
	w.task = &listen.Task{Store: db, Hands: w.teller, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now }, Key: []byte("secret"),
		Base: func(*inventory.Machine) string { return "https://10.0.0.1:8443" }}
	return w
}

// round lets a quarter of an hour pass and reads the logs that are due.
func (w *world) round() {
	w.t.Helper()
	w.now = w.now.Add(16 * time.Minute)
	if err := w.task.Round(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) told() string {
	w.t.Helper()
	events, err := w.db.Events(w.t.Context(), store.EventFilter{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		if e.Kind == journal.BMCEvent {
			out = append(out, e.Name+" "+e.Summary)
		}
	}
	return strings.Join(out, ", ")
}

// push sends an event to a destination and returns the status.
func (w *world) push(to, body string) int {
	answer := httptest.NewRecorder()
	w.task.Destinations().ServeHTTP(answer, httptest.NewRequest("POST", strings.TrimPrefix(to, "https://10.0.0.1:8443"), strings.NewReader(body)))
	return answer.Code
}

func TestALogIsReadFromTheFirstLookOn(t *testing.T) {
	w := newWorld(t, false)
	w.says("history", noon)
	w.round()
	w.says("fan 2 failed", noon.Add(time.Hour))
	w.round()
	w.round()
	if got := w.told(); got != "n1 critical: fan 2 failed" {
		t.Errorf("told %q", got)
	}
}

func TestAnEventThatIsPushedAndLoggedIsToldOnce(t *testing.T) {
	w := newWorld(t, true)
	w.round()
	if len(w.to) != 1 {
		t.Fatalf("destinations %v", w.to)
	}
	body := `{"@odata.type":"#Event.v1_7_0.Event","Id":"1","Name":"e","Events":[{"EventId":"9","EventTimestamp":"2026-03-04T13:00:00Z","Message":"fan 2 failed","MessageId":"X.1.0.F","Severity":"Critical"}]}`
	for range 2 {
		if code := w.push(w.to[0], body); code != http.StatusNoContent {
			t.Errorf("status %d", code)
		}
	}
	w.mu.Lock()
	w.log = []bmc.Entry{{ID: "77", Log: "SEL", At: noon.Add(time.Hour), Severity: bmc.Critical, Message: "fan 2 failed", Code: "X.1.0.F"}}
	w.mu.Unlock()
	w.round()
	if got := w.told(); got != "n1 critical: fan 2 failed" {
		t.Errorf("told %q", got)
	}
}

func TestASubscriptionThatTheBMCForgotIsMadeAgain(t *testing.T) {
	w := newWorld(t, true)
	w.round()
	w.mu.Lock()
	w.to = nil // a restart
	w.mu.Unlock()
	w.round()
	if len(w.to) != 1 {
		t.Errorf("destinations %v", w.to)
	}
}

func TestWhoDoesNotKnowTheSecretTellsNothing(t *testing.T) {
	w := newWorld(t, true)
	w.round()
	good := w.to[0]
	for what, c := range map[string]struct {
		to, body string
		want     int
	}{
		"another secret":    {good[:len(good)-4] + "AAAA", `{"Events":[]}`, 404},
		"another machine":   {strings.Replace(good, "/events/", "/events/x", 1), `{"Events":[]}`, 404},
		"what is no event":  {good, `{"a":1}`, 400},
		"what is no JSON":   {good, `<html>`, 400},
		"more than allowed": {good, `{"Events":[{"Message":"` + strings.Repeat("x", 300<<10) + `"}]}`, 413},
	} {
		if code := w.push(c.to, c.body); code != c.want {
			t.Errorf("%s: status %d, want %d", what, code, c.want)
		}
	}
	if got := w.told(); got != "" {
		t.Errorf("told %q", got)
	}
}
