package store

import (
	"net/netip"
	"testing"
	"time"

	"rackwright/inventory"
)

func TestARecentLeaseIsGoodUntilSomebodyElseWrites(t *testing.T) {
	first, second := netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("10.0.0.11")
	n := &inventory.Network{ID: "n", Name: "lab", Pool: inventory.Pool{First: first, Last: second}}
	now := time.Unix(1000, 0)
	loan := func(i byte, a netip.Addr) []*inventory.Loan {
		m := inventory.MAC{2, i}
		return []*inventory.Loan{{MAC: m, Lease: inventory.Lease{MAC: m, Network: "lab", Address: a, Until: now.Add(time.Minute)}}}
	}
	r := &recent{}
	r.keep("n", loan(1, first), turn{5, 3})
	for name, c := range map[string]struct {
		mac    byte
		others uint64
		until  time.Time
		want   bool
	}{
		"at once":              {1, 3, now, true},
		"somebody wrote since": {1, 4, now, false},
		"it ends too soon":     {1, 3, now.Add(time.Hour), false},
		"another client's":     {2, 3, now, false},
	} {
		if l, ok := r.of(n, inventory.MAC{2, c.mac}, c.others, c.until); ok != c.want || ok && l.Address != first {
			t.Errorf("%s: %v %t", name, l, ok)
		}
	}
	r.keep("n", loan(1, second), turn{7, 3})
	r.keep("n", loan(1, first), turn{6, 3}) // that was written before it
	if l, ok := r.of(n, inventory.MAC{2, 1}, 3, now); !ok || l.Address != second {
		t.Errorf("the later turn counts: %v %t", l, ok)
	}
	if l, ok := r.of(&inventory.Network{ID: "n", Name: "lab", Pool: inventory.Pool{First: first, Last: first}}, inventory.MAC{2, 1}, 3, now); ok {
		t.Errorf("it is not in the pool any more: %v", l)
	}
	for i := range 3 * mostRecent {
		r.keep("n", []*inventory.Loan{{MAC: inventory.MAC{4, byte(i >> 8), byte(i)}}}, turn{uint64(8 + i), 3})
	}
	if len(r.leases) > mostRecent || len(r.before) > mostRecent {
		t.Errorf("%d and %d are kept", len(r.leases), len(r.before))
	}
	if _, ok := r.of(n, inventory.MAC{2, 1}, 3, now); ok {
		t.Error("what was lent long ago is remembered")
	}
}
