package broker

import (
	"context"
	"errors"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// way is how a share gets its calls to a BMC.
type way interface {
	do(ctx context.Context, t *turn, anew bool, call func(context.Context, bmc.Controller) error) error
	stream(ctx context.Context, call func(context.Context, bmc.Controller) error) error
	rekeyed(user string)
}

// do waits for a turn and makes a call. A read on a session that died is made once more
// on another, and so is a call that the BMC took nothing of because its password changed.
func (l *line) do(ctx context.Context, t *turn, anew bool, call func(context.Context, bmc.Controller) error) error {
	t.urgency = bmc.UrgencyOf(ctx)
	return l.doIn(ctx, t, anew, call)
}

func (l *line) doIn(ctx context.Context, t *turn, anew bool, call func(context.Context, bmc.Controller) error) error {
	if err := l.take(ctx, t); err != nil {
		return err
	}
	defer l.give(t)
	s, err := l.ready(ctx, anew)
	if err != nil {
		return err
	}
	reused := l.reuse(s)
	if t.kind == changing {
		l.changed()
		defer l.changed()
	}
	err = l.call(ctx, s, call)
	if !l.retries(ctx, s, t, reused, err) {
		return err
	}
	if s, err = l.ready(ctx, true); err != nil {
		return err
	}
	return l.call(ctx, s, call)
}

// call makes one call on a session and remembers what its outcome says.
func (l *line) call(ctx context.Context, s *session, call func(context.Context, bmc.Controller) error) error {
	within, stop := l.within(ctx)
	defer stop()
	began := l.b.o.Now()
	err := l.whose(within, call(within, s.hand))
	took := l.b.o.Now().Sub(began)
	if bmc.Refused(err) || errors.Is(err, errTenure) || fault.Is(err, fault.Unreachable) && (ctx.Err() == nil || took >= patience) {
		l.mu.Lock()
		s.doubtful = true
		l.mu.Unlock()
	}
	l.judge(ctx, bmc.Hold{Access: s.access, Version: s.version}, err, took, false)
	return err
}

// retries reports whether a call that failed is made again on another session.
func (l *line) retries(ctx context.Context, s *session, t *turn, reused bool, err error) bool {
	switch {
	case err == nil || ctx.Err() != nil || errors.Is(err, errTenure):
		return false
	case bmc.Refused(err): // nothing was done; the password may be another meanwhile
		h, err := l.b.o.Store.BMCHold(ctx, l.machine, l.b.o.Owner)
		return err == nil && h.Version != s.version
	}
	return reused && t.kind == reading && t.urgency > bmc.Routine && fault.Is(err, fault.Unreachable)
}

// reuse reports whether a session was used before.
func (l *line) reuse(s *session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := s.used
	s.used = true
	return before
}

// changed makes what was read old.
func (l *line) changed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes++
	clear(l.cache)
}

// flight is a read that several wait for. Who began it makes it; when that one gives up,
// another begins anew.
type flight struct {
	turn    *turn
	changes int // when it began to read; -1: it waits for its turn
	done    chan struct{}
	value   any
	err     error
	left    bool // who made it gave up
}

// cached is an answer for sweeps.
type cached struct {
	value any
	at    time.Time
}

// fresh is how old an answer may be for a sweep.
const fresh = 5 * time.Second

// read makes a read of that key, or shares the one that is on its way; sweeps are content
// with one just made. What it returns others may have in hand as well.
func read[T any](ctx context.Context, w way, key string, keep bool, call func(context.Context, bmc.Controller) (T, error)) (T, error) {
	var out T
	l, shared := w.(*line)
	if !shared {
		err := w.do(ctx, &turn{kind: reading}, false, func(ctx context.Context, c bmc.Controller) (err error) {
			out, err = call(ctx, c)
			return err
		})
		return out, err
	}
	for {
		value, f, mine := l.join(ctx, key)
		if f == nil {
			return value.(T), nil
		}
		if mine {
			err := l.lead(ctx, key, keep, f, func(ctx context.Context, c bmc.Controller) (any, error) { return call(ctx, c) })
			if err != nil {
				return out, err
			}
			return f.value.(T), nil
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			l.mu.Lock()
			defer l.mu.Unlock()
			return out, l.busy(ctx.Err())
		}
		if f.left {
			continue
		}
		if f.err != nil {
			return out, f.err
		}
		return f.value.(T), nil
	}
}

// join finds an answer, a read to share, or begins one.
func (l *line) join(ctx context.Context, key string) (value any, f *flight, mine bool) {
	u := bmc.UrgencyOf(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.cache[key]; ok && u == bmc.Routine && l.b.o.Now().Sub(c.at) < fresh {
		return c.value, nil, false
	}
	if f := l.reads[key]; f != nil && (f.changes < 0 || f.changes == l.changes) {
		l.order.raise(f.turn, u)
		return nil, f, false
	}
	f = &flight{turn: &turn{kind: reading, urgency: u}, changes: -1, done: make(chan struct{})}
	l.reads[key] = f
	return nil, f, true
}

// lead makes the read and tells who shares it.
func (l *line) lead(ctx context.Context, key string, keep bool, f *flight, call func(context.Context, bmc.Controller) (any, error)) error {
	var value any
	err := l.doIn(ctx, f.turn, false, func(ctx context.Context, c bmc.Controller) (err error) {
		l.mu.Lock()
		f.changes = l.changes
		l.mu.Unlock()
		value, err = call(ctx, c)
		return err
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	f.value, f.err, f.left = value, err, err != nil && ctx.Err() != nil
	if l.reads[key] == f {
		delete(l.reads, key)
	}
	if err == nil && keep && f.changes == l.changes && l.session != nil {
		l.cache[key] = cached{value, l.b.o.Now()}
	}
	close(f.done)
	return err
}

// stream makes a call that lasts until its session is closed, beside all others.
func (l *line) stream(ctx context.Context, call func(context.Context, bmc.Controller) error) error {
	var s *session
	if err := l.do(ctx, &turn{kind: greeting}, true, func(context.Context, bmc.Controller) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		s = l.session
		return nil
	}); err != nil {
		return err
	}
	if s == nil {
		return fault.Conflictf("the session at the BMC was closed").WithHint("try again")
	}
	within, stop := l.within(ctx)
	defer stop()
	within, cancel := context.WithCancel(within)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	l.listen(1)
	defer l.listen(-1)
	return l.whose(within, call(within, s.hand))
}

func (l *line) listen(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams += n
	l.used = l.b.o.Now()
}

// greet opens the session, asking the database how, and returns the certificate.
func greet(ctx context.Context, l *line) (certificate string, err error) {
	err = l.do(ctx, &turn{kind: greeting}, true, func(_ context.Context, c bmc.Controller) error {
		certificate = c.Certificate()
		return nil
	})
	return certificate, err
}
