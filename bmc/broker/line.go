package broker

import (
	"context"
	"errors"
	"sync"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// line is the way to one BMC: who waits for it, the session, the lease.
type line struct {
	b       *Broker
	machine string
	shares  int // given out; b.mu guards it

	opening chan struct{} // holds one token: one at a time asks the database and dials

	mu        sync.Mutex
	order     order
	shut      bool // the server stops
	used      time.Time
	since     time.Time // the session or the pause, whichever there is
	session   *session
	lease     *tenure
	leaving   bool // a goroutine waits to close it
	tries     int  // dials that ended
	failed    error
	version   string // of the access last seen
	address   string
	pause     pause
	refusal   *bmc.Refusal
	stale     stale
	solo      *solo
	others    map[[32]byte]bmc.Refusal // of HandAs, by what was refused
	elsewhere string                   // process that holds the BMC; empty: we, or nobody

	streams int
	changes int // begun and ended; what was read before the last is old
	reads   map[string]*flight
	cache   map[string]cached
}

// session is an open controller.
type session struct {
	hand     bmc.Controller
	access   bmc.Access
	version  string
	doubtful bool // to be opened anew before it is used again
	used     bool
	ctx      context.Context // over when it is closed
	end      context.CancelFunc
}

func newLine(b *Broker, machine string) *line {
	return &line{b: b, machine: machine, opening: make(chan struct{}, 1), used: b.o.Now(), reads: map[string]*flight{}, cache: map[string]cached{}}
}

// ready returns a session to work with, opened if there is none. The caller has a turn.
// anew asks the database even when there is one.
func (l *line) ready(ctx context.Context, anew bool) (*session, error) {
	l.mu.Lock()
	s, tries := l.session, l.tries
	if s != nil && !s.doubtful && !anew && l.lease.holds(l.b.o.Now()) {
		l.mu.Unlock()
		return s, nil
	}
	l.mu.Unlock()
	select {
	case l.opening <- struct{}{}:
		defer func() { <-l.opening }()
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		return nil, l.busy(ctx.Err())
	}
	l.mu.Lock()
	failed := l.failed
	if l.tries == tries {
		failed = nil
	}
	l.mu.Unlock()
	if failed != nil { // while we waited for it
		return nil, failed
	}
	return l.open(ctx)
}

// open sees that the BMC is ours and opens a session as the database says. The caller has
// the token.
func (l *line) open(ctx context.Context) (*session, error) {
	h, err := l.hold(ctx)
	if err != nil {
		return nil, err
	}
	if s := l.current(h.Version); s != nil {
		return s, nil
	}
	if err := l.barred(ctx, h); err != nil {
		return nil, err
	}
	l.hangUp(ctx, parting)
	began := l.b.o.Now()
	s, err := l.dial(ctx, h)
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() == nil || l.b.o.Now().Sub(began) >= patience {
		l.tries++
		l.failed = err
	}
	return s, err
}

// current is the session if it can be used on. Another version of the access makes all
// that was remembered of the BMC old.
func (l *line) current(version string) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.version != version {
		l.version, l.pause, l.refusal = version, pause{}, nil
		clear(l.cache)
	}
	if s := l.session; s != nil && !s.doubtful && s.version == version {
		return s
	}
	return nil
}

// barred is why the BMC is not asked now; nil: it may be.
func (l *line) barred(ctx context.Context, h bmc.Hold) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.b.o.Now()
	l.address = h.Access.Address
	if err := l.stale.bars(h, now); err != nil {
		return err
	}
	if h.Refused == nil {
		h.Refused = l.refusal
	}
	if serving(h.Refused, now) {
		if l.refusal == nil {
			l.since = h.Refused.At
		}
		l.refusal = h.Refused
		return refused(h.Access, *h.Refused)
	}
	return l.pause.bars(bmc.UrgencyOf(ctx), now)
}

