package mockup

import (
	"context"
	"slices"
	"time"
)

// agenda is what will happen by itself, the earliest first.
type agenda struct {
	items []item
	soon  chan struct{} // told when the first may be another
}

type item struct {
	due time.Time
	of  string // whose it is, to take it back
	do  func()
}

// in plans something for later; BMC.mu is held then, too.
func (b *BMC) in(d time.Duration, of string, do func()) {
	it := item{b.cfg.Now().Add(d), of, do}
	i, _ := slices.BinarySearchFunc(b.agenda.items, it.due, func(a item, t time.Time) int {
		if a.due.After(t) {
			return 1
		}
		return -1
	})
	b.agenda.items = slices.Insert(b.agenda.items, i, it)
	select {
	case b.agenda.soon <- struct{}{}:
	default:
	}
}

// drop takes back what was planned of somebody.
func (b *BMC) drop(of string) {
	b.agenda.items = slices.DeleteFunc(b.agenda.items, func(i item) bool { return i.of == of })
}

// tick does what is due. It runs before each request is looked at, so that nothing depends
// on a clock that ticks beside.
func (b *BMC) tick() {
	for len(b.agenda.items) > 0 && !b.agenda.items[0].due.After(b.cfg.Now()) {
		it := b.agenda.items[0]
		b.agenda.items = b.agenda.items[1:]
		it.do()
	}
}

// tickAlong does what is due also when nobody asks, for events and for OnStart.
func (b *BMC) tickAlong(ctx context.Context) {
	for {
		b.mu.Lock()
		b.tick()
		boots := b.newBoots()
		wait := time.Hour
		if len(b.agenda.items) > 0 {
			wait = max(b.agenda.items[0].due.Sub(b.cfg.Now()), 0)
		}
		soon := b.agenda.soon
		b.mu.Unlock()
		b.tell(boots)
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-soon:
			t.Stop()
		case <-t.C:
		}
	}
}

// newBoots are the starts that OnStart was not told yet.
func (b *BMC) newBoots() []Boot {
	boots := b.untold
	b.untold = nil
	return boots
}

func (b *BMC) tell(boots []Boot) {
	for _, boot := range boots {
		if b.cfg.OnStart != nil {
			b.cfg.OnStart(boot)
		}
	}
}
