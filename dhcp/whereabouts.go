package dhcp

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
	"rackwright/inventory/macs"
	"rackwright/journal"
)

// Bounds of what is remembered of where clients are.
const (
	maxWhereabouts = 1 << 14          // clients, unless it is said
	maxPlaces      = 4                // of one client: redundant relays pass on one message each
	moveWindow     = 10 * time.Minute // a machine that is carried away and comes back later has moved for good
	moveTold       = moveWindow       // for how long nothing more is said of one client
)

// Whereabouts remembers where clients were lately, and notices one MAC at two places: two
// machines with one MAC, a loop, or a cable that was moved. It makes no garbage of a client
// that stays. It remembers too what address each was given last.
type Whereabouts struct {
	Max int // clients, some 60 bytes each; maxWhereabouts when zero

	mu     sync.Mutex
	seen   macs.Table[lately]
	first  int32               // of seen: the client that is forgotten next
	shared map[string]*[]Place // places that many clients may be at, as behind one relay
}

// lately is a client; times are in seconds.
type lately struct {
	places   *[]Place // never changed: others may have the same
	xid      uint32
	at, told uint32
	given    uint32  // when its address was confirmed to it last
	address  [4]byte // which; zero for none, or one that it gave back
}

// maxShared is how many places are shared; then it begins anew.
const maxShared = 1024

// Move is a client that was elsewhere a short while ago.
type Move struct{ Here, Before string }

// Notice takes the place and the transaction of a message, and returns the move of a client
// that was elsewhere, else nil. An empty place says nothing. here is not kept.
func (w *Whereabouts) Notice(mac inventory.MAC, xid uint32, here Place, when time.Time) *Move {
	if len(here) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l, now := w.of(mac), uint32(when.Unix())
	fresh, last := now-l.at < uint32(moveWindow.Seconds()), l.xid
	l.at, l.xid = now, xid
	var before []Place
	if l.places != nil {
		before = *l.places
	}
	for _, p := range before {
		if string(p) == string(here) {
			return nil
		}
	}
	if last == xid && len(before) > 0 && len(before) < maxPlaces {
		all := append(slices.Clone(before), slices.Clone(here))
		l.places = &all
		return nil
	}
	l.places = w.alone(here)
	if len(before) == 0 || !fresh || now-l.told < uint32(moveTold.Seconds()) {
		return nil
	}
	l.told = now
	var names []string
	for _, p := range before {
		names = append(names, p.String())
	}
	return &Move{Here: here.String(), Before: strings.Join(names, " and ")}
}

// alone is one place, which clients share as far as it is one of those seen last.
func (w *Whereabouts) alone(here Place) *[]Place {
	if p := w.shared[string(here)]; p != nil {
		return p
	}
	if w.shared == nil || len(w.shared) >= maxShared {
		w.shared = map[string]*[]Place{}
	}
	p := &[]Place{slices.Clone(here)}
	w.shared[string(here)] = p
	return p
}

// of is what is known of a client; where too many are known, the one that is known longest is
// forgotten for it.
func (w *Whereabouts) of(mac inventory.MAC) *lately {
	at := w.seen.Find(mac)
	if at == macs.None {
		limit := w.Max
		if limit == 0 {
			limit = maxWhereabouts
		}
		if w.seen.Len() >= limit {
			w.seen.Remove(w.first)
			w.first = (w.first + 1) % int32(limit)
		}
		at = w.seen.Add(mac)
	}
	return w.seen.At(at)
}

// Event is the move as an event, made of that of the message that showed it.
func (m *Move) Event(e journal.Event) journal.Event {
	e.Kind = journal.DHCPMoved
	e.Summary = fmt.Sprintf("%s is at %s, and was at %s a short while ago: two machines with one MAC, or its cable was moved", e.MAC, m.Here, m.Before)
	e.Detail = map[string]any{"here": m.Here, "before": m.Before}
	return e
}

// Place is where a message came from, as bytes to compare: the relay's port where it says
// one, else the relay, else our interface; empty where that is not told.
type Place []byte

// First bytes of a place.
const (
	ofPort      = 'p' // length of the circuit, circuit, remote
	ofRelay     = 'r' // address
	ofInterface = 'i' // name
)

// spot writes one into room, an empty one for what a router may have brought from anywhere: the
// renewal of a client that has its address behind a relay comes by none.
func spot(room Place, circuit, remote []byte, relay, uses [4]byte, in Inbound) Place {
	switch {
	case len(circuit) > 0:
		return append(append(append(room[:0], ofPort, byte(len(circuit))), circuit...), remote...)
	case relay != [4]byte{}:
		return append(append(room[:0], ofRelay), relay[:]...)
	case uses != [4]byte{} && slices.Contains(in.Own, in.To):
		return room[:0]
	}
	return append(append(room[:0], ofInterface), in.Interface...)
}

// PlaceOf is where a message came from, and its transaction.
func PlaceOf(in Inbound) (Place, uint32) {
	m := in.Message
	var circuit, remote []byte
	if info := m.RelayAgentInfo(); info != nil {
		circuit, remote = info.Options[circuitID], info.Options[remoteID]
	}
	return spot(nil, circuit[:min(len(circuit), 255)], remote, four(m.GatewayIPAddr), four(m.ClientIPAddr), in), transaction(m.TransactionID)
}

// four is an address in four bytes, zero for none.
func four(ip net.IP) (out [4]byte) {
	copy(out[:], ip.To4())
	return out
}

func transaction(id dhcpv4.TransactionID) uint32 { return binary.BigEndian.Uint32(id[:]) }

// String names the place for people.
func (p Place) String() string {
	rest := string(p[1:])
	switch p[0] {
	case ofRelay:
		return "relay " + netip.AddrFrom4([4]byte(p[1:5])).String()
	case ofInterface:
		return "interface " + rest
	}
	n := int(rest[0])
	circuit, remote := told(p[2:2+n]), told(p[2+n:])
	if remote == "" {
		return "port " + circuit
	}
	return "port " + circuit + " of " + remote
}