// dial opens a session and pins the certificate at first contact.
func (l *line) dial(ctx context.Context, h bmc.Hold) (*session, error) {
	within, stop := l.within(ctx)
	defer stop()
	began := l.b.o.Now()
	hand, err := l.b.o.Dialer.Dial(within, h.Access)
	if err != nil {
		err = l.whose(within, err)
		l.judge(ctx, h, err, l.b.o.Now().Sub(began), true)
		return nil, err
	}
	if h, err = l.pin(ctx, h, hand); err != nil {
		l.close(ctx, hand, parting)
		if bmc.Refused(err) { // else it is the database's
			l.judge(ctx, h, err, 0, true)
		}
		return nil, err
	}
	l.judge(ctx, h, nil, 0, true)
	s := &session{hand: hand, access: h.Access, version: h.Version}
	s.ctx, s.end = context.WithCancel(context.Background())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session, l.version, l.since = s, h.Version, l.b.o.Now()
	return s, nil
}

// pin keeps the certificate when none is known, and returns how things stand then.
func (l *line) pin(ctx context.Context, h bmc.Hold, hand bmc.Controller) (bmc.Hold, error) {
	shown := hand.Certificate()
	if h.Access.CertificateSHA256 != "" || shown == "" {
		return h, nil
	}
	if err := l.b.o.Store.PinCertificate(ctx, l.machine, shown); err != nil {
		return h, err
	}
	now, err := l.b.o.Store.BMCHold(ctx, l.machine, l.b.o.Owner)
	if err != nil {
		return h, err
	}
	if pinned, err := bmc.ParseFingerprint(now.Access.CertificateSHA256); err != nil || pinned != shown {
		return now, bmc.WrongCertificate(h.Access, now.Access.CertificateSHA256, shown)
	}
	return now, nil
}

// judge remembers what an outcome says of the BMC: that it answers, that it does not, or
// that it does not let us in. A caller that gave up early says nothing.
func (l *line) judge(ctx context.Context, h bmc.Hold, err error, took time.Duration, dialled bool) {
	now := l.b.o.Now()
	switch {
	case err == nil:
		l.mu.Lock()
		l.pause, l.refusal = pause{}, nil
		l.mu.Unlock()
		if h.Refused != nil {
			l.note(ctx, h.Version, nil)
		}
	case bmc.Refused(err), dialled && fault.Is(err, fault.Denied):
		r := &bmc.Refusal{At: now, Words: err.Error(), Hint: fault.HintOf(err)}
		l.mu.Lock()
		if l.version == h.Version {
			l.refusal, l.since = r, now
		}
		l.mu.Unlock()
		l.note(ctx, h.Version, r)
	case fault.Is(err, fault.Unreachable) && !errors.Is(err, errTenure) && (ctx.Err() == nil || took >= patience):
		l.mu.Lock()
		if l.pause.err == nil {
			l.since = now
		}
		l.pause = l.pause.longer(err, now)
		l.mu.Unlock()
	}
}

// patience is how long a BMC is waited for before its silence counts, although the caller
// gave up first.
const patience = 10 * time.Second

// note writes a refusal down, for other processes and for us after a restart.
func (l *line) note(ctx context.Context, version string, r *bmc.Refusal) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), asking)
	defer cancel()
	if err := l.b.o.Store.RefuseBMC(ctx, l.machine, version, r); err != nil {
		l.b.o.Log.Warn("that a BMC refused us is remembered by this process only", "machine", l.machine, "error", err)
	}
}

// hangUp closes the session, if there is one. The caller has the token, or is alone.
func (l *line) hangUp(ctx context.Context, limit time.Duration) {
	l.mu.Lock()
	s := l.session
	l.session = nil
	clear(l.cache)
	l.mu.Unlock()
	if s != nil {
		s.end()
		l.close(ctx, s.hand, limit)
	}
}

// close ends a session at the BMC, also when ctx is over, or gives up after limit.
func (l *line) close(ctx context.Context, hand bmc.Controller, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := hand.Close(ctx); err != nil {
		l.b.o.Log.Debug("BMC session not closed", "machine", l.machine, "error", err)
	}
}
