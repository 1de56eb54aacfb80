package storetest

import (
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

func bmcHolds() chapter {
	const ttl = 30 * time.Second
	return chapter{
		"a BMC is held by one process at a time": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			id := b.machine("n1").ID
			h := must(b.HoldBMC(b.ctx(), id, "p1", ttl, true))(t)
			same(t, "taken", []any{h.Mine, h.Owner, h.Access.Password}, []any{true, "p1", "password 1"})
			if b.Single() {
				same(t, "written", b.count("SELECT count(*) FROM bmc_hold"), 0)
				return
			}
			h = must(b.HoldBMC(b.ctx(), id, "p2", ttl, false))(t)
			same(t, "another's", []any{h.Mine, h.Owner}, []any{false, "p1"})
			same(t, "wanted", must(b.WantedBMCs(b.ctx(), "p1"))(t), []string{})
			must(b.HoldBMC(b.ctx(), id, "p2", ttl, true))(t)
			same(t, "wanted", must(b.WantedBMCs(b.ctx(), "p1"))(t), []string{id})
			ok(t, b.ReleaseBMCs(b.ctx(), "p2", []string{id})) // not its own
			same(t, "still", must(b.BMCHold(b.ctx(), id, "p1"))(t).Mine, true)
			ok(t, b.ReleaseBMCs(b.ctx(), "p1", []string{id}))
			same(t, "free", must(b.BMCHold(b.ctx(), id, "p1"))(t).Owner, "")
			same(t, "handed over", must(b.HoldBMC(b.ctx(), id, "p2", ttl, true))(t).Mine, true)
			same(t, "wanted no more", must(b.WantedBMCs(b.ctx(), "p2"))(t), []string{})
		},
		"of many processes that reach for a BMC one gets it": func(t *testing.T, b *bench) {
			if b.Single() {
				t.Skip("one process has the database to itself")
			}
			b.apply(planOf(1))
			id := b.machine("n1").ID
			mine := make([]bool, 8)
			race(len(mine), func(i int) {
				h, err := b.HoldBMC(b.ctx(), id, string(rune('a'+i)), ttl, true)
				if err != nil {
					t.Error(err)
				}
				mine[i] = h.Mine
			})
			got := 0
			for _, is := range mine {
				if is {
					got++
				}
			}
			same(t, "owners", got, 1)
		},
		"a hold lasts while it is renewed and ends by itself": func(t *testing.T, b *bench) {
			if b.Single() {
				t.Skip("one process has the database to itself")
			}
			b.apply(planOf(3))
			one, two, three := b.machine("n1").ID, b.machine("n2").ID, b.machine("n3").ID
			must(b.HoldBMC(b.ctx(), one, "p1", ttl, true))(t)
			must(b.HoldBMC(b.ctx(), two, "p1", ttl, true))(t)
			must(b.HoldBMC(b.ctx(), three, "p2", ttl, true))(t)
			b.clock.Turn(20 * time.Second)
			must(b.HoldBMC(b.ctx(), two, "p2", ttl, true))(t)
			wanted, lost, err := b.RenewBMCs(b.ctx(), "p1", []string{one, two, three}, ttl)
			ok(t, err)
			same(t, "wanted and lost", [][]string{wanted, lost}, [][]string{{two}, {three}})
			b.clock.Turn(20 * time.Second)
			same(t, "renewed", must(b.HoldBMC(b.ctx(), one, "p2", ttl, false))(t).Mine, false)
			same(t, "dead", must(b.HoldBMC(b.ctx(), three, "p1", ttl, false))(t).Mine, true)
			b.clock.Turn(11 * time.Second)
			_, lost, err = b.RenewBMCs(b.ctx(), "p1", []string{one, two, three}, ttl)
			ok(t, err)
			same(t, "what ended is not renewed", lost, []string{one, two})
		},
		"who waits for a BMC is told when it is free": func(t *testing.T, b *bench) {
			if b.Single() {
				t.Skip("one process has the database to itself")
			}
			b.apply(planOf(1))
			id := b.machine("n1").ID
			other := b.open(b.dsn)
			heard, stop := other.HoldsChanged()
			defer stop()
			b.background(other.Listener().Run)
			b.hears(heard) // it listens
			must(b.HoldBMC(b.ctx(), id, "p1", ttl, false))(t)
			must(b.HoldBMC(b.ctx(), id, "p2", ttl, true))(t)
			b.hears(heard)
			ok(t, b.ReleaseBMCs(b.ctx(), "p1", []string{id}))
			b.hears(heard)
		},
		"a refusal counts for the credentials that were refused": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			id := b.machine("n1").ID
			h := must(b.BMCHold(b.ctx(), id, "p1"))(t)
			same(t, "at first", h.Refused == nil, true)
			at := b.clock.Now().Truncate(time.Microsecond)
			ok(t, b.RefuseBMC(b.ctx(), id, h.Version, &bmc.Refusal{At: at, Words: "wrong password", Hint: "mend it"}))
			h = must(b.HoldBMC(b.ctx(), id, "p1", ttl, false))(t)
			same(t, "said", *h.Refused, bmc.Refusal{At: at, Words: "wrong password", Hint: "mend it"})
			b.apply(planOf(1))
			same(t, "the same plan again", must(b.BMCHold(b.ctx(), id, "p1"))(t).Refused != nil, true)
			p := planOf(1)
			p.Racks[0].Machines[0].BMC.Password = "another"
			b.apply(p)
			same(t, "after a new password", must(b.BMCHold(b.ctx(), id, "p1"))(t).Refused == nil, true)
			ok(t, b.RefuseBMC(b.ctx(), id, h.Version, nil))
		},
		"a machine without a BMC has none to hold": func(t *testing.T, b *bench) {
			p := planOf(1)
			p.Racks[0].Machines[0].BMC = nil
			b.apply(p)
			_, err := b.HoldBMC(b.ctx(), b.machine("n1").ID, "p1", ttl, true)
			refused(t, err, fault.NotFound)
		},
	}
}
