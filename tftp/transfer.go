package tftp

import (
	"encoding/binary"
	"io"
	"strconv"
	"time"
)

// How long a transfer waits for the client, and how often it repeats itself: from what
// round trips take, doubled with each silence (RFC 1123 section 4.2.3.2).
const (
	firstWait  = time.Second
	leastWait  = 300 * time.Millisecond
	mostWait   = 8 * time.Second
	tries      = 7         // of one window
	firstTries = 3         // before the client has said anything: it may be someone else's address
	longest    = time.Hour // of a transfer
)

// State is how a transfer stands.
type State uint8

// The states.
const (
	Running State = iota
	Sent          // all acknowledged
	Aborted       // by an error of the client's
	Stalled       // the client fell silent
)

// Turn is what is to be sent now: the option acknowledgement, or blocks From to To; none
// when To is less.
type Turn struct {
	Options  bool
	From, To int64
}

// Nothing reports whether there is nothing to send.
func (t Turn) Nothing() bool { return !t.Options && t.To < t.From }

func silent() Turn { return Turn{From: 1} }

// Transfer is one file on its way to one client. It is told what came and how late it is,
// and says what to send.
type Transfer struct {
	Block, Window int
	Retries       int    // messages or windows sent again
	Refused       string // the client's error, when it aborted

	content io.ReaderAt
	size    int64
	options []byte // option acknowledgement, nil without options
	open    bool   // the option acknowledgement was acknowledged, or there was none
	last    int64  // number of the last block, which is shorter than the others
	acked   int64  // blocks, counted on where the message's 16 bits roll over to 0
	sent    int64
	resumed bool // the window behind acked was sent again because the client asked for it
	state   State

	began, due time.Time
	fixed      bool // the client asked for the timeout
	wait       time.Duration
	silences   int
	asked      time.Time // when the window was sent, zero when it was sent again
	trip       time.Duration
}

// NewTransfer agrees on the options asked for. A block is not larger than most bytes, which
// the way to the client takes in one packet.
func NewTransfer(r Request, content io.ReaderAt, size int64, most int) *Transfer {
	t := &Transfer{Block: plainBlock, Window: 1, content: content, size: size, wait: firstWait}
	if r.Block > 0 {
		t.Block = max(minBlock, min(r.Block, most))
	}
	if r.Window > 0 {
		t.Window = max(1, min(r.Window, maxFlight/t.Block))
	}
	if r.Timeout > 0 {
		t.wait, t.fixed = time.Duration(r.Timeout)*time.Second, true
	}
	t.last = size/int64(t.Block) + 1
	t.options = t.acknowledge(r)
	t.open = t.options == nil
	return t
}

// acknowledge is the option acknowledgement (RFC 2347): what was asked for, nothing else.
func (t *Transfer) acknowledge(r Request) []byte {
	if len(r.asked) == 0 {
		return nil
	}
	values := map[string]int64{"blksize": int64(t.Block), "windowsize": int64(t.Window), "timeout": int64(r.Timeout), "tsize": t.size}
	b := []byte{0, opOptions}
	for _, key := range r.asked {
		b = append(append(b, key...), 0)
		b = append(strconv.AppendInt(b, values[key], 10), 0)
	}
	return b
}

// State is how it stands.
func (t *Transfer) State() State { return t.state }

// Begun reports whether the client has acknowledged anything.
func (t *Transfer) Begun() bool { return t.acked > 0 || t.open && t.options != nil }

// Acked is how many bytes the client has for certain.
func (t *Transfer) Acked() int64 { return min(t.acked*int64(t.Block), t.size) }

// Blocks are the number of the block the client lacks first, and of the last.
func (t *Transfer) Blocks() (next, last int64) { return min(t.acked+1, t.last), t.last }

// SizeOnly reports whether the client broke off after it learned the size (RFC 2349
// section 3): firmware often does.
func (t *Transfer) SizeOnly() bool { return t.state == Aborted && t.options != nil && !t.open }

