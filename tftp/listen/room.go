package listen

import (
	"container/list"
	"time"
)

// room reports whether there is a place for a flight.
func (d *desk) room(f *flight) bool {
	return d.running < most && d.ofPeer(f) < mostOfPeer && (f.known || d.strangers < mostStrangers)
}

func (d *desk) ofPeer(f *flight) int {
	if l := d.of[f.peer.Addr()]; l != nil {
		return l.Len()
	}
	return 0
}

// mustGo is a flight that gives way where there is no room, nil for none: the oldest whose
// peer never said a word, of the same address where that is what is full, else of a stranger.
func (d *desk) mustGo(f *flight) *flight {
	if d.room(f) {
		return nil
	}
	if d.ofPeer(f) >= mostOfPeer {
		for e := d.of[f.peer.Addr()].Front(); e != nil; e = e.Next() {
			if old := e.Value.(*flight); !old.transfer.Begun() {
				return old
			}
		}
		return nil
	}
	if e := d.line.Front(); e != nil {
		return e.Value.(*flight)
	}
	return nil
}

// enter counts a flight that begins.
func (d *desk) enter(f *flight) {
	l := d.of[f.peer.Addr()]
	if l == nil {
		l = list.New()
		d.of[f.peer.Addr()] = l
	}
	f.inPeer = l.PushBack(f)
	d.running++
	if !f.known {
		d.strangers++
		f.inLine = d.line.PushBack(f)
	}
}

// answered takes a flight out of the line of those that may have to go.
func (d *desk) answered(f *flight) {
	if f.inLine != nil {
		d.line.Remove(f.inLine)
		f.inLine = nil
	}
}

// evict ends a flight and forgets it.
func (d *desk) evict(f *flight, now time.Time) {
	f.evicted = true
	d.end(f, now)
	if d.flights[f.peer] == f {
		delete(d.flights, f.peer)
	}
}

func (d *desk) end(f *flight, now time.Time) {
	f.ended = now
	d.running--
	if !f.known {
		d.strangers--
	}
	d.answered(f)
	l := d.of[f.peer.Addr()]
	if l.Remove(f.inPeer); l.Len() == 0 {
		delete(d.of, f.peer.Addr())
	}
	if len(d.flights)-d.running > mostEnded {
		delete(d.flights, f.peer)
	}
}
