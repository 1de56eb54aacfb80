package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// pen calls saw with all that was written, each time something is.
type pen struct {
	mu   sync.Mutex
	text bytes.Buffer
	saw  func(string)
}

// String is all that was written.
func (p *pen) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *pen) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.text.Write(b)
	all := p.text.String()
	p.mu.Unlock()
	if p.saw != nil {
		p.saw(all)
	}
	return len(b), nil
}

// at returns a world with a server over s.
func at(t *testing.T, s *apitest.Store) *world {
	env := map[string]string{"RACKWRIGHT_SERVER": apitest.Serve(t, api.Options{Store: s}), "RACKWRIGHT_TOKEN": apitest.AdminSecret}
	return &world{in: strings.NewReader(""), out: &pen{}, err: &pen{}, getenv: func(k string) string { return env[k] },
		now: func() time.Time { return time.Date(2026, 1, 2, 3, 5, 5, 0, time.UTC) }}
}

func TestFollowingEventsGoesOnUntilInterrupted(t *testing.T) {
	s := apitest.Rack(t)
	ctx, interrupt := context.WithTimeout(t.Context(), 20*time.Second)
	defer interrupt()
	var once sync.Once
	w := at(t, s)
	w.out = &pen{saw: func(all string) {
		if strings.Contains(all, "m2") {
			once.Do(func() { go s.Record(journal.Event{Name: "m2", Kind: journal.MachineSeen, Summary: "something new"}) })
		}
		if strings.Contains(all, "something new") {
			interrupt()
		}
	}}
	if code := run(ctx, w, []string{"events", "--follow", "--machine", "m2"}); code != 0 || ctx.Err() != context.Canceled {
		t.Errorf("status %d, %v", code, ctx.Err())
	}
}

func TestOnATerminalEachMachineHasABarThatIsRedrawn(t *testing.T) {
	s := apitest.Rack(t)
	w := at(t, s)
	w.width = 80
	var half, end sync.Once
	screen := &pen{saw: func(all string) {
		ops := func(f func(*deploy.Operation)) { s.Move("op-0005", "moved", f) }
		half.Do(func() {
			go ops(func(o *deploy.Operation) {
				o.State, o.Current = deploy.Running, len(o.Steps)-5
				o.Steps[o.Current].Done, o.Steps[o.Current].Total = 43, 100
			})
		})
		if strings.Contains(all, "image written 43 %") {
			end.Do(func() {
				go ops(func(o *deploy.Operation) {
					o.State, o.Current, o.Finished = deploy.Succeeded, len(o.Steps), o.Created.Add(time.Minute)
				})
			})
		}
	}}
	w.err = screen
	if code := run(t.Context(), w, []string{"deploy", "m1", "--image", "debian", "--watch"}); code != 0 {
		t.Fatalf("status %d: %s", code, screen.text.String())
	}
	text := screen.text.String()
	if !strings.Contains(text, "\x1b[1A\r\x1b[2Km1 ") || !strings.Contains(text, "100 %    1m0s  done") {
		t.Errorf("%q", text)
	}
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if n := len([]rune(strings.TrimPrefix(line, "\x1b[2K"))); n >= 80 {
			t.Errorf("a line of %d cells", n)
		}
	}
}

func TestOnATerminalApplyAsks(t *testing.T) {
	plan := writeFile(t, "rack.yaml", "site: lab\nracks: [{name: r7}]\n")
	for answer, want := range map[string]int{"y\n": 0, "yes\n": 0, "n\n": 4, "": 4} {
		s := apitest.Rack(t)
		w := at(t, s)
		w.in, w.asks = strings.NewReader(answer), true
		code := run(t.Context(), w, []string{"apply", "-f", plan})
		racks, _ := s.Racks(t.Context())
		if code != want || (len(racks) == 2) != (want == 0) {
			t.Errorf("%q: status %d, %d racks", answer, code, len(racks))
		}
	}
}

func TestTheKindOfAFaultIsTheExitStatus(t *testing.T) {
	for kind, want := range map[fault.Kind]int{fault.Internal: 1, fault.Invalid: 2, fault.NotFound: 3, fault.Conflict: 4, fault.Denied: 5, fault.Unreachable: 6} {
		var out bytes.Buffer
		if got := report(&out, fault.New(kind, "no\x1b[31m\nway").WithHint("turn\nback")); got != want || out.String() != "rackwright: no [31m way\nhint: turn back\n" {
			t.Errorf("%v: status %d, %q", kind, got, out.String())
		}
	}
}

func TestTheAdminTokenOfThisHostGoesToThisHostOnly(t *testing.T) {
	for server, want := range map[string]bool{"http://127.0.0.1:8480": true, "http://localhost:1": true, "http://[::1]:8480": true, "unix:///run/api.sock": true,
		"http://192.0.2.1:8480": false, "https://rackwright.example": false, "http://127.0.0.1.example": false, "": false} {
		if local(server) != want {
			t.Errorf("%q: %v", server, !want)
		}
	}
}

func TestAStageIsSaidInTheWordsOfItsStep(t *testing.T) {
	m := inventory.Machine{Name: "m1", NICs: []inventory.NIC{{MAC: inventory.MAC{2}}}}
	steps, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: m, Order: deploy.Order{Digest: "sha256:x"}})
	if err != nil {
		t.Fatal(err)
	}
	var stages []string
	last := -1.0
	for i := range steps {
		o := deploy.Operation{State: deploy.Running, Steps: steps, Current: i}
		stages = append(stages, stage(o))
		if share(o) <= last {
			t.Errorf("%s is no further than before", stage(o))
		}
		last = share(o)
	}
	if got := strings.Join(stages, ", "); got != "checks, DHCP, loader, ramdisk, image written, rebooting, phone home, active" {
		t.Error(got)
	}
}
