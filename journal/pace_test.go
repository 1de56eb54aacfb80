package journal

import (
	"net/netip"
	"testing"
	"time"
)

func TestEachPeerHasAnAllowanceOfItsOwnAndTheirNumberIsBounded(t *testing.T) {
	var p Paces
	now := time.Unix(1_700_000_000, 0)
	drain := func(peer string) (n int) {
		for range 2 * peerBurst {
			if ok, _ := p.Take(netip.MustParseAddr(peer), now); ok {
				n++
			}
		}
		return n
	}
	if n := drain("10.0.0.1") + drain("10.0.0.2"); n != 2*peerBurst {
		t.Errorf("two peers said %d", n)
	}
	if n := drain("2001:db8::1") + drain("2001:db8::2"); n != peerBurst {
		t.Errorf("two addresses of one network said %d", n)
	}
	said := 0
	for i := range 3 * peers {
		if ok, _ := p.Take(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), now); ok {
			said++
		}
	}
	if len(p.left) > peers+1 || said > peers+peerBurst {
		t.Errorf("%d peers are remembered, they said %d", len(p.left), said)
	}
	now = now.Add(time.Hour)
	if ok, _ := p.Take(netip.MustParseAddr("10.9.9.9"), now); !ok || len(p.left) != 1 {
		t.Errorf("after an hour %d peers are remembered", len(p.left))
	}
}
