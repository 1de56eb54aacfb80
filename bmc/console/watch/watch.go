// Package watch attaches to serial consoles for as long as somebody wants to know what they
// say, and keeps the end of it in memory. What it knows is of this process alone.
package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/console"
	"rackwright/fault"
)

// Store is what the watcher asks of the database.
type Store interface {
	// ConsoleKey is the pinned host key of a machine's console, "" for none.
	ConsoleKey(ctx context.Context, machineID string) (string, error)
	PinConsoleKey(ctx context.Context, machineID, key string) error
	ForgetConsoleKey(ctx context.Context, machineID string) error
}

// Options are what a Watcher works with; all are required.
type Options struct {
	BMC   bmc.Hands
	Store Store
	Log   *slog.Logger
	Now   func() time.Time
}

// How long things last.
const (
	again    = 15 * time.Second // after a console that could not be read or was closed
	refused  = 10 * time.Minute // after one that cannot be read before somebody mends it
	remember = 30 * time.Minute // a tail that nobody asks for
	most     = 512              // consoles at a time
)

// Watcher is a task: only while Run runs are consoles attached to.
type Watcher struct {
	o Options

	mu    sync.Mutex
	lines map[string]*line // by machine
	wake  chan struct{}
}

// line is one machine's console.
type line struct {
	tail   console.Tail
	until  time.Time // somebody wants it
	next   time.Time // not tried before
	busy   bool      // a goroutine is at it
	open   bool
	reason error // why not
}

// New makes a watcher.
func New(o Options) *Watcher {
	return &Watcher{o: o, lines: map[string]*line{}, wake: make(chan struct{}, 1)}
}

// String names the task.
func (w *Watcher) String() string { return "consoles" }

// Attend has the console of a machine read for so long from now on at least.
func (w *Watcher) Attend(machineID string, long time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lines[machineID]
	if l == nil {
		if len(w.lines) >= most {
			return
		}
		l = &line{}
		w.lines[machineID] = l
	}
	if until := w.o.Now().Add(long); until.After(l.until) {
		l.until = until
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Look returns what the console said after a place, 0 for all that is kept.
func (w *Watcher) Look(machineID string, after int64) console.Look {
	w.mu.Lock()
	l := w.lines[machineID]
	var out console.Look
	if l != nil {
		out.Open, out.Err = l.open, l.reason
	}
	w.mu.Unlock()
	if l != nil {
		out.Raw, out.Total = l.tail.Since(after)
	}
	return out
}

// Tail is the end of what the console said as text, at most n bytes.
func (w *Watcher) Tail(machineID string, n int) string {
	return console.Last(console.Plain(w.Look(machineID, 0).Raw), n)
}

// Trust forgets the host key of a console and has it tried at once: the next key is
// trusted.
func (w *Watcher) Trust(ctx context.Context, machineID string) error {
	if err := w.o.Store.ForgetConsoleKey(ctx, machineID); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.lines[machineID]; l != nil {
		l.next, l.reason = time.Time{}, nil
	}
	return nil
}

// Run attaches to what is attended until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	var hands sync.WaitGroup
	defer hands.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for id, l := range w.due() {
			hands.Go(func() { w.attach(ctx, id, l) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		case <-tick.C:
		}
	}
}

// due takes the consoles to attach to in hand, and forgets those that nobody asks for.
func (w *Watcher) due() map[string]*line {
	w.mu.Lock()
	defer w.mu.Unlock()
	out, now := map[string]*line{}, w.o.Now()
	for id, l := range w.lines {
		switch {
		case l.busy:
		case now.Before(l.until) && !now.Before(l.next):
			l.busy = true
			out[id] = l
		case now.After(l.until.Add(remember)):
			delete(w.lines, id)
		}
	}
	return out
}

// attach reads one console until nobody wants it any more or it breaks.
func (w *Watcher) attach(ctx context.Context, id string, l *line) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go w.wanted(ctx, cancel, l)
	err := w.read(ctx, id, l)
	w.mu.Lock()
	defer w.mu.Unlock()
	was := l.open
	l.busy, l.open = false, false
	if err == nil {
		return
	}
	l.reason = err
	l.next = w.o.Now().Add(again)
	if kind := fault.KindOf(err); !was && (kind == fault.Denied || kind == fault.Invalid) {
		l.next = w.o.Now().Add(refused)
	}
	w.o.Log.Debug("console not read", "machine", id, "error", err)
}

// wanted ends the reading when nobody asked for it for a while.
func (w *Watcher) wanted(ctx context.Context, cancel func(), l *line) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.mu.Lock()
		over := w.o.Now().After(l.until)
		w.mu.Unlock()
		if over {
			cancel()
			return
		}
	}
}

func (w *Watcher) read(ctx context.Context, id string, l *line) error {
	key, err := w.o.Store.ConsoleKey(ctx, id)
	if err != nil {
		return err
	}
	hand, err := w.o.BMC.Hand(bmc.WithUrgency(ctx, bmc.Routine), id)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = hand.Close(ctx)
	}()
	return hand.WatchConsole(ctx, bmc.ConsoleView{HostKey: key,
		Pin: func(key string) error { return w.o.Store.PinConsoleKey(ctx, id, key) },
		Opened: func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			l.open, l.reason = true, nil
		},
		See: func(p []byte) { _, _ = l.tail.Write(p) }})
}
