package broker_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/broker"
	"rackwright/fault"
	"rackwright/inventory"
)

// desk is a Store in memory, shared by the brokers of a test.
type desk struct {
	mu      sync.Mutex
	access  map[string]bmc.Access
	holds   map[string]held
	refused map[string]refusal
	away    bool
	wakes   map[chan struct{}]bool
	taken   []string // owners in the order in which they got a BMC
}

type held struct {
	owner  string
	until  time.Time
	wanted bool
}

type refusal struct {
	version string
	bmc.Refusal
}

func newDesk(access map[string]bmc.Access) *desk {
	return &desk{access: access, holds: map[string]held{}, refused: map[string]refusal{}, wakes: map[chan struct{}]bool{}}
}

func (d *desk) down() error {
	if d.away {
		return fault.Unreachablef("the database does not answer").WithHint("look at it")
	}
	return nil
}

func version(a bmc.Access) string {
	return fmt.Sprint(a.Address, a.Username, a.Password, a.CertificateSHA256)
}

func (d *desk) BMCHold(_ context.Context, id, owner string) (bmc.Hold, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hold(id, owner)
}

func (d *desk) hold(id, owner string) (bmc.Hold, error) {
	if err := d.down(); err != nil {
		return bmc.Hold{}, err
	}
	a, ok := d.access[id]
	if !ok {
		return bmc.Hold{}, fault.NotFoundf("no BMC")
	}
	h := bmc.Hold{Access: a, Version: version(a)}
	if row := d.holds[id]; row.owner != "" && row.until.After(time.Now()) {
		h.Owner, h.Until, h.Mine = row.owner, row.until, row.owner == owner
	}
	if r, ok := d.refused[id]; ok && r.version == h.Version {
		h.Refused = &r.Refusal
	}
	return h, nil
}

func (d *desk) HoldBMC(_ context.Context, id, owner string, ttl time.Duration, want bool) (bmc.Hold, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, err := d.hold(id, owner)
	if err != nil {
		return h, err
	}
	if h.Owner != "" && !h.Mine {
		if row := d.holds[id]; want && !row.wanted {
			row.wanted = true
			d.holds[id] = row
			d.wake()
		}
		return h, nil
	}
	if !h.Mine {
		d.taken = append(d.taken, owner)
	}
	d.holds[id] = held{owner: owner, until: time.Now().Add(ttl), wanted: h.Mine && d.holds[id].wanted}
	return d.hold(id, owner)
}

func (d *desk) RenewBMCs(_ context.Context, owner string, ids []string, ttl time.Duration) (wanted, lost []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.down(); err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		row := d.holds[id]
		if row.owner != owner || !row.until.After(time.Now()) {
			lost = append(lost, id)
			continue
		}
		row.until = time.Now().Add(ttl)
		d.holds[id] = row
		if row.wanted {
			wanted = append(wanted, id)
		}
	}
	return wanted, lost, nil
}

func (d *desk) WantedBMCs(_ context.Context, owner string) (ids []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, row := range d.holds {
		if row.owner == owner && row.wanted {
			ids = append(ids, id)
		}
	}
	return ids, d.down()
}

func (d *desk) ReleaseBMCs(_ context.Context, owner string, ids []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		if d.holds[id].owner == owner {
			delete(d.holds, id)
		}
	}
	d.wake()
	return d.down()
}

func (d *desk) RefuseBMC(_ context.Context, id, version string, r *bmc.Refusal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r == nil {
		delete(d.refused, id)
	} else {
		d.refused[id] = refusal{version, *r}
	}
	return d.down()
}

func (d *desk) PinCertificate(_ context.Context, id, sha256 string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.access[id]; a.CertificateSHA256 == "" {
		a.CertificateSHA256 = sha256
		d.access[id] = a
	}
	return d.down()
}

func (d *desk) HoldsChanged() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wakes[c] = true
	return c, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.wakes, c)
	}
}

