package api_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/journal"
)

func serve(t *testing.T, s *apitest.Store) string {
	return apitest.Serve(t, api.Options{Store: s, Heartbeat: 20 * time.Millisecond}) + wire.Prefix
}

// listen opens a stream and returns a function that reads the next line which begins
// with a prefix.
func listen(t *testing.T, url string, headers ...string) func(prefix string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apitest.ViewerSecret)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %s", answer.Status, answer.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(answer.Body)
	return func(prefix string) string {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), prefix) {
				return lines.Text()
			}
		}
		t.Fatalf("the stream ended before %q: %v", prefix, lines.Err())
		return ""
	}
}

func TestAStreamBeginsNowAndTellsOfWhatComes(t *testing.T) {
	s := apitest.Rack(t)
	silent := apitest.Serve(t, api.Options{Store: s, Heartbeat: time.Hour}) // a heartbeat tells the cursor once more
	next := listen(t, silent+wire.Prefix+"/events/stream")
	if id := next("id: "); id != "id: 4" {
		t.Fatalf("the cursor is %s", id)
	}
	s.Record(journal.Event{Name: "m1", Summary: "hello"})
	if id, data := next("id: "), next("data: "); id != "id: 5" || !strings.Contains(data, `"summary":"hello"`) {
		t.Errorf("%s %s", id, data)
	}
}

func TestAStreamGoesOnBehindTheLastEventSeen(t *testing.T) {
	s := apitest.Rack(t)
	url := serve(t, s)
	next := listen(t, url+"/events/stream", "Last-Event-ID: 2")
	if a, b, c := next("id: "), next("id: "), next("id: "); a != "id: 2" || b != "id: 3" || c != "id: 4" {
		t.Errorf("%s, %s, %s", a, b, c)
	}
	next = listen(t, url+"/events/stream?after=3", "Last-Event-ID: 1")
	if next("id: "); next("id: ") != "id: 2" {
		t.Error("Last-Event-ID is not stronger than after")
	}
}

func TestAStreamOfOneMachineIsSilentAboutOthersAndBeats(t *testing.T) {
	s := apitest.Rack(t)
	next := listen(t, serve(t, s)+"/events/stream?machine=m2&after=0")
	if data := next("data: "); !strings.Contains(data, `"machine_name":"m2"`) {
		t.Error(data)
	}
	s.Record(journal.Event{Name: "m1", Summary: "not this"})
	next(": still here")
	s.Record(journal.Event{Name: "m2", Summary: "but this"})
	if data := next("data: "); !strings.Contains(data, "but this") {
		t.Error(data)
	}
}

func TestAReaderThatDoesNotReadHoldsUpNobody(t *testing.T) {
	s := apitest.Rack(t)
	url := serve(t, s)
	listen(t, url+"/events/stream?after=0") // never read
	next := listen(t, url+"/events/stream?after=0")
	for range 400 {
		s.Record(journal.Event{Summary: strings.Repeat("x", 4096)})
	}
	s.Record(journal.Event{Summary: "the last"})
	for !strings.Contains(next("data: "), "the last") {
	}
}

func TestAStreamThatIsLeftIsForgotten(t *testing.T) {
	s := apitest.Rack(t)
	url := serve(t, s)
	ctx, leave := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", url+"/events/stream", nil)
	r.Header.Set("Authorization", "Bearer "+apitest.ViewerSecret)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	until(t, func() bool { return s.Listeners() == 1 })
	leave()
	until(t, func() bool { return s.Listeners() == 0 })
}

// until waits for a condition that comes by itself.
func until(t *testing.T, done func() bool) {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it never came")
		}
	}
}

func TestALongPollAnswersWhenTheOperationMoves(t *testing.T) {
	s := apitest.Rack(t)
	url := serve(t, s)
	o, err := s.CreateOperation(t.Context(), deploy.Inspect, "m1", deploy.Order{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan deploy.Operation)
	go func() {
		_, text := ask(t, "GET", url+"/operations/"+o.ID+"?wait=60s&version=1", "")
		got <- decode[deploy.Operation](t, text)
	}()
	until(t, func() bool { return s.Listeners() == 1 })
	s.Move(o.ID, "running", func(o *deploy.Operation) { o.State = deploy.Running })
	if moved := <-got; moved.State != deploy.Running || moved.Version != 2 {
		t.Errorf("%s version %d", moved.State, moved.Version)
	}
}

func TestALongPollAnswersAtOnceWhenThereIsNothingToWaitFor(t *testing.T) {
	s := apitest.Rack(t)
	url := serve(t, s)
	o, err := s.CreateOperation(t.Context(), deploy.Inspect, "m1", deploy.Order{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"", "?wait=60s&version=7", "?wait=1ms&version=1", "?wait=1ms"} {
		if answer, text := ask(t, "GET", url+"/operations/"+o.ID+query, ""); answer.StatusCode != 200 || decode[deploy.Operation](t, text).Version != 1 {
			t.Errorf("%s: %s %s", query, answer.Status, text)
		}
	}
	ask(t, "POST", url+"/operations/"+o.ID+"/cancel", "")
	if _, text := ask(t, "GET", url+"/operations/"+o.ID+"?wait=60s&version=2", ""); decode[deploy.Operation](t, text).State != deploy.Cancelled {
		t.Error(text)
	}
	if answer, _ := ask(t, "POST", url+"/operations/"+o.ID+"/retry", ""); answer.StatusCode != 409 {
		t.Errorf("retry of what has ended: %s", answer.Status)
	}
}

func TestEventsArePolledByCursor(t *testing.T) {
	s := apitest.Rack(t)
	url := serve(t, s)
	_, text := ask(t, "GET", url+"/events?after=1&limit=2", "")
	events := decode[wire.List[journal.Event]](t, text).Items
	if len(events) != 2 || events[0].ID != 2 || events[1].ID != 3 {
		t.Error(text)
	}
	_, text = ask(t, "GET", url+"/events?newest=true&limit=1", "")
	if events = decode[wire.List[journal.Event]](t, text).Items; len(events) != 1 || events[0].ID != 4 {
		t.Error(text)
	}
}
