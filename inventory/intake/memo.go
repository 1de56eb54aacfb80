package intake

import (
	"hash/maphash"
	"sync"
	"time"
	"weak"

	"rackwright/boot"
)

// Bounds of what is remembered.
const (
	remembered = 200_000          // machines, some 100 bytes each; of more, all is forgotten
	weighAgain = 10 * time.Minute // what the plan says of switches may be another since
)

// memo remembers of each machine the last sighting that was weighed, so that a firmware
// that repeats itself is weighed once. It is safe for concurrent use.
type memo struct {
	seed maphash.Seed
	mu   sync.Mutex
	last map[string]weighed
	new  []string // remembered since settle: the transaction they belong to may be taken back
}

// weighed is a sighting and what it was weighed against: the machine's host in the boot
// view, which stays the same one while the plan says the same of the machine. It keeps no
// old view alive.
type weighed struct {
	host weak.Pointer[boot.Host]
	seen uint64
	at   time.Time
}

func newMemo() *memo { return &memo{seed: maphash.MakeSeed(), last: map[string]weighed{}} }

// news reports whether a sighting says something of a machine that was not weighed yet,
// or not for long. h is nil for a machine that is in no view.
func (m *memo) news(machine string, h *boot.Host, s boot.Sighting) bool {
	is := m.of(h, s)
	m.mu.Lock()
	defer m.mu.Unlock()
	was, known := m.last[machine]
	return !known || was.host != is.host || was.seen != is.seen || is.at.Sub(was.at) >= weighAgain
}

// remember notes a sighting that was weighed.
func (m *memo) remember(machine string, h *boot.Host, s boot.Sighting) {
	is := m.of(h, s)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.last[machine]; !known && len(m.last) >= remembered {
		clear(m.last)
	}
	m.last[machine] = is
	if len(m.new) < 4*atOnce {
		m.new = append(m.new, machine)
	}
}

// settle is told that what was weighed is in the database.
func (m *memo) settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.new = m.new[:0]
}

// undo forgets what was remembered since settle.
func (m *memo) undo() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, machine := range m.new {
		delete(m.last, machine)
	}
	m.new = m.new[:0]
}

func (m *memo) of(h *boot.Host, s boot.Sighting) weighed {
	type said struct {
		mac, id, circuit, remote, declined, holds string
		netboots                                  bool
	}
	is := said{s.MAC.String(), s.UUID, s.Circuit, s.Remote, s.Declined.String(), s.Holds.String(), s.Class != boot.NotNetboot}
	return weighed{host: weak.Make(h), seen: maphash.Comparable(m.seed, is), at: s.At}
}