// Begin is the first message.
func (t *Transfer) Begin(now time.Time) Turn {
	t.began = now
	return t.say(now, false)
}

// Again is the first message once more, for a client that repeats its request.
func (t *Transfer) Again(now time.Time) Turn {
	if t.state != Running || t.Begun() {
		return silent()
	}
	t.Retries++
	return t.say(now, true)
}

// say sends what the client lacks: the option acknowledgement, or a window.
func (t *Transfer) say(now time.Time, again bool) Turn {
	if t.asked = now; again {
		t.asked = time.Time{}
	}
	t.due = now.Add(t.wait)
	if !t.open {
		return Turn{Options: true, From: 1}
	}
	t.sent = min(t.acked+int64(t.Window), t.last)
	return Turn{From: t.acked + 1, To: t.sent}
}

// Heard takes what the client says. An acknowledgement of what is acknowledged already is
// not answered, or each block would go twice from then on (RFC 1123 section 4.2.3.1). With
// windows it may also mean that a window's first block was lost (RFC 7440 section 4): so
// once, until there is progress, it is.
func (t *Transfer) Heard(r Reply, now time.Time) Turn {
	switch {
	case t.state != Running:
		return silent()
	case !r.Ack:
		t.state, t.Refused = Aborted, r.Text
		return silent()
	case !t.open:
		if r.Block != 0 {
			return silent()
		}
		t.open = true
		t.heardAfter(now)
		return t.say(now, false)
	}
	n := t.acked + int64(r.Block-uint16(t.acked))
	switch {
	case n > t.sent:
		return silent()
	case n == t.acked:
		return t.resume(now)
	}
	gap := n < t.sent
	if t.acked = n; !gap {
		t.heardAfter(now)
	}
	t.silences, t.resumed = 0, gap
	if n == t.last {
		t.state = Sent
		return silent()
	}
	if gap {
		t.Retries++
	}
	return t.say(now, gap)
}

// resume sends a window again whose first block was lost, once.
func (t *Transfer) resume(now time.Time) Turn {
	if t.Window == 1 || t.resumed || t.sent == t.acked {
		return silent()
	}
	t.resumed = true
	t.Retries++
	return t.say(now, true)
}

// heardAfter learns from an answer how long to wait for the next; not from one to what was
// sent twice, which could be to either (Karn).
func (t *Transfer) heardAfter(now time.Time) {
	t.silences = 0
	if t.fixed || t.asked.IsZero() {
		return
	}
	took := now.Sub(t.asked)
	if t.trip == 0 {
		t.trip = took
	}
	t.trip += (took - t.trip) / 8
	t.wait = min(max(4*t.trip, leastWait), mostWait)
}

// Late is told the time now and then. It repeats what was not answered, and gives up.
func (t *Transfer) Late(now time.Time) Turn {
	if t.state != Running || now.Before(t.due) {
		return silent()
	}
	most := tries
	if !t.Begun() {
		most = firstTries
	}
	if t.silences++; t.silences > most || now.Sub(t.began) > longest {
		t.state = Stalled
		return silent()
	}
	if !t.fixed {
		t.wait = min(2*t.wait, mostWait)
	}
	t.Retries++
	return t.say(now, true)
}

// Options is the option acknowledgement.
func (t *Transfer) Options() []byte { return t.options }

// Data appends block n as a message. What the file has no more, because someone cut it
// meanwhile, is an error.
func (t *Transfer) Data(b []byte, n int64) ([]byte, error) {
	at := (n - 1) * int64(t.Block)
	length := int(min(int64(t.Block), t.size-at))
	b = append(b, 0, opData, 0, 0)
	binary.BigEndian.PutUint16(b[len(b)-2:], uint16(n))
	if length == 0 {
		return b, nil
	}
	data := b[len(b) : len(b)+length] // the caller has room for whole blocks
	got, err := t.content.ReadAt(data, at)
	if got < length {
		return nil, err
	}
	return b[:len(b)+length], nil
}
