package attempt

import (
	"fmt"
	"slices"
	"time"

	"rackwright/inventory"
	"rackwright/journal"
)

// Trouble is what keeps a machine from booting.
type Trouble struct {
	Code    string  `json:"code" doc:"Stable; docs/running/when-it-does-not-boot.md has them all"`
	Text    string  `json:"text" doc:"In a sentence"`
	Hint    string  `json:"hint" doc:"What the person at the rack looks at"`
	Attempt int64   `json:"attempt,omitempty" doc:"Id of the boot it was seen in"`
	Proof   []Proof `json:"proof" nullable:"false" doc:"The events it is read from"`
}

// Proof is an event that shows something.
type Proof struct {
	Event int64     `json:"event,omitempty" doc:"None: a packet in the memory of this server, which its journal has nothing of"`
	At    time.Time `json:"at"`
	Text  string    `json:"text"`
}

// loops is how many boots that end alike, within how long, are a loop.
const (
	loops     = 3
	loopsTime = 15 * time.Minute
	mostProof = 5
)

// Diagnose says what stopped a machine's newest boot, nil when nothing did or it is too early
// to tell. list is the newest last. waits is since when an operation waits for its packets,
// the zero time for no operation that does.
func Diagnose(m *inventory.Machine, list []Attempt, waits, now time.Time) *Trouble {
	waiting := !waits.IsZero() && now.Sub(waits) > patience
	switch {
	case waiting && (len(list) == 0 || list[len(list)-1].End.Before(waits)):
		return silent(m, nil)
	case len(list) == 0 && waits.IsZero() && (m.Phase == inventory.Planned || m.Phase == inventory.Racked):
		return silent(m, nil)
	case len(list) == 0:
		return nil
	}
	a := &list[len(list)-1]
	t := inLoop(list)
	if t == nil && !a.Ended() {
		t = a.trouble(m)
	}
	if t == nil {
		return nil
	}
	t.Attempt = a.ID
	if t.Proof == nil {
		t.Proof = a.proof(func(e *told) bool { return e.stage == a.Stage || e.stage == Power })
	}
	return t
}

// trouble looks at what is proven first, then at what is missing once nothing more comes.
func (a *Attempt) trouble(m *inventory.Machine) *Trouble {
	for _, look := range []func(*Attempt) *Trouble{distrusted, refused, unheard, ignored, noLoader, conflict, transfer, broken} {
		if t := look(a); t != nil {
			return t
		}
	}
	if a.Result != Stopped {
		return nil
	}
	if a.Stage == Power {
		return silent(m, a)
	}
	for _, look := range []func(*Attempt) *Trouble{offered, loading, leaving} {
		if t := look(a); t != nil {
			return t
		}
	}
	return nil
}

// inLoop finds boots that end at one stage, again and again.
func inLoop(list []Attempt) *Trouble {
	newest := &list[len(list)-1]
	at, n := newest.Stage, 0
	var proof []Proof
	if newest.Result == Going && len(list) > 1 { // it is on its way to where the others ended
		at, list = list[len(list)-2].Stage, list[:len(list)-1]
	}
	for _, a := range slices.Backward(list) {
		if a.Stage != at || a.Result == Booted || a.Cause == "bmc" && a.Result == Own || newest.Begin.Sub(a.Begin) > loopsTime {
			break
		}
		if n++; len(a.story) > 0 && len(proof) < mostProof {
			proof = append(proof, proofOf(&a.story[len(a.story)-1]))
		}
	}
	if n < loops {
		return nil
	}
	slices.Reverse(proof)
	t := &Trouble{Code: "loop", Text: fmt.Sprintf("it started %d times within minutes and came to %q each time", n, at), Proof: proof,
		Hint: "look at its console: what it says there comes before each restart"}
	switch at {
	case LocalDisk:
		t.Hint = "its disk does not boot, or stands behind the network in the boot order: look at its boot order and at what is on the disk"
	case Loader, Ack:
		t.Hint = "the loader gives up and the firmware begins anew: try another port, another boot mode (UEFI or BIOS), or Secure Boot off"
	case Kernel, Ramdisk, Script:
		t.Hint = "the kernel restarts the machine: look at its console; memory, or a ramdisk for another processor"
	}
	return t
}

func proofOf(t *told) Proof { return Proof{t.ID, t.At, t.Summary} }

// proof is the newest of the events that show something, in order.
func (a *Attempt) proof(shows func(*told) bool) []Proof {
	out := []Proof{}
	for i := len(a.story) - 1; i >= 0 && len(out) < mostProof; i-- {
		if shows(&a.story[i]) {
			out = append(out, proofOf(&a.story[i]))
		}
	}
	slices.Reverse(out)
	return out
}

// last is the newest event that shows something, nil for none. What was reached after it
// shows that it did not matter.
func (a *Attempt) last(shows func(*told) bool) *told {
	for i := len(a.story) - 1; i >= 0; i-- {
		t := &a.story[i]
		if shows(t) {
			return t
		}
		if t.stage != "" && t.stage != Discover && t.Kind != journal.BMCAction {
			return nil
		}
	}
	return nil
}

// of is a trouble that one event shows.
func of(t *told, code, text, hint string) *Trouble {
	return &Trouble{Code: code, Text: text, Hint: hint, Proof: []Proof{proofOf(t)}}
}
