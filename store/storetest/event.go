package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

func events() chapter {
	return chapter{
		"an event is read back with every field, and one with none": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			id := b.machine("n1").ID
			full := journal.Event{At: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.FixedZone("", -5*3600)), Kind: journal.DHCPAnswered, Machine: id, Name: "n1",
				MAC: mac(1), Operation: b.deployment("n1").ID, Actor: "dhcp", Summary: "OFFER", Detail: map[string]any{"a": "b", "n": 1.5, "l": []any{"x"}}}
			last := b.lastEvent()
			ok(t, b.AppendEvents(b.ctx(), []journal.Event{full, {Kind: journal.ServerEvent}}))
			got := must(b.Events(b.ctx(), store.EventFilter{After: last}))(t)
			full.ID, full.At = got[0].ID, full.At.UTC().Truncate(time.Microsecond)
			same(t, "full", got[0], full)
			same(t, "empty", got[1], journal.Event{ID: got[1].ID, Kind: journal.ServerEvent, At: b.clock.Now()})
		},
		"events are paged by their ids in the order they were appended": func(t *testing.T, b *bench) {
			var all []journal.Event
			for i := range 250 {
				all = append(all, journal.Event{Kind: journal.ServerEvent, Summary: fmt.Sprint(i)})
			}
			ok(t, b.AppendEvents(b.ctx(), all))
			var after int64
			seen := 0
			for {
				page := must(b.Events(b.ctx(), store.EventFilter{After: after, Limit: 60}))(t)
				if len(page) == 0 {
					break
				}
				for _, e := range page {
					if e.ID <= after || e.Summary != fmt.Sprint(seen) {
						t.Fatalf("event %d is %q, after %d", e.ID, e.Summary, after)
					}
					after = e.ID
					seen++
				}
			}
			same(t, "seen", seen, 250)
			newest := must(b.Events(b.ctx(), store.EventFilter{Newest: true, Limit: 2}))(t)
			same(t, "newest", newest[0].Summary+" "+newest[1].Summary, "249 248")
			same(t, "unless told, a hundred", len(must(b.Events(b.ctx(), store.EventFilter{}))(t)), 100)
		},
		"a reader that follows the cursor misses nothing that racing writers append": func(t *testing.T, b *bench) {
			b.apply(planOf(4))
			const writers, each = 6, 15
			after := b.lastEvent()
			var writing atomic.Int32
			writing.Store(writers)
			got := map[string]bool{}
			race(writers+1, func(i int) {
				if i < writers {
					defer writing.Add(-1)
					for n := range each {
						if err := b.write(i, fmt.Sprintf("%d/%d", i, n)); err != nil {
							t.Error(err)
						}
					}
					return
				}
				for done := false; !done; {
					done = writing.Load() == 0 // and then read once more
					page, err := b.Events(b.ctx(), store.EventFilter{After: after, Limit: 1000})
					if err != nil {
						t.Error(err)
						return
					}
					for _, e := range page {
						after = e.ID
						got[e.Summary] = true
					}
				}
			})
			same(t, "followed", len(got), writers*each)
		},
		"events are found by machine and by operation": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			o := b.deployment("n1")
			for want, f := range map[int]store.EventFilter{
				2: {Machine: "n1"}, 1: {Machine: b.machine("n2").ID}, 0: {Machine: "nobody"},
			} {
				same(t, fmt.Sprintf("%+v", f), len(must(b.Events(b.ctx(), f))(t)), want)
			}
			same(t, "of the operation", len(must(b.Events(b.ctx(), store.EventFilter{Operation: o.ID}))(t)), 1)
			same(t, "of none", len(must(b.Events(b.ctx(), store.EventFilter{Operation: "nonsense"}))(t)), 0)
		},
		"whoever listens is signalled, until it stops listening": func(t *testing.T, b *bench) {
			c, stop := b.NewEvents()
			ok(t, b.AppendEvents(b.ctx(), []journal.Event{{Kind: journal.ServerEvent}, {Kind: journal.ServerEvent}}))
			signalled(t, c)
			stop()
			ok(t, b.AppendEvents(b.ctx(), []journal.Event{{Kind: journal.ServerEvent}}))
			select {
			case <-c:
				t.Error("signalled after the end")
			default:
			}
		},
	}
}

// write leaves one event by one of the ways events are written.
func (b *bench) write(way int, summary string) error {
	e := journal.Event{Kind: journal.AgentEvent, Summary: summary}
	if way%2 == 0 {
		return b.AppendEvents(b.ctx(), []journal.Event{e})
	}
	_, err := b.ChangeMachine(b.ctx(), fmt.Sprintf("n%d", way%4+1), func(m *inventory.Machine) ([]journal.Event, error) {
		m.Image += "x"
		return []journal.Event{e}, nil
	})
	return err
}

func (b *bench) lastEvent() int64 {
	b.t.Helper()
	for _, e := range must(b.Events(b.ctx(), store.EventFilter{Newest: true, Limit: 1}))(b.t) {
		return e.ID
	}
	return 0
}
