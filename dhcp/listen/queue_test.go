package listen

import (
	"testing"
)

func TestStrangersWaitInTurnBoundedAndLeaveNoGarbage(t *testing.T) {
	q := newQueue(nil)
	message := func(i int) *arrival { return &arrival{b: []byte{byte(i), byte(i >> 8)}} }
	for i := range maxStrangers {
		if !q.add(message(i)) {
			t.Fatalf("%d do not fit", i)
		}
	}
	if q.add(message(0)) {
		t.Error("there is no bound")
	}
	first := 0
	turn := func() {
		if p := q.waiting[0]; p.b[0] != byte(first) || p.b[1] != byte(first>>8) {
			t.Fatalf("it is the turn of %d, and %x is there", first, p.b)
		}
		q.waiting[0].release()
		q.waiting = q.waiting[1:]
		q.add(message(first + maxStrangers))
		first++
	}
	for range 3 * maxStrangers {
		turn()
	}
	if n := testing.AllocsPerRun(2*maxStrangers, turn); n > 2 { // the test's own message
		t.Errorf("%v allocations for each", n)
	}
}
