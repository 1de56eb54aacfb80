package listen

import (
	"hash/maphash"
	"sync"
	"time"

	"rackwright/inventory"
)

// What of quick answers is written down one by one, with a sighting.
const (
	toldRate   = 2000 // a second: a hall that powers on stays below
	toldAtOnce = 1000
	crowdRate  = 32 // a second, while more than toldRate come
	ofOne      = 64 // of one machine in a minute
	aBoot      = 16 // of one machine in a minute, while more than toldRate come
	quotaSize  = 1 << 14
)

// quota says which messages of known machines are written down. As long as no more come than
// people can make machines send, that is each. Of more, writing must not cost what answering
// needs: few machines' are, but of those all of a boot, for half a boot misleads. One machine
// that does not stop leaves the others their part.
type quota struct {
	mu      sync.Mutex
	all     bucket
	crowded bool
	second  time.Time // since when messages are counted
	came    int
	minute  time.Time // since when told are
	told    [quotaSize]uint8
	seed    maphash.Seed
}

func newQuota() *quota { return &quota{seed: maphash.MakeSeed(), all: bucket{most: toldAtOnce}} }

// take reports whether a message is to be written down.
func (q *quota) take(now time.Time, mac inventory.MAC) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	q.came++
	told := &q.told[maphash.Comparable(q.seed, mac)%quotaSize] // machines may share one: they share what it allows
	if !q.crowded && *told < ofOne {
		if q.all.take(now, toldRate) {
			*told++
			return true
		}
		q.crowded, q.told = true, [quotaSize]uint8{}
	}
	switch {
	case *told == 0 && !q.all.takeMany(now, crowdRate, aBoot), *told >= aBoot:
		return false
	}
	*told++
	return true
}

// turn begins the next second, which is a crowded one when the last was, and the next minute.
func (q *quota) turn(now time.Time) {
	if d := now.Sub(q.second); d >= time.Second {
		if q.crowded && float64(q.came) < toldRate*d.Seconds() {
			q.crowded = false
		}
		q.second, q.came = now, 0
	}
	if now.Sub(q.minute) >= time.Minute {
		q.minute, q.told = now, [quotaSize]uint8{}
	}
}
