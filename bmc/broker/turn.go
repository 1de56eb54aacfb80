package broker

import (
	"context"
	"slices"

	"rackwright/bmc"
	"rackwright/fault"
)

// kind is what a turn at a BMC is for.
type kind uint8

const (
	reading  kind = iota
	changing      // one at a time
	greeting      // opens the session and asks nothing
	alone         // nobody else is at the BMC
)

// ourselves goes before everybody: the broker itself wants to close a session.
const ourselves = bmc.Human + 1

// turn is one that waits for a BMC, or has it.
type turn struct {
	kind    kind
	urgency bmc.Urgency
	in      chan struct{} // closed when it may begin, or err is set
	err     error
}

// order is who waits for a BMC and who is at it. Within an urgency, who came first goes
// first.
type order struct {
	waiting []*turn
	reads   [ourselves + 1]int
	greets  int
	change  bool
	alone   bool
}

// free reports whether a turn may begin. A read passes those of lower urgency, as the
// driver sends one request at a time, and waits for the others; changes wait for changes.
func (o *order) free(t *turn) bool {
	switch {
	case o.alone:
		return false
	case t.kind == alone:
		return o.quiet()
	case t.kind == changing:
		return !o.change
	case t.kind == greeting:
		return true
	}
	for _, n := range o.reads[t.urgency:] {
		if n > 0 {
			return false
		}
	}
	return true
}

// quiet reports whether nobody is at the BMC.
func (o *order) quiet() bool {
	return !o.alone && !o.change && o.greets == 0 && o.reads == [ourselves + 1]int{}
}

// join puts a turn in its place and lets in who may begin.
func (o *order) join(t *turn) {
	at := slices.IndexFunc(o.waiting, func(w *turn) bool { return w.urgency < t.urgency })
	if at < 0 {
		at = len(o.waiting)
	}
	o.waiting = slices.Insert(o.waiting, at, t)
	o.admit()
}

// admit lets in whoever may begin, in order. Nobody passes one who waits to be alone.
func (o *order) admit() {
	kept := o.waiting[:0]
	barred := false
	for _, t := range o.waiting {
		if barred || !o.free(t) {
			kept = append(kept, t)
			barred = barred || t.kind == alone
			continue
		}
		o.count(t, 1)
		close(t.in)
	}
	clear(o.waiting[len(kept):])
	o.waiting = kept
}

func (o *order) count(t *turn, n int) {
	switch t.kind {
	case alone:
		o.alone = n > 0
	case changing:
		o.change = n > 0
	case greeting:
		o.greets += n
	default:
		o.reads[t.urgency] += n
	}
}

// quit takes a turn out of those who wait, and reports whether it was there.
func (o *order) quit(t *turn) bool {
	at := slices.Index(o.waiting, t)
	if at < 0 {
		return false
	}
	o.waiting = slices.Delete(o.waiting, at, at+1)
	o.admit() // whom it barred
	return true
}

// raise moves a turn that still waits forward.
func (o *order) raise(t *turn, u bmc.Urgency) {
	if t.urgency < u && slices.Contains(o.waiting, t) {
		o.waiting = slices.DeleteFunc(o.waiting, func(w *turn) bool { return w == t })
		t.urgency = u
		o.join(t)
	}
}

// take waits for a turn until ctx ends; give ends it.
func (l *line) take(ctx context.Context, t *turn) error {
	t.in = make(chan struct{})
	l.mu.Lock()
	if l.shut && t.urgency != ourselves {
		l.mu.Unlock()
		return stopped()
	}
	l.order.join(t)
	l.mu.Unlock()
	select {
	case <-t.in:
		return t.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.order.quit(t) {
		return l.busy(ctx.Err())
	}
	if t.err == nil { // let in meanwhile
		l.order.count(t, -1)
		l.order.admit()
	}
	return l.busy(ctx.Err())
}

func (l *line) give(t *turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used = l.b.o.Now()
	l.order.count(t, -1)
	l.order.admit()
}

// busy is the error of one who waited in vain; mu is held.
func (l *line) busy(cause error) error {
	if l.pause.err != nil {
		return fault.Unreachablef("gave up waiting for a turn at the BMC: %w; the last that had one heard: %s", cause, l.pause.err).WithHint("%s", fault.HintOf(l.pause.err))
	}
	return fault.Conflictf("the BMC is busy with what others asked of it: %w", cause).WithHint("try again when that is done; 'rackwright bmc show MACHINE' says how many calls wait")
}

// dismiss sends everybody away who waits, and lets nobody in any more.
func (l *line) dismiss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
	for _, t := range l.order.waiting {
		t.err = stopped()
		close(t.in)
	}
	l.order.waiting = nil
}
