package attempt

import (
	"sync"
	"time"

	"rackwright/journal"
)

// Bounds of what is remembered of loaders.
const (
	mostFetched = 10_000    // machines
	tellsFor    = time.Hour // after it was fetched, that it failed; a machine that ran meanwhile may have had its script of another server
)

// Outcome is what became of a loader that a machine fetched.
type Outcome struct {
	Machine, File string
	Arch          string    // its firmware, as it says
	Worked        bool      // it came to ask for its script
	Fetched, At   time.Time // when the loader was, and when this was known
}

// Fetched watches events for loaders that were fetched, and for what came after: a script,
// or the firmware's first question of another try. A loader whose script was refused has not
// failed. Safe for concurrent use.
type Fetched struct {
	mu   sync.Mutex
	open map[string]fetch // by machine
}

type fetch struct {
	file    string
	at      time.Time
	refused bool // its script was
}

// Tell takes an event, and reports what became of a loader if that is known now.
func (f *Fetched) Tell(e journal.Event) (Outcome, bool) {
	if e.Machine == "" {
		return Outcome{}, false
	}
	switch e.Kind {
	case journal.TFTPSent, journal.HTTPSent, journal.HTTPRefused, journal.DHCPAnswered:
	default:
		return Outcome{}, false
	}
	t := read(e)
	f.mu.Lock()
	defer f.mu.Unlock()
	last, had := f.open[e.Machine]
	out := Outcome{Machine: e.Machine, File: last.file, Arch: word(e, "arch"), Worked: true, Fetched: last.at, At: e.At}
	switch {
	case t.stage == Loader && !yes(e, "partial"):
		if f.open == nil || len(f.open) >= mostFetched && !had {
			f.open = map[string]fetch{}
		}
		f.open[e.Machine] = fetch{file: word(e, "file"), at: e.At}
		return Outcome{}, false
	case t.stage == Script, t.stage == LocalDisk:
	case e.Kind == journal.HTTPRefused:
		if had && word(e, "file") == "script" {
			last.refused = true
			f.open[e.Machine] = last
		}
		return Outcome{}, false
	case (t.message == "DISCOVER" || t.message == "SOLICIT") && (t.client == "pxe" || t.client == "http"):
		out.Worked, had = false, had && !last.refused && e.At.Sub(last.at) <= tellsFor // refused: it ran, and what stopped it is said elsewhere
	default:
		return Outcome{}, false
	}
	delete(f.open, e.Machine)
	return out, had
}
