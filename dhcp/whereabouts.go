package dhcp

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
	"rackwright/journal"
)

// Bounds of what is remembered of where clients are.
const (
	maxWhereabouts = 1 << 14          // clients
	maxPlaces      = 4                // of one client: redundant relays pass on one message each
	moveWindow     = 10 * time.Minute // a machine that is carried away and comes back later has moved for good
	moveTold       = moveWindow       // for how long nothing more is said of one client
)

// Whereabouts remembers where clients were lately, and notices one MAC at two places: two
// machines with one MAC, a loop, or a cable that was moved.
type Whereabouts struct {
	mu   sync.Mutex
	seen map[inventory.MAC]*lately
}

type lately struct {
	xid    dhcpv4.TransactionID
	places []string
	at     time.Time
	told   time.Time
}

// Notice takes a message that was decided and returns the event of a client that was
// elsewhere a short while ago.
func (w *Whereabouts) Notice(in Inbound, ans Answer) (journal.Event, bool) {
	here := placeOf(in, ans)
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.of(ans.Client.MAC)
	known, fresh := slices.Contains(l.places, here), in.At.Sub(l.at) < moveWindow
	before, xid := strings.Join(l.places, " and "), l.xid
	l.at, l.xid = in.At, in.Message.TransactionID
	switch {
	case known:
		return journal.Event{}, false
	case xid == l.xid && len(l.places) > 0 && len(l.places) < maxPlaces:
		l.places = append(l.places, here)
		return journal.Event{}, false
	}
	l.places = []string{here}
	if before == "" || !fresh || in.At.Sub(l.told) < moveTold {
		return journal.Event{}, false
	}
	l.told = in.At
	e := ans.Event
	e.Kind = journal.DHCPMoved
	e.Summary = fmt.Sprintf("%s is at %s, and was at %s a short while ago: two machines with one MAC, or its cable was moved", ans.Client.MAC, here, before)
	e.Detail = map[string]any{"here": here, "before": before}
	return e, true
}

// of returns what is known of a client; where too many are known, any one is forgotten.
func (w *Whereabouts) of(mac inventory.MAC) *lately {
	if l := w.seen[mac]; l != nil {
		return l
	}
	if w.seen == nil {
		w.seen = map[inventory.MAC]*lately{}
	}
	for other := range w.seen {
		if len(w.seen) < maxWhereabouts {
			break
		}
		delete(w.seen, other)
	}
	l := &lately{}
	w.seen[mac] = l
	return l
}

// placeOf is where a message came from: the relay's port where it says one, else the relay,
// else our interface.
func placeOf(in Inbound, ans Answer) string {
	relay := addr(in.Message.GatewayIPAddr)
	switch {
	case ans.Relay.Circuit != "" && ans.Relay.Remote != "":
		return "port " + ans.Relay.Circuit + " of " + ans.Relay.Remote
	case ans.Relay.Circuit != "":
		return "port " + ans.Relay.Circuit
	case relay.IsValid():
		return "relay " + relay.String()
	}
	return "interface " + in.Interface
}
