package main

import (
	"context"
	"path/filepath"
	"time"

	"rackwright/boot"
	"rackwright/boot/current"
	"rackwright/fault"
	"rackwright/store"
)

// savedView is where the boot view is kept for a start without the database.
func (s *server) savedView() string { return filepath.Join(s.cfg.StateDir, "boot-view") }

// openStore opens the database and prepares it, and returns the saved view, if there is one, to
// begin with. When PostgreSQL does not answer, that must be there, and a task waits for the
// database.
func (s *server) openStore(ctx context.Context, o store.Options) (saved *boot.View, err error) {
	s.db, err = store.Open(ctx, o)
	if fault.Is(err, fault.Unreachable) {
		if saved, err = s.withoutDatabase(ctx, o, err); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	if l := s.db.Listener(); l != nil {
		s.add(true, s.whenKnown(l)...)
	}
	if s.db.Pending() {
		s.add(true, &latecomer{s: s})
		return saved, nil
	}
	close(s.known)
	if saved, err = current.Load(s.savedView()); err != nil && !fault.Is(err, fault.NotFound) {
		s.log.Warn("the saved boot view cannot be used", "error", err, "hint", fault.HintOf(err))
	}
	return saved, s.prepare(ctx)
}

// withoutDatabase opens the store although the database is away, if a saved view is there
// to answer from; else the reason why the database cannot be used stands.
func (s *server) withoutDatabase(ctx context.Context, o store.Options, reason error) (*boot.View, error) {
	saved, err := current.Load(s.savedView())
	if err != nil {
		if !fault.Is(err, fault.NotFound) {
			s.log.Warn("the saved boot view cannot be used", "error", err, "hint", fault.HintOf(err))
		}
		return nil, reason
	}
	o.Patient = true
	if s.db, err = store.Open(ctx, o); err != nil {
		return nil, err
	}
	s.log.Warn("the database does not answer: known machines get their address from the saved boot view and boot their own disk; all else waits",
		"error", reason, "view", s.savedView(), "nics", saved.Hosts())
	return saved, nil
}

// latecomer is the task that waits for a database that was away at the start.
type latecomer struct{ s *server }

// How often the database is asked.
const (
	askAgain = 500 * time.Millisecond
	askLate  = 5 * time.Second
)

// String names the task.
func (l *latecomer) String() string { return "waiting for the database" }

// Run asks until the database answers, prepares it and lets the other tasks begin. What
// else is wrong with it (a password, a migration) is said and may be put right meanwhile.
func (l *latecomer) Run(ctx context.Context) error {
	said := ""
	for wait := askAgain; ; wait = min(2*wait, askLate) {
		err := l.s.db.Ready(ctx)
		if err == nil {
			err = l.s.prepare(ctx)
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		if !fault.Is(err, fault.Unreachable) && err.Error() != said {
			said = err.Error()
			l.s.log.Error("the database answers and cannot be used", "error", err, "hint", fault.HintOf(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
	l.s.log.Info("the database answers; everything goes on")
	close(l.s.known)
	if err := l.s.view.Refresh(ctx); err != nil && ctx.Err() == nil {
		l.s.log.Warn("the boot view is still the saved one", "error", err) // its task tries again
	}
	return nil
}

// patient is a task that begins when the database has answered.
type patient struct {
	task
	known <-chan struct{}
}

// whenKnown holds tasks back that can do nothing without a database.
func (s *server) whenKnown(tasks ...task) []task {
	out := make([]task, len(tasks))
	for i, t := range tasks {
		out[i] = &patient{task: t, known: s.known}
	}
	return out
}

// Run waits for the database, then runs the task.
func (p *patient) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.known:
	}
	return p.task.Run(ctx)
}
