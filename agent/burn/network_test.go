package burn

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// peer takes as long and fails as it is told, on a clock of its own.
type peer struct {
	now  time.Time
	rate float64 // bytes a second
	errs []error // of the next transfers
	size []int64
}

func (p *peer) move(n int64) error {
	p.size = append(p.size, n)
	if len(p.errs) > 0 {
		err := p.errs[0]
		if p.errs = p.errs[1:]; err != nil {
			return err
		}
	}
	p.now = p.now.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	return nil
}

func (p *peer) Receive(_ context.Context, _ string, n int64) error { return p.move(n) }
func (p *peer) Send(_ context.Context, _ string, n int64) error    { return p.move(n) }

func wired(p *peer) (*network, *findings) {
	found := &findings{}
	w := World{Now: func() time.Time { return p.now }, Pause: func(context.Context, time.Duration) error { return nil }, Peer: p,
		Reach: func(port string) bool { return port == "eth0" },
		Facts: func() inventory.Facts {
			return inventory.Facts{NICs: []inventory.SeenNIC{{Name: "eth0", Driver: "ixgbe", Mbps: 10000, Link: true}, {Name: "eth1", Link: true}, {Name: "eth2"}}}
		}}
	return newNetwork(w, found), found
}

func TestEachPortWithAnAddressIsMeasuredByItsBestTransfer(t *testing.T) {
	p := &peer{rate: 100 << 20}
	n, found := wired(p)
	for i := range 12 {
		if i == 8 {
			p.rate = 10 << 20 // others share the peer
		}
		n.transfer(t.Context(), n.ports[0])
	}
	errs, notes := found.told()
	if len(n.ports) != 1 || len(errs) > 0 || len(notes) != 1 || !strings.Contains(notes[0], "eth1 has link and no address") {
		t.Errorf("%q %q", errs, notes)
	}
	for _, f := range n.figures() {
		if (f.Name == "receive" || f.Name == "send") && (f.Value < 99.9 || f.Value > 100.1 || f.Part != "eth0" || f.Of != "ixgbe 10000 Mb/s") {
			t.Errorf("%+v", f)
		}
	}
	if last := p.size[len(p.size)-1]; last != longestTransfer {
		t.Errorf("transfers grew to %d", last)
	}
}

func TestABusyPeerIsNoFaultOfThePortAndDamageIs(t *testing.T) {
	p := &peer{rate: 1 << 20, errs: []error{fault.Conflictf("the server serves other machines"), fault.Unreachablef("connection refused"),
		fault.Unreachablef("%w", errors.New("local error: tls: bad record MAC"))}}
	n, found := wired(p)
	for range 4 {
		n.transfer(t.Context(), n.ports[0])
	}
	errs, notes := found.told()
	if len(errs) != 1 || !strings.Contains(errs[0], "port eth0: data arrived damaged, 2 times so far") || len(notes) != 2 || !strings.Contains(notes[1], "transfers failed once; the last: connection refused") {
		t.Errorf("%q %q", errs, notes)
	}
}
