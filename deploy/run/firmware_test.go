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
	"rackwright/journal"
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

func TestSeveralComponentsShareOneRestartAndAreVerified(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1", "nic": "5", "bmc": "1"})
	b.worker("w1")
	op := b.ends(b.update("bmc 1>3 1", "bios 1>2 1", "nic 5>6 1"), deploy.Succeeded)
	b.sent("bmc-3.bin bios-2.bin nic-6.bin", 1)
	if len(op.Steps) != 6 {
		t.Errorf("steps %+v", op.Steps)
	}
	m := b.machine()
	if m.Facts == nil || firmware.VersionIn(m.Facts, "bios") != "2" || firmware.VersionIn(m.Facts, "nic") != "6" {
		t.Errorf("facts after it: %+v", m.Facts)
	}
	for _, u := range b.f.urls {
		secret := strings.Split(u, "/")[5]
		if b.said(secret) {
			t.Error("a ticket stands in the journal")
		}
		if _, err := b.db.RedeemTicket(b.ctx, secret); !fault.Is(err, fault.Denied) {
			t.Errorf("a ticket lives on: %v", err)
		}
	}
}

func TestStagesFollowEachOtherWithARestartEach(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1"})
	b.worker("w1")
	b.ends(b.update("bios 1>2 1", "bios 2>3 2"), deploy.Succeeded)
	b.sent("bios-2.bin bios-3.bin", 2)
}

func TestABMCThatRestartsWithItsNewFirmwareIsWaitedFor(t *testing.T) {
	b := newFlash(t, map[string]string{"bmc": "1"})
	b.f.forgets, b.f.silent = true, 5
	b.worker("w1")
	op := b.ends(b.update("bmc 1>2 1"), deploy.Succeeded)
	b.sent("bmc-2.bin", 0)
	if op.Steps[1].Attempts != 0 {
		t.Errorf("its silence counted as a failure: %+v", op.Steps[1])
	}
}

func TestWhatRunsAlreadyIsNotSent(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "2", "bmc": "1"})
	b.worker("w1")
	b.ends(b.update("bmc 1>3 1", "bios 1>2 1"), deploy.Succeeded)
	b.sent("bmc-3.bin", 0)
}

// The server dies with the file in the BMC's hands and the answer not written down: the
// next one does not send it again, and finds that it runs.
func TestAFileIsNeverSentTwiceThoughTheWorkerDied(t *testing.T) {
	b := newFlash(t, map[string]string{"bmc": "1"})
	dead := make(chan struct{})
	b.f.take = func(ctx context.Context, _ bmc.Update) (bmc.Task, bool, error) {
		close(dead)
		<-ctx.Done()
		return bmc.Task{}, true, ctx.Err()
	}
	stop := b.worker("w1")
	id := b.update("bmc 1>2 1")
	<-dead
	stop()
	b.ok(b.db.ReleaseLeases(b.ctx))
	b.worker("w2")
	b.until(id, "in doubt", func(o deploy.Operation) bool {
		return o.At(deploy.StepUpdate) && o.Step().Sent != nil && o.Step().Sent.Lost
	})
	b.f.mu.Lock()
	b.f.runs["bmc"] = "2"
	b.f.mu.Unlock()
	b.ends(id, deploy.Succeeded)
	b.sent("bmc-2.bin", 0)
	if !b.said("it is not sent again") {
		t.Error("the journal does not say so")
	}
}

func TestAWorkerThatDiesBesideATaskIsFollowedByAnother(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1", "bmc": "1"})
	b.f.looks = 12
	stop := b.worker("w1")
	id := b.update("bmc 1>2 1", "bios 1>2 1")
	b.until(id, "a task", func(o deploy.Operation) bool {
		return o.At(deploy.StepUpdate) && o.Step().Sent != nil && o.Step().Sent.Task != ""
	})
	stop()
	b.ok(b.db.ReleaseLeases(b.ctx))
	b.worker("w2")
	b.ends(id, deploy.Succeeded)
	b.sent("bmc-2.bin bios-2.bin", 1)
}

func TestAFileThatTheBMCMayHaveTakenIsJudgedByItsVersion(t *testing.T) {
	b := newFlash(t, map[string]string{"bmc": "1"})
	b.f.refuse = []error{fault.Unreachablef("connection reset")}
	b.worker("w1")
	id := b.update("bmc 1>2 1")
	op := b.ends(id, deploy.Parked)
	if op.Reason != "update-unknown" || op.Hint == "" {
		t.Errorf("parked with %q: %s", op.Reason, op.Message)
	}
	b.sent("", 0)
	_, err := b.db.RetryOperation(b.ctx, id, "ann")
	b.ok(err)
	b.ends(id, deploy.Succeeded)
	b.sent("bmc-2.bin", 0)
}

func TestABMCThatIsBusyIsAskedAgain(t *testing.T) {
	b := newFlash(t, map[string]string{"bmc": "1"})
	b.f.refuse = []error{fault.Conflictf("another update runs"), fault.Conflictf("another update runs")}
	b.worker("w1")
	b.ends(b.update("bmc 1>2 1"), deploy.Succeeded)
	b.sent("bmc-2.bin", 0)
}

