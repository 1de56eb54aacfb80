// Package run does the work that deploy plans: it claims a due operation, does one step,
// records it in one transaction with the new state, and goes on. It decides no order of
// steps and holds nothing in memory that a restart would lose.
package run

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what the worker asks of the database.
type Store interface {
	ClaimOperation(ctx context.Context, owner string, ttl time.Duration) (*deploy.Operation, error)
	RenewOperation(ctx context.Context, id string, fence int64, ttl time.Duration) error
	SaveOperation(ctx context.Context, o *deploy.Operation, events ...journal.Event) error
	EvidenceOf(ctx context.Context, operation string) (map[string]store.Evidence, error)
	EndSessions(ctx context.Context, operation string) error
	DigestListed(ctx context.Context, digest string) (bool, error)
	Machine(ctx context.Context, idOrName string) (*inventory.Machine, error)
	// Model is nil for one that nobody declared.
	Model(ctx context.Context, name string) (*inventory.Model, error)
	ChangeMachine(ctx context.Context, idOrName string, change func(*inventory.Machine) ([]journal.Event, error)) (*inventory.Machine, error)
	WorkDue() (<-chan struct{}, func())
	Custody
	Tickets
	Proofs
	Burns
	Story
}

// Worker is the task that does operations. Several, in one process or many, may share a
// database.
type Worker struct {
	Store    Store
	BMC      bmc.Hands
	Depot    Depot    // of firmware files; nil: none
	Consoles Consoles // of machines; nil: none are read
	Log      *slog.Logger

	Certificates  ed25519.PrivateKey // signs certificates of erased disks
	BootAuthority *x509.Certificate  // of our loaders over HTTPS; nil: there are none

	Now         func() time.Time
	Owner       string        // unique to this process
	Concurrency int           // operations at once; they mostly wait
	Lease       time.Duration // 0: 15 s
	Poll        time.Duration // 0: 500 ms; how often work of other processes is looked for
}

// String names the task.
func (w *Worker) String() string { return "worker" }

// Run does operations until ctx ends, then waits for the steps in hand to notice.
func (w *Worker) Run(ctx context.Context) error {
	due, stop := w.Store.WorkDue()
	defer stop()
	slots := make(chan struct{}, max(w.Concurrency, 1))
	var hands sync.WaitGroup
	defer hands.Wait()
	tick := time.NewTicker(w.poll())
	defer tick.Stop()
	for {
		w.claimAll(ctx, slots, &hands)
		select {
		case <-ctx.Done():
			return nil
		case <-due:
		case <-tick.C:
		}
	}
}

func (w *Worker) poll() time.Duration {
	if w.Poll > 0 {
		return w.Poll
	}
	return 500 * time.Millisecond
}

func (w *Worker) lease() time.Duration {
	if w.Lease > 0 {
		return w.Lease
	}
	return 15 * time.Second
}

// claimAll starts every operation that is due, as far as there are free slots.
func (w *Worker) claimAll(ctx context.Context, slots chan struct{}, hands *sync.WaitGroup) {
	for ctx.Err() == nil {
		select {
		case slots <- struct{}{}:
		default:
			return
		}
		op, err := w.Store.ClaimOperation(ctx, w.Owner, w.lease())
		if err != nil || op == nil {
			<-slots
			if err != nil && ctx.Err() == nil {
				w.Log.Warn("no operation could be claimed", "error", err)
			}
			return
		}
		hands.Go(func() {
			defer func() { <-slots }()
			w.hold(ctx, op)
		})
	}
}

// hold works on a claimed operation while its lease is renewed; losing the lease ends
// the work.
func (w *Worker) hold(ctx context.Context, op *deploy.Operation) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		t := time.NewTicker(w.lease() / 3)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				if err := w.Store.RenewOperation(ctx, op.ID, op.Fence, w.lease()); fault.Is(err, fault.Conflict) {
					cancel()
				}
			}
		}
	}()
	if err := w.advance(ctx, op); err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		w.Log.Warn("operation not advanced; it is tried again when its lease ends", "operation", op.ID, "machine", op.Name, "error", err)
	}
}

// advance does as much of the operation as can be done now and saves it once per step.
func (w *Worker) advance(ctx context.Context, op *deploy.Operation) error {
	m, err := w.Store.Machine(ctx, op.Machine)
	if err != nil {
		return err
	}
	j := &job{w: w, op: op, machine: m}
	defer j.close()
	if op.Cancel {
		return j.cancel(ctx)
	}
	if op.State == deploy.Queued {
		op.State = deploy.Running
	}
	s := op.Step()
	if s == nil {
		return j.succeed(ctx)
	}
	if s.State == deploy.StepTodo {
		s.State, s.Started = deploy.StepDoing, w.Now().UTC()
		j.event(journal.OpStep, fmt.Sprintf("%s: begins", s.Title), "step", s.Name)
		op.Due = w.Now()
		return j.save(ctx)
	}
	return j.settle(ctx, s, w.do(ctx, j, s))
}

// do runs the step's deed within what is left of the step's time. What is true by then is
// done, however late.
func (w *Worker) do(ctx context.Context, j *job, s *deploy.Step) outcome {
	left := s.Started.Add(s.Limit).Sub(w.Now())
	ctx, cancel := context.WithTimeout(ctx, max(left, lastTry))
	defer cancel()
	o := deeds()[s.Name](ctx, j, s)
	if left <= 0 && (o.verdict == isWaiting || o.verdict == isRetry) {
		words := lateWords(s)
		if o.err != nil {
			words += "; the last try: " + o.err.Error()
		}
		return park("deadline-"+string(s.Name), words, cmp.Or(installerHint(s.Name, j.op), lateHint(s.Name, j.machine)))
	}
	return o
}

// lastTry is what a step gets that nobody looked at until its time was over, because no
// worker was there or all were busy: no operation parks because of us.
const lastTry = 30 * time.Second
