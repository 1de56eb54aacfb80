package run_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/deploy/run"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
)

// flasher is a BMC that takes firmware: a file "COMPONENT-VERSION.bin" is of that version.
type flasher struct {
	bmc.Unable
	mu      sync.Mutex
	on      bool
	runs    map[string]string
	staged  map[string]string
	tasks   map[string]bmc.Task
	apply   map[string]func() // what the task does in the end
	looks   int               // of a task, until it is over
	silent  int               // calls without an answer once it forgot its tasks
	quiet   int               // calls yet without an answer
	forgets bool              // its tasks, when it restarts
	took    []string
	urls    []string
	resets  int
	refuse  []error                                                   // of the next StartUpdates
	onTake  func()                                                    // with a file in hand, before it answers
	take    func(context.Context, bmc.Update) (bmc.Task, bool, error) // instead, where it returns true
}

func newFlasher(versions map[string]string) *flasher {
	return &flasher{Unable: bmc.Unable{Address: "https://10.0.1.11", Protocol: "test"}, on: true, runs: versions, staged: map[string]string{}, tasks: map[string]bmc.Task{}, apply: map[string]func(){}, looks: 2}
}

func (f *flasher) Hand(context.Context, string) (bmc.Controller, error) { return f, nil }
func (f *flasher) HandAs(context.Context, string, bmc.Access) (bmc.Controller, error) {
	return f, nil
}

// answers is false while it restarts; mu is held.
func (f *flasher) answers() error {
	if f.quiet > 0 {
		f.quiet--
		return fault.Unreachablef("it restarts")
	}
	return nil
}

func (f *flasher) Components(context.Context) (out []bmc.Component, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c, v := range f.runs {
		out = append(out, bmc.Component{ID: c + "-id", Name: c, Version: v, Updatable: true})
	}
	return out, f.answers()
}

func (f *flasher) StartUpdate(ctx context.Context, u bmc.Update) (bmc.Task, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.refuse) > 0 {
		err := f.refuse[0]
		f.refuse = f.refuse[1:]
		return bmc.Task{}, err
	}
	body, err := u.Open()
	if err != nil {
		return bmc.Task{}, err
	}
	defer body.Close()
	if n, err := io.Copy(io.Discard, body); err != nil || n != u.Size {
		return bmc.Task{}, fault.Invalidf("%d bytes of %d, %v", n, u.Size, err)
	}
	f.took, f.urls = append(f.took, u.Name), append(f.urls, u.URI)
	if f.onTake != nil {
		f.onTake()
	}
	if f.take != nil {
		if t, mine, err := f.take(ctx, u); mine {
			return t, err
		}
	}
	component, version, _ := strings.Cut(strings.TrimSuffix(u.Name, ".bin"), "-")
	id := fmt.Sprint("task", len(f.took))
	f.tasks[id] = bmc.Task{ID: id, State: bmc.TaskRunning}
	f.apply[id] = func() {
		if u.OnReset {
			f.staged[component] = version
			return
		}
		f.runs[component] = version
	}
	return f.tasks[id], nil
}

func (f *flasher) Task(_ context.Context, id string) (bmc.Task, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.answers(); err != nil {
		return bmc.Task{}, err
	}
	t, known := f.tasks[id]
	if !known {
		return bmc.Task{ID: id, State: bmc.TaskLost}, nil
	}
	if t.State != bmc.TaskRunning {
		return t, nil
	}
	if t.Percent += 100/f.looks + 1; t.Percent > 100 {
		f.apply[id]()
		t.State, t.Percent = bmc.TaskDone, 100
		if f.forgets {
			clear(f.tasks)
			f.quiet = f.silent
			return bmc.Task{}, fault.Unreachablef("it restarts")
		}
	}
	f.tasks[id] = t
	return t, nil
}

func (f *flasher) Power(context.Context) (inventory.Power, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return map[bool]inventory.Power{true: inventory.PowerOn, false: inventory.PowerOff}[f.on], nil
}

func (f *flasher) On(context.Context) error { return f.start() }

func (f *flasher) Reset(context.Context) error { return f.start() }

func (f *flasher) Off(context.Context, time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = false
	return nil
}

