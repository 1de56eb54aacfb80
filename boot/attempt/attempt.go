// Package attempt makes a machine's events into its tries to boot, and says what stopped
// the newest. It is pure: it reads the journal and asks nobody.
package attempt

import (
	"cmp"
	"slices"
	"time"

	"rackwright/journal"
)

// Spans that tell attempts apart.
const (
	pause    = 2 * time.Minute  // between packets of firmware that goes on asking
	training = 30 * time.Minute // from power to the first packet: memory is tried, disks spin up
	patience = 3 * time.Minute  // without a word before a boot counts as stopped
	outlive  = 12 * time.Hour   // after which what is seen belongs to no boot before it
)

// Of makes events, in any order, into attempts, the oldest first. Packets that the journal
// has nothing of are events without an ID.
func Of(events []journal.Event, now time.Time) []Attempt {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b journal.Event) int { return cmp.Or(began(a).Compare(began(b)), cmp.Compare(a.ID, b.ID)) })
	var out []Attempt
	for _, e := range events {
		if !counts(e.Kind) {
			continue
		}
		t := read(e)
		var open *Attempt
		if len(out) > 0 {
			open = &out[len(out)-1]
		}
		if cause := begins(open, &t); cause != "" {
			out = append(out, Attempt{ID: t.ID, Begin: t.At, Cause: cause})
			open = &out[len(out)-1]
		}
		if open != nil && t.At.Sub(open.End) < outlive || open != nil && open.Events == 0 {
			open.add(t)
		}
	}
	for i := range out {
		out[i].judge(now, i == len(out)-1)
	}
	return out
}

// began is when what an event tells of began. That a transfer stalled is known half a minute later, when
// the firmware may be in its next boot already.
func began(e journal.Event) time.Time {
	if e.Kind == journal.TFTPFailed {
		return e.At.Add(-time.Duration(count(e, "ms")) * time.Millisecond)
	}
	return e.At
}

// begins says what makes an event the first of an attempt; "": it belongs to the open one,
// or to none.
func begins(open *Attempt, t *told) string {
	if t.started() {
		if open != nil && open.Stage == Power && t.At.Sub(open.End) < pause {
			return "" // the BMC was told twice
		}
		return "bmc"
	}
	first := t.message == "DISCOVER" || t.message == "BOOTP"
	switch {
	case !t.onWire():
		return ""
	case first && (open == nil || open.anew(t)):
		return "discover"
	case open == nil && t.stage != "":
		return "seen"
	}
	return ""
}

// anew reports whether a first question is that of a machine that starts again.
func (a *Attempt) anew(t *told) bool {
	quiet := t.At.Sub(a.heard())
	switch {
	case a.Stage == Power && a.Client == "":
		return quiet > training
	case t.client == "os": // the ramdisk, an installer, or a system that starts
		return a.reached(Agent) || a.reached(FirstBoot) || quiet > training
	case t.client == "ipxe":
		return a.reached(Script) || a.reached(LocalDisk) || quiet > pause
	}
	return quiet > pause || a.past(Loader) || a.Client != "" && a.Client != t.client
}

// heard is when the machine itself was last seen, else when it began.
func (a *Attempt) heard() time.Time {
	for _, t := range slices.Backward(a.story) {
		if t.onWire() {
			return t.At
		}
	}
	return a.Begin
}

// past reports whether a stage, or one behind it, was reached.
func (a *Attempt) past(s Stage) bool {
	return slices.Index(Stages(), a.Stage) >= slices.Index(Stages(), s)
}

// add makes an event a part of the attempt.
func (a *Attempt) add(t told) {
	a.story, a.Events = append(a.story, t), a.Events+1
	a.End, a.Last = later(a.End, t.At), max(a.Last, t.ID)
	if t.ID > 0 && (a.ID == 0 || t.ID < a.ID) { // a packet that the journal has not is no event
		a.ID = t.ID
	}
	a.Operation = cmp.Or(t.Operation, a.Operation)
	if first := t.message != "" && t.client != ""; first && a.Client == "" {
		a.Client, a.Arch = t.client, word(t.Event, "arch")
	}
	a.Script = cmp.Or(word(t.Event, "script"), a.Script)
	a.serve(t)
	switch t.Kind {
	case journal.TFTPSent, journal.TFTPFailed, journal.HTTPSent:
		a.Bytes += count(t.Event, "bytes")
		a.Retries += count(t.Event, "retries")
	}
	for _, s := range a.stages(&t) {
		a.pass(s, t.At)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// stages are those that an event shows, with what must have come before it on the wire.
func (a *Attempt) stages(t *told) []Stage {
	switch {
	case t.client == "ipxe" && a.Client != "ipxe" && (t.stage == Offer || t.stage == Ack || t.stage == Discover):
		return []Stage{IPXE}
	case t.stage == Offer:
		return []Stage{Discover, Offer}
	case t.client == "os" && t.reply == "ACK" && a.Client == "os":
		return []Stage{LocalDisk}
	case t.stage == LocalDisk:
		return []Stage{Script, LocalDisk}
	case t.stage == "":
		return nil
	}
	return []Stage{t.stage}
}

// pass notes a stage, the first time it is reached.
func (a *Attempt) pass(s Stage, at time.Time) {
	if a.reached(s) {
		if s == Discover {
			a.Retries++
		}
		return
	}
	before := a.Begin
	if n := len(a.Stages); n > 0 {
		before = a.Stages[n-1].At
	}
	a.Stages = append(a.Stages, Passed{s, at, at.Sub(before).Milliseconds()})
	if a.Stage == "" || slices.Index(Stages(), s) > slices.Index(Stages(), a.Stage) {
		a.Stage = s
	}
}

// serve notes which DHCP server answered.
func (a *Attempt) serve(t told) {
	server := ""
	switch {
	case t.Kind == journal.DHCPAnswered && t.reply != "":
		server = "ours"
	case t.Kind == journal.DHCPRogue, t.rule == "chose-other-server", t.rule == besideUs:
		server = word(t.Event, "server")
	}
	if server != "" && !slices.Contains(a.Servers, server) && len(a.Servers) < 8 {
		a.Servers = append(a.Servers, server)
	}
}

// judge says what became of it.
func (a *Attempt) judge(now time.Time, newest bool) {
	if a.Stage == "" {
		a.Stage = Discover
	}
	if a.Stages == nil {
		a.Stages = []Passed{}
	}
	a.Result = Stopped
	switch {
	case a.reached(Agent), a.reached(Installer), a.reached(FirstBoot):
		a.Result = Booted
	case a.reached(LocalDisk):
		a.Result = Own
	case newest && now.Sub(a.heard()) < a.waits():
		a.Result = Going
	}
}

// waits is for how long it may be silent where it stands.
func (a *Attempt) waits() time.Duration {
	switch {
	case a.Stage == Power:
		return 2 * patience // servers with much memory take minutes before their first packet
	case a.past(Kernel):
		return patience
	}
	return pause / 2
}