func (d *desk) wake() {
	for c := range d.wakes {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// plan gives a BMC another access.
func (d *desk) plan(id string, a bmc.Access) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.access[id] = a
}

func (d *desk) gone(away bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.away = away
}

// slow is a rack whose BMCs take time for what they do, and which sees what is done at once.
type slow struct {
	*bmctest.Rack
	takes map[bmctest.Op]time.Duration

	mu       sync.Mutex
	sessions map[string]int // open, by address
	most     map[string]int
	changes  int
	overlap  bool // two changes at once
}

func (s *slow) Dial(ctx context.Context, a bmc.Access) (bmc.Controller, error) {
	if err := s.pass(ctx, bmctest.Dial); err != nil {
		return nil, bmc.NoAnswer(a, err)
	}
	c, err := s.Rack.Dial(ctx, a)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[a.Address]++
	s.most[a.Address] = max(s.most[a.Address], s.sessions[a.Address])
	return &slowHand{Controller: c, s: s, a: a}, nil
}

func (s *slow) pass(ctx context.Context, op bmctest.Op) error {
	d := s.takes[op]
	if d == 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type slowHand struct {
	bmc.Controller
	s    *slow
	a    bmc.Access
	once sync.Once
}

func (h *slowHand) Power(ctx context.Context) (inventory.Power, error) {
	if err := h.s.pass(ctx, bmctest.Power); err != nil {
		return "", bmc.NoAnswer(h.a, err)
	}
	return h.Controller.Power(ctx)
}

func (h *slowHand) Facts(ctx context.Context) (inventory.Facts, error) {
	if err := h.s.pass(ctx, bmctest.Facts); err != nil {
		return inventory.Facts{}, bmc.NoAnswer(h.a, err)
	}
	return h.Controller.Facts(ctx)
}

func (h *slowHand) On(ctx context.Context) error {
	h.s.mu.Lock()
	h.s.changes++
	h.s.overlap = h.s.overlap || h.s.changes > 1
	h.s.mu.Unlock()
	defer func() {
		h.s.mu.Lock()
		defer h.s.mu.Unlock()
		h.s.changes--
	}()
	if err := h.s.pass(ctx, bmctest.On); err != nil {
		return bmc.NoAnswer(h.a, err)
	}
	return h.Controller.On(ctx)
}

func (h *slowHand) Stream(ctx context.Context, _ func(bmc.Entry)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h *slowHand) Close(ctx context.Context) error {
	h.once.Do(func() {
		h.s.mu.Lock()
		defer h.s.mu.Unlock()
		h.s.sessions[h.a.Address]--
	})
	return h.Controller.Close(ctx)
}

// bench is one machine n1 with its BMC, and brokers as of several processes.
type bench struct {
	t    *testing.T
	desk *desk
	rack *slow
	bmc  *bmctest.BMC
}

var access = bmc.Access{Address: "https://10.0.1.11", Username: "admin", Password: "right"}

// inBubble runs a test on a clock that jumps to whatever is waited for.
func inBubble(t *testing.T, test func(*testing.T, *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rack := &slow{Rack: bmctest.NewRack(), takes: map[bmctest.Op]time.Duration{}, sessions: map[string]int{}, most: map[string]int{}}
		b := &bench{t: t, rack: rack, bmc: rack.Add(access, bmctest.Server(1)), desk: newDesk(map[string]bmc.Access{"n1": access})}
		test(t, b)
	})
}

// broker runs a broker until stop is called, at the latest when the test ends.
func (b *bench) broker(owner string) (hands *broker.Broker, stop func()) {
	hands = broker.New(broker.Options{Store: b.desk, Dialer: b.rack, Log: slog.New(slog.DiscardHandler), Now: time.Now, Owner: owner})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := hands.Run(ctx); err != nil {
			b.t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	b.t.Cleanup(stop)
	return hands, stop
}

func (b *bench) hand(hands bmc.Hands, u bmc.Urgency) bmc.Controller {
	b.t.Helper()
	c, err := hands.Hand(as(b.t, u), "n1")
	if err != nil {
		b.t.Fatalf("Hand: %v (%s)", err, fault.HintOf(err))
	}
	b.t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func (b *bench) asked(op bmctest.Op) (n int) {
	for _, c := range b.bmc.Calls() {
		if c == op {
			n++
		}
	}
	return n
}

func as(t *testing.T, u bmc.Urgency) context.Context { return bmc.WithUrgency(t.Context(), u) }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (%s)", err, fault.HintOf(err))
	}
}