func (f *flasher) start() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = true
	f.resets++
	maps.Copy(f.runs, f.staged)
	clear(f.staged)
	return nil
}

func (f *flasher) Facts(context.Context) (inventory.Facts, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	facts := inventory.Facts{Source: "redfish", Observed: time.Now()}
	for c, v := range f.runs {
		facts.Versions = append(facts.Versions, inventory.Version{Component: c, Version: v})
	}
	return facts, nil
}

func (f *flasher) said() (took string, resets int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.took, " "), f.resets
}

// shelf has the bytes of any file but those that are missing.
type shelf struct{ missing string }

func (s shelf) OpenFile(digest string) (io.ReadCloser, error) {
	if digest == s.missing {
		return nil, fault.NotFoundf("no bytes").WithHint("share images.dir")
	}
	return io.NopCloser(bytes.NewReader(make([]byte, 64))), nil
}

func (shelf) URL(at, ticket, original string) string {
	return "https://10.0.0.1:8443/bmc/firmware/" + ticket + "/" + original
}

// flash is a bench with a BMC that takes firmware, and workers of its own.
type flash struct {
	*bench
	f     *flasher
	shelf shelf
}

func newFlash(t *testing.T, versions map[string]string) *flash {
	return &flash{bench: newBench(t), f: newFlasher(versions)}
}

func (b *flash) worker(owner string) (stop func()) {
	ctx, cancel := context.WithCancel(b.ctx)
	w := &run.Worker{Store: b.db, BMC: b.f, Depot: b.shelf, Log: slog.New(slog.DiscardHandler), Now: b.clock.now, Owner: owner, Concurrency: 4,
		Lease: 1000 * time.Hour, // its clock runs fast
		Poll:  5 * time.Millisecond}
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	b.t.Cleanup(stop)
	return stop
}

// update asks for files "COMPONENT FROM>TO STAGE".
func (b *flash) update(picks ...string) string {
	b.t.Helper()
	order := deploy.FirmwareOrder{}
	for _, text := range picks {
		var component, way string
		var stage int
		fmt.Sscan(text, &component, &way, &stage)
		from, to, _ := strings.Cut(way, ">")
		f := firmware.File{Name: component + "-" + to, Component: component, Version: to, Models: []string{"any"}, Digest: "sha256:" + component + to, Size: 64, Original: component + "-" + to + ".bin"}
		b.ok(f.Complete())
		b.ok(b.db.AddFirmware(b.ctx, &f, "test"))
		order.Files = append(order.Files, firmware.Pick{File: f.Name, Digest: f.Digest, Size: f.Size, Original: f.Original, Component: component, From: from, To: to, Reset: f.Reset, Stage: stage})
	}
	op, err := b.db.CreateOperation(b.ctx, deploy.Firmware, "n1", deploy.Order{Firmware: &order}, "test")
	b.ok(err)
	return op.ID
}

// ends lets time pass until the operation is in a state.
func (b *flash) ends(id string, s deploy.State) deploy.Operation {
	b.t.Helper()
	op := b.passes(id, 3*time.Second, func(o deploy.Operation) bool { return o.State == s || o.State.Ended() })
	if op.State != s {
		b.t.Fatalf("it is %s (%s: %s), not %s", op.State, op.Reason, op.Message, s)
	}
	return op
}

// passes lets time pass, some at each look, until the operation is so. It is patient: an
// update has many steps, each with a look at the BMC and a row to write.
func (b *bench) passes(id string, each time.Duration, is func(deploy.Operation) bool) deploy.Operation {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Minute)
	defer cancel()
	for {
		op, err := b.db.Operation(b.ctx, id)
		b.ok(err)
		if is(*op) {
			return *op
		}
		b.clock.pass(each)
		select {
		case <-ctx.Done():
			b.t.Fatalf("it is %s at %d: %+v", op.State, op.Current, op.Step())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (b *flash) sent(took string, resets int) {
	b.t.Helper()
	if t, r := b.f.said(); t != took || r != resets {
		b.t.Errorf("the BMC took %q and restarted the machine %d times; want %q, %d", t, r, took, resets)
	}
}
