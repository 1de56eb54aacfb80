package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/store"
)

func claims() chapter {
	return chapter{
		"many workers that claim at once get every operation exactly once": func(t *testing.T, b *bench) {
			const work = 24
			b.apply(planOf(work))
			for i := 1; i <= work; i++ {
				must(b.CreateOperation(b.ctx(), deploy.Inspect, fmt.Sprintf("n%d", i), deploy.Order{}, "tester"))(t)
			}
			var mu sync.Mutex
			got := map[string]int{}
			race(8, func(i int) {
				for idle := 0; idle < 3; { // a worker that lost a race may find nothing once
					o, err := b.ClaimOperation(b.ctx(), fmt.Sprint("w", i), lease)
					if err != nil {
						t.Error(err)
						return
					}
					if o == nil {
						idle++
						continue
					}
					mu.Lock()
					got[o.ID]++
					mu.Unlock()
				}
			})
			for id, n := range got {
				if n != 1 {
					t.Errorf("%s was given %d times", id, n)
				}
			}
			same(t, "operations given", len(got), work)
		},
		"what was due first is claimed first, and what is not due is not claimed": func(t *testing.T, b *bench) {
			b.apply(planOf(3))
			for _, name := range []string{"n2", "n3", "n1"} {
				b.clock.Turn(time.Second)
				must(b.CreateOperation(b.ctx(), deploy.Inspect, name, deploy.Order{}, "tester"))(t)
			}
			first := b.claim("w")
			same(t, "first", first.Name, "n2")
			first.State, first.Due = deploy.Running, b.clock.Now().Add(time.Minute)
			ok(t, b.SaveOperation(b.ctx(), first))
			same(t, "next", []string{b.claim("w").Name, b.claim("w").Name}, []string{"n3", "n1"})
			if o := must(b.ClaimOperation(b.ctx(), "w", lease))(t); o != nil {
				t.Errorf("claimed %s", o.Name)
			}
			b.clock.Turn(30 * time.Second)
			ok(t, b.PokeOperation(b.ctx(), first.ID))
			same(t, "poked", b.claim("w").Name, "n2")
		},
		"a dead worker's operation is claimed again when its lease ends, with a new fence": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			dead := b.claim("dead")
			b.clock.Turn(lease - time.Second)
			if o := must(b.ClaimOperation(b.ctx(), "heir", lease))(t); o != nil {
				t.Fatal("claimed while the lease ran")
			}
			b.clock.Turn(time.Second)
			heir := b.claim("heir")
			if heir.ID != dead.ID || heir.Fence <= dead.Fence {
				t.Errorf("heir has %s fence %d, the dead had %s fence %d", heir.ID, heir.Fence, dead.ID, dead.Fence)
			}
		},
		"a worker that was thought dead can neither save nor renew, and its events are not told": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			stale := b.claim("slow")
			b.clock.Turn(lease)
			heir := b.claim("heir")
			stale.Message = "from the grave"
			refused(t, b.SaveOperation(b.ctx(), stale), fault.Conflict)
			refused(t, b.RenewOperation(b.ctx(), stale.ID, stale.Fence, lease), fault.Conflict)
			same(t, "message", must(b.Operation(b.ctx(), heir.ID))(t).Message, "")
			heir.Message = "from the heir"
			ok(t, b.SaveOperation(b.ctx(), heir))
			same(t, "message", must(b.Operation(b.ctx(), heir.ID))(t).Message, "from the heir")
		},
		"a lease that is renewed does not end": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			o := b.claim("w")
			b.clock.Turn(lease - time.Second)
			ok(t, b.RenewOperation(b.ctx(), o.ID, o.Fence, lease))
			b.clock.Turn(lease - time.Second)
			if again := must(b.ClaimOperation(b.ctx(), "heir", lease))(t); again != nil {
				t.Error("claimed in spite of the renewal")
			}
		},
		"saving gives the lease up": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			o := b.running("n1")
			next := b.claim("other")
			same(t, "operation", next.ID, o.ID)
			if next.Fence <= o.Fence {
				t.Errorf("fence %d after %d", next.Fence, o.Fence)
			}
		},
		"what comes in while a worker holds an operation makes it due at once": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			o := b.running("n1")
			held := b.claim("w")
			ok(t, b.AddEvidence(b.ctx(), o.ID, store.SawDHCP, map[string]any{}))
			held.Due = b.clock.Now().Add(time.Hour) // decided before the evidence came
			ok(t, b.SaveOperation(b.ctx(), held))
			again := b.claim("w")
			again.Due = b.clock.Now().Add(time.Hour) // has seen it
			ok(t, b.SaveOperation(b.ctx(), again))
			if o := must(b.ClaimOperation(b.ctx(), "w", lease))(t); o != nil {
				t.Error("due again for evidence that was seen")
			}
		},
		"the one process of an embedded database takes over what it held before it died": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			before := b.claim("dead")
			ok(t, b.ReleaseLeases(b.ctx()))
			after := b.claim("born again")
			same(t, "operation", after.ID, before.ID)
			refused(t, b.SaveOperation(b.ctx(), before), fault.Conflict)
		},
		"work that may be due is signalled": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			due, stop := b.WorkDue()
			defer stop()
			b.deployment("n1")
			signalled(t, due)
		},
	}
}

// signalled expects a signal that was sent before.
func signalled(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	default:
		t.Error("no signal")
	}
}
