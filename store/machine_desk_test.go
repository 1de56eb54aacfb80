package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// slowHall is a hall without a database: a statement begins when the test lets it, and finds
// every machine but those that are missing.
type slowHall struct {
	begun   chan []string // keys of a statement that begins
	goOn    chan error    // ends the one that began
	missing string
}

func newSlowHall() *slowHall {
	return &slowHall{begun: make(chan []string), goOn: make(chan error), missing: "none"}
}

func (h *slowHall) desk(hands int) *machineDesk {
	return &machineDesk{hands: hands, read: h.read, key: func(m *inventory.Machine) string { return m.Name }}
}

func (h *slowHall) read(ctx context.Context, keys []string) (found []inventory.Machine, err error) {
	h.begun <- keys
	select {
	case err = <-h.goOn:
	case <-ctx.Done():
		err = ctx.Err()
	}
	for _, k := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		if k != h.missing {
			found = append(found, inventory.Machine{Name: k})
		}
	}
	return found, err
}

// asked is what somebody got.
type asked struct {
	machine *inventory.Machine
	err     error
}

// sends has somebody ask, and returns when they read or wait.
func sends(t *testing.T, ctx context.Context, d *machineDesk, name string) <-chan asked {
	t.Helper()
	got := make(chan asked, 1)
	before := d.state()
	go func() {
		m, err := d.ask(ctx, name)
		got <- asked{m, err}
	}()
	for until := time.Now().Add(10 * time.Second); d.state() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("nobody asks for %s", name)
		}
	}
	return got
}

func (d *machineDesk) state() [2]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return [2]int{d.busy, len(d.waiting)}
}

func gets(t *testing.T, got <-chan asked, name string) {
	t.Helper()
	if a := <-got; a.err != nil || a.machine.Name != name {
		t.Errorf("who asked for %s got %v, %v", name, a.machine, a.err)
	}
}

func begins(t *testing.T, h *slowHall, keys ...string) {
	t.Helper()
	if got := <-h.begun; !slices.Equal(got, keys) {
		t.Errorf("a statement reads %v, not %v", got, keys)
	}
}

func TestWhoAsksMeanwhileIsReadForTogether(t *testing.T) {
	h := newSlowHall()
	d := h.desk(1)
	a := sends(t, t.Context(), d, "a")
	begins(t, h, "a")
	b, c, gone := sends(t, t.Context(), d, "b"), sends(t, t.Context(), d, "c"), sends(t, t.Context(), d, "gone")
	h.missing = "gone"
	h.goOn <- nil
	gets(t, a, "a")
	begins(t, h, "b", "c", "gone", "b") // in a round number
	h.goOn <- nil
	gets(t, b, "b")
	gets(t, c, "c")
	if a := <-gone; !fault.Is(a.err, fault.NotFound) {
		t.Errorf("a machine that is missing: %v, %v", a.machine, a.err)
	}
}

func TestNobodyGetsWhatWasReadBeforeTheyAsked(t *testing.T) {
	h := newSlowHall()
	d := h.desk(1)
	first := sends(t, t.Context(), d, "a")
	begins(t, h, "a")
	second, third := sends(t, t.Context(), d, "a"), sends(t, t.Context(), d, "a")
	h.goOn <- nil
	gets(t, first, "a")
	begins(t, h, "a") // again, and for each who may change what they got
	h.goOn <- nil
	gets(t, second, "a")
	begins(t, h, "a")
	h.goOn <- nil
	gets(t, third, "a")
}

func TestWhoLeavesTakesNothingFromOthers(t *testing.T) {
	h := newSlowHall()
	d := h.desk(1)
	leaving, leave := context.WithCancel(t.Context())
	a := sends(t, leaving, d, "a")
	begins(t, h, "a")
	b, c := sends(t, leaving, d, "b"), sends(t, t.Context(), d, "c")
	leave()
	for _, got := range []<-chan asked{a, b} {
		if a := <-got; !errors.Is(a.err, context.Canceled) {
			t.Errorf("who left got %v, %v", a.machine, a.err)
		}
	}
	begins(t, h, "b", "c")
	h.goOn <- nil
	gets(t, c, "c")
}

func TestAFailedStatementFailsThoseWhoWaitedForIt(t *testing.T) {
	h := newSlowHall()
	d := h.desk(1)
	a := sends(t, t.Context(), d, "a")
	begins(t, h, "a")
	b := sends(t, t.Context(), d, "b")
	bad := errors.New("bad")
	h.goOn <- nil
	gets(t, a, "a")
	begins(t, h, "b")
	c := sends(t, t.Context(), d, "c")
	h.goOn <- bad
	if a := <-b; a.err != bad {
		t.Errorf("got %v, %v", a.machine, a.err)
	}
	begins(t, h, "c")
	h.goOn <- nil
	gets(t, c, "c")
}

func TestTheDeskServesACrowdAndRestsThen(t *testing.T) {
	var mu sync.Mutex
	statements, atOnce, most := 0, 0, 0
	d := &machineDesk{hands: 2, key: func(m *inventory.Machine) string { return m.Name }}
	d.read = func(_ context.Context, keys []string) (found []inventory.Machine, err error) {
		mu.Lock()
		statements, atOnce = statements+1, atOnce+1
		most = max(most, atOnce)
		mu.Unlock()
		time.Sleep(time.Millisecond)
		for _, k := range keys {
			found = append(found, inventory.Machine{Name: k})
		}
		mu.Lock()
		defer mu.Unlock()
		atOnce--
		return found, nil
	}
	var crowd sync.WaitGroup
	for i := range 64 {
		crowd.Go(func() {
			for k := range 10 {
				name := fmt.Sprintf("m%d", (i+7*k)%40)
				if m, err := d.ask(t.Context(), name); err != nil || m.Name != name {
					t.Errorf("who asked for %s got %v, %v", name, m, err)
				}
			}
		})
	}
	crowd.Wait()
	for until := time.Now().Add(10 * time.Second); d.state() != [2]int{} && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	if d.state() != [2]int{} || most > 2 || statements > 300 {
		t.Errorf("%v are left, %d statements, %d at once", d.state(), statements, most)
	}
}

func TestWithinTogetherAMachineIsReadAlone(t *testing.T) {
	db, err := Open(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	asked := 0
	db.byName = &machineDesk{hands: 1, key: func(m *inventory.Machine) string { return m.Name },
		read: func(context.Context, []string) ([]inventory.Machine, error) { asked++; return nil, nil }}
	db.byID = db.byName
	if _, err := db.Machine(t.Context(), "nobody"); !fault.Is(err, fault.NotFound) || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	if err := db.Together(t.Context(), true, func(ctx context.Context) error {
		_, err := db.Machine(ctx, "nobody")
		return err
	}); !fault.Is(err, fault.NotFound) || asked != 1 {
		t.Errorf("within Together: asked %d times: %v", asked, err)
	}
}
