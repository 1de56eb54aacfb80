package listen

import (
	"testing"
	"time"

	"rackwright/inventory"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func machine(i int) inventory.MAC {
	return inventory.MAC{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}
}

// told asks for so many messages of each of n machines within a second, and returns how many
// of each are written down.
func told(q *quota, from time.Time, n, each int) map[inventory.MAC]int {
	out := map[inventory.MAC]int{}
	for i := range n * each {
		mac := machine(i % n)
		if q.take(from.Add(time.Second*time.Duration(i)/time.Duration(n*each)), mac) {
			out[mac]++
		}
	}
	return out
}

func altogether(m map[inventory.MAC]int) (n int) {
	for _, k := range m {
		n += k
	}
	return n
}

func TestAHallThatPowersOnIsWrittenDownWhole(t *testing.T) {
	q := newQuota()
	for s := range 10 { // 150 machines a second, each its boot's twelve messages
		for i := range 150 * 12 {
			if !q.take(noon.Add(time.Duration(s)*time.Second+time.Duration(i)*time.Second/1800), machine(s*150+i%150)) {
				t.Fatalf("message %d of second %d is not", i, s)
			}
		}
	}
}

func TestOneMachineThatDoesNotStopLeavesTheOthersTheirPart(t *testing.T) {
	q := newQuota()
	one := told(q, noon, 1, 1500)
	if n := one[machine(0)]; n != ofOne {
		t.Errorf("%d of its messages are written down", n)
	}
	if !q.take(noon.Add(time.Second), machine(1)) {
		t.Error("another machine's message is not")
	}
	if !q.take(noon.Add(2*time.Minute), machine(0)) {
		t.Error("nor is its own two minutes later")
	}
}

func TestOfACrowdTheBootsOfFewMachinesAreWrittenDown(t *testing.T) {
	q := newQuota()
	told(q, noon, 10000, 2)
	crowd := told(q, noon.Add(time.Second), 2000, 20)
	if n := altogether(crowd); n == 0 || n > 4*crowdRate {
		t.Errorf("%d messages in a second", n)
	}
	if most := 4 * crowdRate / aBoot; len(crowd) > most {
		t.Errorf("the messages are of %d machines, more than %d", len(crowd), most)
	}
	for mac, n := range crowd {
		if n > aBoot {
			t.Errorf("%d messages of %s", n, mac)
		}
	}
	told(q, noon.Add(2*time.Second), 10, 10)
	if calm := told(q, noon.Add(4*time.Second), 100, 10); altogether(calm) != 1000 {
		t.Errorf("%d of 1000 are written down when it is over", altogether(calm))
	}
}