func TestAFileThatTheBMCRejectsParksWithItsWords(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1"})
	b.f.take = func(context.Context, bmc.Update) (bmc.Task, bool, error) {
		return bmc.Task{ID: "t", State: bmc.TaskFailed, Message: "signature is wrong"}, true, nil
	}
	b.worker("w1")
	op := b.ends(b.update("bios 1>2 1"), deploy.Parked)
	if op.Reason != "update-failed" || !strings.Contains(op.Message, "signature is wrong") {
		t.Errorf("parked with %q: %s", op.Reason, op.Message)
	}
	b.sent("bios-2.bin", 0)
}

// The BMC says done and stages nothing: the versions tell, and a retry sends it again.
func TestALyingBMCIsFoundOutByTheVersions(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1"})
	lies := 1
	b.f.take = func(context.Context, bmc.Update) (bmc.Task, bool, error) {
		lies--
		return bmc.Task{State: bmc.TaskDone}, lies >= 0, nil
	}
	b.worker("w1")
	id := b.update("bios 1>2 1")
	b.until(id, "verifying", func(o deploy.Operation) bool {
		b.clock.pass(time.Second)
		return o.At(deploy.StepFirmwareVerify) && strings.Contains(o.Step().Note, "bios is 1, not 2")
	})
	b.clock.pass(2 * time.Hour)
	if op := b.state(id, deploy.Parked); op.Reason != "deadline-firmware-verify" {
		t.Errorf("parked with %q: %s", op.Reason, op.Message)
	}
	_, err := b.db.RetryOperation(b.ctx, id, "ann")
	b.ok(err)
	b.ends(id, deploy.Succeeded)
	b.sent("bios-2.bin bios-2.bin", 2)
}

// BMCs repeat the address that they were given, in messages of tasks and in errors.
func TestTheSecretOfAnAddressIsNeverRepeated(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1"})
	tries, secret := 0, ""
	b.f.take = func(_ context.Context, u bmc.Update) (bmc.Task, bool, error) {
		if tries++; tries == 1 {
			secret = strings.Split(u.URI, "/")[5]
			return bmc.Task{}, true, fault.Conflictf("cannot fetch %s", u.URI).WithHint("look at %s", u.URI)
		}
		secret += " " + strings.Split(u.URI, "/")[5]
		return bmc.Task{ID: "t", State: bmc.TaskFailed, Message: "transfer of \"" + u.URI + "\"\nfailed " + strings.Repeat("x", 5000)}, true, nil
	}
	b.worker("w1")
	op := b.ends(b.update("bios 1>2 1"), deploy.Parked)
	if op.Reason != "update-failed" || !strings.Contains(op.Message, "/bmc/firmware/(hidden)/bios-2.bin\" failed xxx") || len(op.Message) > 600 {
		t.Errorf("%s: %s", op.Reason, op.Message)
	}
	for _, word := range strings.Fields(secret) {
		if text := fmt.Sprintf("%+v %+v", op, *op.Step().Sent); b.said(word) || strings.Contains(text, word) {
			t.Errorf("%s is told: %s", word, text)
		}
	}
	if !b.said("(hidden)") {
		t.Error("the journal does not say what went wrong")
	}
}

func TestNothingIsSentWhereSomethingChangedMeanwhile(t *testing.T) {
	for reason, change := range map[string]func(*flash){
		"firmware-changed": func(b *flash) { b.f.runs["bios"] = "1.7" },
		"firmware-gone":    func(b *flash) { b.shelf.missing = "sha256:bios2" },
		"machine-active": func(b *flash) {
			_, err := b.db.ChangeMachine(b.ctx, "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Phase = inventory.Active
				return nil, nil
			})
			b.ok(err)
		},
	} {
		b := newFlash(t, map[string]string{"bios": "1"})
		id := b.update("bios 1>2 1")
		change(b)
		b.worker("w1")
		if op := b.ends(id, deploy.Parked); op.Reason != reason || op.Hint == "" {
			t.Errorf("parked with %q (%s), want %q", op.Reason, op.Message, reason)
		}
		b.sent("", 0)
	}
}

func TestAMachineThatIsOffIsSwitchedOnForItsFirmware(t *testing.T) {
	b := newFlash(t, map[string]string{"bios": "1"})
	b.f.on = false
	b.worker("w1")
	b.ends(b.update("bios 1>2 1"), deploy.Succeeded)
	if m := b.machine(); m.Power != inventory.PowerOn {
		t.Errorf("power %s", m.Power)
	}
}

func TestAnUpdateIsPlannedForMachinesThatMayHaveIt(t *testing.T) {
	order := deploy.Order{Firmware: &deploy.FirmwareOrder{Files: []firmware.Pick{{File: "f", Component: "bios", To: "2", Reset: firmware.ResetHost, Stage: 1}}}}
	for name, m := range map[string]inventory.Machine{"active": {Name: "n1", Phase: inventory.Active, BMC: &inventory.BMC{}}, "no BMC": {Name: "n1"}} {
		if _, err := deploy.Plan(deploy.Firmware, deploy.Subject{Machine: m, Order: order}); !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	order.Firmware.Active = true
	steps, err := deploy.Plan(deploy.Firmware, deploy.Subject{Machine: inventory.Machine{Phase: inventory.Active, BMC: &inventory.BMC{}}, Order: order})
	if err != nil || len(steps) != 4 || steps[2].Title != "restart for bios" {
		t.Errorf("%v, %+v", err, steps)
	}
}
