// Package broker owns the sessions at all BMCs: one per BMC, one change at a time, reads
// shared, people first. It decides nothing about machines.
package broker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// Store is what the broker asks of the database: how BMCs are reached, and which of the
// processes that share them talks to one.
type Store interface {
	// BMCHold says how things stand and changes nothing.
	BMCHold(ctx context.Context, machineID, owner string) (bmc.Hold, error)
	// HoldBMC takes the BMC for owner when nobody living has it, else says who does, and
	// that it is wanted if want is set.
	HoldBMC(ctx context.Context, machineID, owner string, ttl time.Duration, want bool) (bmc.Hold, error)
	// RenewBMCs keeps what owner holds, and lists what others want and what it holds no more.
	RenewBMCs(ctx context.Context, owner string, machineIDs []string, ttl time.Duration) (wanted, lost []string, err error)
	// WantedBMCs lists what owner holds and others want.
	WantedBMCs(ctx context.Context, owner string) ([]string, error)
	// ReleaseBMCs gives up what owner holds.
	ReleaseBMCs(ctx context.Context, owner string, machineIDs []string) error
	// RefuseBMC notes that the BMC refused a version of its credentials; nil: no more.
	RefuseBMC(ctx context.Context, machineID, version string, r *bmc.Refusal) error
	// PinCertificate keeps the certificate a BMC showed at first contact.
	PinCertificate(ctx context.Context, machineID, sha256 string) error
	// HoldsChanged signals that a BMC is wanted or became free, where that is cheap.
	HoldsChanged() (<-chan struct{}, func())
}

// Options are what a Broker works with. Those without a remark are required.
type Options struct {
	Store  Store
	Dialer bmc.Dialer
	Log    *slog.Logger
	Now    func() time.Time
	Owner  string        // unique to this process
	Idle   time.Duration // a session that nobody uses is closed after it; 0: 75 s, longer than the watch's round
	Lease  time.Duration // how long a process that died keeps a BMC from others; 0: 30 s
}

// Bounds of what waits.
const (
	idle    = 75 * time.Second
	lease   = 30 * time.Second
	parting = 10 * time.Second       // to close one session
	drain   = 10 * time.Second       // for calls in flight when the server stops
	closers = 128                    // sessions being closed at a time
	asking  = 5 * time.Second        // the database, for what no caller waits for
	again   = 500 * time.Millisecond // between two looks at who holds a BMC
)

// Broker gives hands out. It is a task: only while Run runs are leases renewed and idle
// sessions closed.
type Broker struct {
	o Options

	mu       sync.Mutex
	lines    map[string]*line // by machine
	stopping bool
}

var _ bmc.Hands = (*Broker)(nil)

// New makes a broker.
func New(o Options) *Broker {
	if o.Idle == 0 {
		o.Idle = idle
	}
	if o.Lease == 0 {
		o.Lease = lease
	}
	return &Broker{o: o, lines: map[string]*line{}}
}

// Hand implements bmc.Hands. The session is open when it returns, and reached as the
// database says now: a plan that gave the BMC another address or password has ended the
// old one.
func (b *Broker) Hand(ctx context.Context, machineID string) (bmc.Controller, error) {
	l, err := b.line(machineID)
	if err != nil {
		return nil, err
	}
	certificate, err := greet(ctx, l)
	if err != nil {
		b.leave(l)
		return nil, err
	}
	return &share{way: l, certificate: certificate, end: func(context.Context) error { b.leave(l); return nil }}, nil
}

// line returns the line to a machine's BMC, which stays in the map until leave.
func (b *Broker) line(machineID string) (*line, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopping {
		return nil, stopped()
	}
	l := b.lines[machineID]
	if l == nil {
		l = newLine(b, machineID)
		b.lines[machineID] = l
	}
	l.shares++
	return l, nil
}

// leave gives a share of a line back.
func (b *Broker) leave(l *line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l.shares--
}

// all lists the lines.
func (b *Broker) all() []*line {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]*line, 0, len(b.lines))
	for _, l := range b.lines {
		out = append(out, l)
	}
	return out
}

func stopped() error {
	return fault.Unreachablef("the server is stopping").WithHint("try again when it runs")
}
