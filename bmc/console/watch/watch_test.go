package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/console/watch"
	"rackwright/fault"
)

// site is BMCs that show one console each, and a store of their keys.
type site struct {
	mu     sync.Mutex
	key    string
	shown  string // host key that the console shows
	opened int
	broken error
}

func (s *site) Hand(context.Context, string) (bmc.Controller, error) { return &hand{s: s}, nil }
func (s *site) HandAs(context.Context, string, bmc.Access) (bmc.Controller, error) {
	return nil, errors.ErrUnsupported
}
func (s *site) ConsoleKey(context.Context, string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key, nil
}
func (s *site) PinConsoleKey(_ context.Context, _, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
	return nil
}
func (s *site) ForgetConsoleKey(ctx context.Context, _ string) error {
	return s.PinConsoleKey(ctx, "", "")
}

type hand struct {
	bmc.Unable
	s *site
}

func (h *hand) WatchConsole(ctx context.Context, v bmc.ConsoleView) error {
	h.s.mu.Lock()
	shown, broken := h.s.shown, h.s.broken
	h.s.opened++
	h.s.mu.Unlock()
	if broken != nil {
		return broken
	}
	if v.HostKey == "" {
		_ = v.Pin(shown)
	} else if v.HostKey != shown {
		return fault.Deniedf("another host key").WithHint("trust it")
	}
	v.Opened()
	v.See([]byte("Linux\r\n\x1b[2Jlogin: "))
	<-ctx.Done()
	return nil
}

func begin(t *testing.T, s *site) *watch.Watcher {
	t.Helper()
	w := watch.New(watch.Options{BMC: s, Store: s, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = w.Run(ctx) })
	t.Cleanup(func() { cancel(); done.Wait() })
	return w
}

// until waits for something that has no time of its own.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not so", what)
		}
	}
}

func TestAnAttendedConsoleIsReadAndItsKeyKept(t *testing.T) {
	s := &site{shown: "SHA256:first"}
	w := begin(t, s)
	if w.Tail("m1", 100) != "" || w.Look("m1", 0).Open {
		t.Error("a console that nobody attends is read")
	}
	w.Attend("m1", time.Minute)
	w.Attend("m1", time.Second)
	until(t, "its words", func() bool { return strings.HasPrefix(w.Tail("m1", 100), "Linux\nlogin:") })
	look := w.Look("m1", 0)
	text, next := look.Lines(false)
	if s.key != "SHA256:first" || !look.Open || look.Err != nil || text != "Linux\n" || next != 7 || s.opened != 1 {
		t.Errorf("key %q, %+v, %q up to %d, opened %d times", s.key, look, text, next, s.opened)
	}
}

func TestAnotherKeyIsRefusedUntilItIsTrusted(t *testing.T) {
	s := &site{shown: "SHA256:second", key: "SHA256:first"}
	w := begin(t, s)
	w.Attend("m1", time.Minute)
	until(t, "the refusal", func() bool { return fault.Is(w.Look("m1", 0).Err, fault.Denied) })
	if w.Tail("m1", 100) != "" {
		t.Error("it was read")
	}
	if err := w.Trust(t.Context(), "m1"); err != nil {
		t.Fatal(err)
	}
	until(t, "its words", func() bool { return w.Tail("m1", 100) != "" })
	if s.key != "SHA256:second" {
		t.Errorf("key %q", s.key)
	}
}

func TestAConsoleThatNobodyAttendsAnyMoreIsLeft(t *testing.T) {
	s := &site{shown: "SHA256:first"}
	w := begin(t, s)
	w.Attend("m1", 10*time.Millisecond)
	until(t, "its words", func() bool { return w.Tail("m1", 100) != "" })
	until(t, "left", func() bool { return !w.Look("m1", 0).Open })
	if w.Tail("m1", 100) == "" {
		t.Error("what it said is forgotten at once")
	}
}
