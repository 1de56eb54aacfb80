package listen

import (
	"slices"
)

// Replies to one relay go to the kernel as one message, a train, which it cuts into
// datagrams of one length (docs/decisions/0059).
const (
	leastTrain = 4   // replies: of fewer each goes by itself
	longestCar = 548 // bytes: every client takes so long a message (RFC 2131 section 2), and 64 of them go into a train
)

// train is replies that are sent as one message; mostly it is one reply.
type train []parcel

// couple makes trains, and of them messages, of the replies that wait.
func (o *outbox) couple() {
	o.trains = o.trains[:0]
	o.wire.clear()
	if len(o.out) >= leastTrain {
		slices.SortStableFunc(o.out, func(a, b parcel) int { return a.dest.Compare(b.dest) })
	}
	for left := train(o.out); len(left) > 0; {
		n := o.length(left)
		o.trains = append(o.trains, left[:n])
		o.load(left[:n])
		left = left[n:]
	}
}

// length is how many of the first replies go as one.
func (o *outbox) length(left train) int {
	n := 0
	for n < len(left) && left[n].dest == left[0].dest && left[n].by == 0 && len(left[n].bytes) <= longestCar {
		n++
	}
	if n < leastTrain {
		return 1
	}
	trains, since := o.relays.take(left[0].dest.Addr())
	if since {
		o.s.Log.Info("dhcp: this relay does not take several replies at once, each goes by itself from now on", "relay", left[0].dest.Addr())
	}
	if !trains {
		return 1
	}
	return n
}

// load makes a train's message. Its replies become as long as the longest: what is behind the
// end option of a message is zero (RFC 2131 section 4.1).
func (o *outbox) load(t train) {
	size := 0
	for _, p := range t {
		size = max(size, len(p.bytes))
	}
	for i := range t {
		p := &t[i]
		p.bytes = append(p.bytes, zeros[:size-len(p.bytes)]...)
	}
	if len(t) > 1 {
		o.relays.sent(t)
	}
	o.wire.add(t, size)
}

var zeros [longestCar]byte
