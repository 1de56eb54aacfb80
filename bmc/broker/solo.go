package broker

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"

	"rackwright/bmc"
	"rackwright/fault"
)

// solo is a session of its own at a BMC, with whatever credentials; nobody else is there
// until it is closed.
type solo struct {
	l    *line
	t    *turn
	hand bmc.Controller
	once sync.Once
}

// HandAs implements bmc.Hands.
func (b *Broker) HandAs(ctx context.Context, machineID string, a bmc.Access) (bmc.Controller, error) {
	l, err := b.line(machineID)
	if err != nil {
		return nil, err
	}
	t := &turn{kind: alone, urgency: max(bmc.UrgencyOf(ctx), bmc.Work)}
	if err := l.take(ctx, t); err != nil {
		b.leave(l)
		return nil, err
	}
	hand, err := l.dialAs(bmc.WithUrgency(ctx, t.urgency), a)
	if err != nil {
		l.give(t)
		b.leave(l)
		return nil, err
	}
	s := &solo{l: l, t: t, hand: hand}
	l.mu.Lock()
	l.solo = s
	l.mu.Unlock()
	return &share{way: s, certificate: hand.Certificate(), end: s.close}, nil
}

// dialAs closes the shared session and opens the other.
func (l *line) dialAs(ctx context.Context, a bmc.Access) (bmc.Controller, error) {
	h, err := l.hold(ctx)
	if err != nil {
		return nil, err
	}
	l.current(h.Version)
	l.changed()
	l.hangUp(ctx, parting)
	if a.CertificateSHA256 == "" {
		a.CertificateSHA256 = h.Access.CertificateSHA256
	}
	ours := sum(a) == sum(h.Access)
	if ours && !bmc.IsDeliberate(ctx) {
		if err := l.barred(ctx, h); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	r, known := l.others[sum(a)]
	l.mu.Unlock()
	if known && !bmc.IsDeliberate(ctx) && serving(&r, l.b.o.Now()) {
		return nil, refused(a, r)
	}
	within, stop := l.within(ctx)
	defer stop()
	began := l.b.o.Now()
	hand, err := l.b.o.Dialer.Dial(within, a)
	if err = l.whose(within, err); err != nil {
		if _, other := bmc.ShownInstead(err); other && !ours { // no password was sent
			return nil, err
		}
		if fault.Is(err, fault.Denied) && !ours {
			l.refuse(a, err)
			return nil, err
		}
		l.judge(ctx, h, err, l.b.o.Now().Sub(began), true)
		return nil, err
	}
	l.admit(ctx, h, a, ours)
	pinned, err := l.pin(ctx, bmc.Hold{Access: a, Version: h.Version}, hand)
	if err != nil {
		l.close(ctx, hand, parting)
		return nil, err
	}
	l.current(pinned.Version)
	return hand, nil
}

// admit forgets that the BMC refused these credentials.
func (l *line) admit(ctx context.Context, h bmc.Hold, a bmc.Access, ours bool) {
	if ours {
		l.judge(ctx, h, nil, 0, true)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.others, sum(a))
}

// mostOthers bounds how many refused credentials are remembered of a BMC.
const mostOthers = 16

// refuse remembers that a BMC refused credentials that are not those of the database.
func (l *line) refuse(a bmc.Access, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.others == nil || len(l.others) >= mostOthers {
		l.others = map[[32]byte]bmc.Refusal{}
	}
	l.others[sum(a)] = bmc.Refusal{At: l.b.o.Now(), Words: err.Error(), Hint: fault.HintOf(err)}
}

// sum tells one login from another. It stays in memory.
func sum(a bmc.Access) [32]byte {
	return sha256.Sum256([]byte(strings.Join([]string{a.Address, a.Username, a.Password, strings.ToLower(a.CertificateSHA256)}, "\x00")))
}

// do makes the call at once: the caller is alone at the BMC, and the driver keeps its
// changes apart.
func (s *solo) do(ctx context.Context, _ *turn, _ bool, call func(context.Context, bmc.Controller) error) error {
	within, stop := s.l.within(ctx)
	defer stop()
	return s.l.whose(within, call(within, s.hand))
}

func (s *solo) stream(ctx context.Context, call func(context.Context, bmc.Controller) error) error {
	return s.do(ctx, nil, false, call)
}

func (s *solo) rekeyed(user string) { s.l.rekeyed(user) }

// close ends the session and lets the others in.
func (s *solo) close(ctx context.Context) error {
	s.once.Do(func() {
		s.l.close(ctx, s.hand, parting)
		s.l.changed()
		s.l.mu.Lock()
		s.l.solo = nil
		s.l.mu.Unlock()
		s.l.give(s.t)
		s.l.b.leave(s.l)
	})
	return nil
}
