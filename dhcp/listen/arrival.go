package listen

import (
	"net/netip"
	"sync"
	"time"

	"rackwright/dhcp"
	"rackwright/inventory"
)

// arrival is a datagram and where it arrived.
type arrival struct {
	b       []byte
	from    netip.AddrPort
	to      netip.Addr
	port    uint16 // 0: the server's own
	ifindex int
	at      time.Time
	traced  bool  // the Tracer has it
	room    *room // of b, where it has one of its own
}

// room is for a message. One that is done with goes to the next message: strangers by the
// thousand would make most of a server's garbage of them.
type room [dhcp.MaxMessage + 1]byte

var rooms = sync.Pool{New: func() any { return new(room) }}

// mac is the hardware address that the message says, zero in what is too short.
func (p *arrival) mac() inventory.MAC {
	if len(p.b) < 34 {
		return inventory.MAC{}
	}
	return inventory.MAC(p.b[28:34])
}

// kept is the datagram with bytes of its own.
func (p *arrival) kept() arrival {
	own := *p
	own.room = rooms.Get().(*room)
	own.b = own.room[:copy(own.room[:], p.b)]
	return own
}

// release ends the use of bytes of its own. Without it they are garbage some time.
func (p *arrival) release() {
	if p.room != nil {
		rooms.Put(p.room)
		p.b, p.room = nil, nil
	}
}

// answered is a message to which there is a reply.
type answered struct {
	arrival
	in     dhcp.Inbound
	reply  dhcp.Swift
	place  dhcp.Place      // where its client is,
	xid    uint32          // and the transaction
	ask    dhcp.Ask        // of a stranger: what is asked of the Lender,
	lease  inventory.Lease // and what it lent
	failed error           // of sending the reply
}

// notice remembers where a client is and which address it has.
func (a *answered) notice(where *dhcp.Whereabouts) *dhcp.Move {
	if address, settled := a.reply.Settles(); settled {
		where.Given(a.mac(), address, a.at)
	}
	return where.Notice(a.mac(), a.xid, a.place, a.at)
}

// bucket is a budget of so many a second, and twice as many at once unless it says less.
type bucket struct {
	left float64
	most float64 // at once; 0: twice the rate
	at   time.Time
}

func (b *bucket) take(now time.Time, rate float64) bool { return b.takeMany(now, rate, 1) }

// takeMany takes n or none.
func (b *bucket) takeMany(now time.Time, rate, n float64) bool {
	if d := now.Sub(b.at); d > 0 {
		most := 2 * rate
		if b.most > 0 {
			most = b.most
		}
		b.left, b.at = min(b.left+d.Seconds()*rate, most), now
	}
	if b.left < n {
		return false
	}
	b.left -= n
	return true
}
