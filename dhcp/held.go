package dhcp

import (
	"net/netip"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/macs"
)

// Holding is what is remembered of the address that a client was given last.
type Holding struct {
	Address netip.Addr // invalid: nothing is remembered, or it gave it back
	At      time.Time  // when it was confirmed, to the second
	Info    []byte     // suboptions 1 and 2 of option 82, as its relay said them last; nil: it said none
}

// Given takes notice of the address that was confirmed to a client; an invalid one says that it
// has none any more.
func (w *Whereabouts) Given(mac inventory.MAC, a netip.Addr, when time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.of(mac)
	if l.given, l.address = uint32(when.Unix()), [4]byte{}; a.Is4() {
		l.address = a.As4()
	}
}

// Held is what is remembered of a client.
func (w *Whereabouts) Held(mac inventory.MAC) Holding {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.seen.Find(mac)
	if at == macs.None {
		return Holding{}
	}
	l := w.seen.At(at)
	if l.address == [4]byte{} {
		return Holding{}
	}
	h := Holding{Address: netip.AddrFrom4(l.address), At: time.Unix(int64(l.given), 0)}
	if l.places != nil {
		for _, p := range *l.places { // redundant relays: the last is as true as the others
			if p[0] == ofPort {
				h.Info = p.info()
			}
		}
	}
	return h
}

// info is a port as option 82 says it.
func (p Place) info() []byte {
	n := 2 + int(p[1])
	out := append([]byte{circuitID, p[1]}, p[2:n]...)
	if remote := p[n:]; len(remote) > 0 && len(remote) <= 255 {
		out = append(append(out, remoteID, byte(len(remote))), remote...)
	}
	return out
}

// Settles is the address that an answer confirms to its client, invalid when the client has none
// from then on. It reports false for what changes neither.
func (a Answer) Settles() (netip.Addr, bool) {
	switch a.Rule {
	case Acked, Booted:
		return a.Address, true
	case Released, Declined, Naked:
		return netip.Addr{}, true
	}
	return netip.Addr{}, false
}

// Settles is likewise of a quick reply, which is an OFFER or an ACK.
func (s Swift) Settles() (netip.Addr, bool) {
	return netip.AddrFrom4([4]byte(s.Bytes[16:20])), !s.Offers
}
