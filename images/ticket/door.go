package ticket

import (
	"crypto/ed25519"
	"sync"
	"time"
)

// remembered bounds how many tickets a door knows by sight.
const remembered = 8192

// Door lets holders of tickets in. A signature costs more to check than a small chunk to
// send, so a ticket that was good is known by sight until its time is over.
type Door struct {
	now func() time.Time

	mu    sync.Mutex
	key   ed25519.PublicKey
	known map[string]Ticket
}

// NewDoor makes a door for tickets of a key; without one nobody is let in.
func NewDoor(key ed25519.PublicKey, now func() time.Time) *Door {
	return &Door{key: key, now: now, known: map[string]Ticket{}}
}

// Rekey makes the door one for another key.
func (d *Door) Rekey(key ed25519.PublicKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.key.Equal(key) {
		d.key, d.known = key, map[string]Ticket{}
	}
}

// Admit returns the ticket that a text is, or Denied.
func (d *Door) Admit(text string) (Ticket, error) {
	d.mu.Lock()
	t, seen := d.known[text]
	key := d.key
	d.mu.Unlock()
	now := d.now()
	if seen && now.Before(t.Until) {
		return t, nil
	}
	t, err := Check(key, text, now)
	if err == nil {
		d.keep(key, text, t, now)
	}
	return t, err
}

func (d *Door) keep(key ed25519.PublicKey, text string, t Ticket, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.key.Equal(key) {
		return
	}
	if len(d.known) >= remembered {
		for old, was := range d.known {
			if !now.Before(was.Until) {
				delete(d.known, old)
			}
		}
	}
	if len(d.known) >= remembered {
		clear(d.known)
	}
	d.known[text] = t
}
