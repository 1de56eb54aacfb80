package current_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/boot/current"
	"rackwright/fault"
	"rackwright/inventory"
)

// source is a store that is there or away. It tells what changed since a revision unless
// it has forgotten.
type source struct {
	mu       sync.Mutex
	revision int64
	away     bool
	forgets  bool
	whole    int // views that were read whole
	id       string
	changed  chan struct{}
}

func (s *source) Revision(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return 0, errors.New("away")
	}
	return s.revision, nil
}

func (s *source) View(ctx context.Context) (*boot.View, error) {
	n, err := s.Revision(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole++
	return boot.NewView(n, nil, []*boot.Host{host(n)}), err
}

func (s *source) ViewSince(ctx context.Context, _ int64) (*boot.Delta, error) {
	n, err := s.Revision(ctx)
	if s.forgets || err != nil {
		return nil, err
	}
	return &boot.Delta{Revision: n, Machines: map[string][]*boot.Host{"m1": {host(n)}}}, nil
}

func (s *source) Installation(ctx context.Context) (string, error) {
	_, err := s.Revision(ctx)
	return s.id, err
}

func (s *source) Changed() (<-chan struct{}, func()) { return s.changed, func() {} }

func (s *source) set(revision int64, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision, s.away = revision, away
}

// host is machine m1 at a revision.
func host(revision int64) *boot.Host {
	return &boot.Host{Machine: "m1", MAC: inventory.MAC{2, byte(revision)}, Intent: boot.RunAgent, Operation: "op"}
}

func newSource() *source { return &source{revision: 1, changed: make(chan struct{}, 1)} }

func follow(t *testing.T, s *source, o current.Options) *current.Follower {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	f, err := current.New(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// is fails unless the view is of a revision and knows the machine as it was then.
func is(t *testing.T, f *current.Follower, revision int64) {
	t.Helper()
	if v := f.View(); v.Revision != revision || v.Hosts() != 1 || v.Host(inventory.MAC{2, byte(revision)}) == nil {
		t.Errorf("the view is of revision %d with %d hosts, want %d", v.Revision, v.Hosts(), revision)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !true() {
		select {
		case <-ctx.Done():
			t.Fatal(what)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestTheViewFollowsAndOutlivesTheStore(t *testing.T) {
	s := newSource()
	f := follow(t, s, current.Options{})
	is(t, f, 1)
	s.set(2, false)
	if err := f.Refresh(t.Context()); err != nil || s.whole != 1 {
		t.Errorf("%v; %d views were read whole", err, s.whole)
	}
	is(t, f, 2)
	s.set(3, true)
	if err := f.Refresh(t.Context()); err == nil {
		t.Error("the store was away")
	}
	is(t, f, 2)
	s.set(4, false)
	s.forgets = true
	if err := f.Refresh(t.Context()); err != nil || s.whole != 2 {
		t.Errorf("%v; %d views were read whole after it forgot", err, s.whole)
	}
	is(t, f, 4)
}

func TestTheNewestViewIsAskedForAndIsTheOneAtHandWhileTheStoreIsAway(t *testing.T) {
	s := newSource()
	f := follow(t, s, current.Options{Fresh: time.Nanosecond})
	for _, c := range []struct {
		revision int64
		away     bool
		want     int64
	}{{2, false, 2}, {3, true, 2}, {3, false, 3}} {
		s.set(c.revision, c.away)
		if got := f.Newest(t.Context()).Revision; got != c.want {
			t.Errorf("at %d, away %t: %d, want %d", c.revision, c.away, got, c.want)
		}
	}
}

func TestAThousandMachinesAtOnceAskTheStoreOnce(t *testing.T) {
	s := newSource()
	f := follow(t, s, current.Options{Fresh: time.Hour})
	s.set(2, false)
	if got := f.Newest(t.Context()).Revision; got != 2 {
		t.Errorf("the first is answered of %d", got)
	}
	s.set(3, false)
	for range 1000 {
		f.Newest(t.Context())
	}
	is(t, f, 2)
	if err := f.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	is(t, f, 3)
}

func TestASignalledChangeIsTakenWithoutPolling(t *testing.T) {
	s := newSource()
	f := follow(t, s, current.Options{Poll: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go f.Run(ctx)
	s.set(7, false)
	s.changed <- struct{}{}
	until(t, "the view was not refreshed", func() bool { return f.View().Revision == 7 })
}

func TestAChangeThatNobodySignalledIsFoundByPolling(t *testing.T) {
	s := newSource()
	f := follow(t, s, current.Options{Poll: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go f.Run(ctx)
	s.set(7, false)
	until(t, "the view was not refreshed", func() bool { return f.View().Revision == 7 })
}

func TestTheViewIsSavedAndAStartWithoutTheDatabaseAnswersFromIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "boot-view")
	s := newSource()
	f := follow(t, s, current.Options{File: file, Poll: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { f.Run(ctx); close(ended) }()
	until(t, "the view was not saved", func() bool { _, err := os.Stat(file); return err == nil })
	s.set(2, false)
	s.changed <- struct{}{}
	until(t, "the view was not refreshed", func() bool { return f.View().Revision == 2 })
	cancel() // the newest is saved at the end
	<-ended
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	saved, err := current.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	s.set(2, true)
	f = follow(t, s, current.Options{Saved: saved, Away: true})
	is(t, f, 2)
	if h := f.View().Host(inventory.MAC{2, 2}); h.Intent != boot.LocalDisk || h.Operation != "" {
		t.Errorf("without the database it is told %+v", h)
	}
	s.set(2, false)
	before := s.whole
	if err := f.Refresh(t.Context()); err != nil || s.whole != before+1 || f.View().Host(inventory.MAC{2, 2}).Intent != boot.RunAgent {
		t.Errorf("when the database is back, even at the same revision, it is believed: %v", err)
	}
}

func TestASavedViewThatIsDamagedIsToldFromOneThatIsNotThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "boot-view")
	if _, err := current.Load(file); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("rackwright boot view 1\nand then nothing of the kind, for long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := current.Load(file); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Error(err)
	}
}
