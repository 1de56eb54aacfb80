package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/journal"
	"rackwright/store"
)

func bmcLogs() map[string]func(*testing.T, *bench) {
	told := func(m string, words ...string) (events []journal.Event) {
		for _, w := range words {
			events = append(events, journal.Event{Kind: journal.BMCEvent, Machine: m, Name: "n1", Actor: "bmc", Summary: w})
		}
		return events
	}
	return map[string]func(*testing.T, *bench){
		"the log of each BMC is read by one process at a time, and again when it is old": func(t *testing.T, b *bench) {
			b.apply(planOf(5))
			var all []string
			var n atomic.Int64
			rounds := make([][]string, 4)
			race(4, func(i int) {
				rounds[i] = must(b.DueBMCLogs(b.ctx(), b.clock.Now().Add(-time.Minute), 10))(t)
				n.Add(int64(len(rounds[i])))
			})
			for _, r := range rounds {
				all = append(all, r...)
			}
			slices.Sort(all)
			same(t, "machines read once", []int{int(n.Load()), len(slices.Compact(all))}, []int{5, 5})
			same(t, "due at once again", len(must(b.DueBMCLogs(b.ctx(), b.clock.Now().Add(-time.Minute), 10))(t)), 0)
			b.clock.Turn(2 * time.Minute)
			same(t, "due later", len(must(b.DueBMCLogs(b.ctx(), b.clock.Now().Add(-time.Minute), 3))(t)), 3)
		},
		"what a BMC told and how far that is are written together, by the one who knew where it was": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			id := b.machine("n1").ID
			same(t, "at first", must(b.BMCLog(b.ctx(), id))(t), store.BMCLog{})
			var won atomic.Int64
			race(6, func(i int) {
				if must(b.TellBMC(b.ctx(), id, store.BMCLog{}, store.BMCLog{Cursor: fmt.Sprint("c", i), Subscription: "7"}, told(id, "fan failed")))(t) {
					won.Add(1)
				}
			})
			is := must(b.BMCLog(b.ctx(), id))(t)
			same(t, "winners, events", []int{int(won.Load()), b.count("SELECT count(*) FROM event WHERE kind = 'bmc.event'")}, []int{1, 1})
			same(t, "with the old cursor", must(b.TellBMC(b.ctx(), id, store.BMCLog{}, store.BMCLog{Cursor: "x"}, told(id, "lost")))(t), false)
			same(t, "with the new", must(b.TellBMC(b.ctx(), id, is, store.BMCLog{Cursor: "d"}, told(id, "fan back", "all well")))(t), true)
			same(t, "left", must(b.BMCLog(b.ctx(), id))(t), store.BMCLog{Cursor: "d"})
			same(t, "events", b.count("SELECT count(*) FROM event WHERE kind = 'bmc.event'"), 3)
		},
	}
}
