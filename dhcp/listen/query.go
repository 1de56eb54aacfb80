package listen

import (
	"context"
	"net/netip"

	"golang.org/x/net/ipv4"

	"rackwright/dhcp"
	"rackwright/inventory"
)

// Bounds of relays' questions.
const (
	queriesWaiting = 256
	queryRate      = 500 // a second
	queriesTold    = 8   // a second that are written down: a relay that lost its table asks about all it has
)

// queries answers relays that ask who has an address (RFC 4388), one by one and beside the
// clients, who do not wait for the database on their account.
type queries struct {
	*Server
	conn       *ipv4.PacketConn
	in         chan enquiry
	rate, told bucket
}

// enquiry is such a question.
type enquiry struct {
	arrival
	from dhcp.Inbound // without the message
}

func (s *Server) newQueries(conn *ipv4.PacketConn) *queries {
	return &queries{Server: s, conn: conn, in: make(chan enquiry, queriesWaiting)}
}

// take puts a question with the others, unless too many wait: relays ask again.
func (q *queries) take(p *arrival, in dhcp.Inbound) {
	select {
	case q.in <- enquiry{p.kept(), in}:
	default:
		q.Log.Debug("dhcp: too many relays' questions at once, one dropped", "from", p.from)
	}
}

// run answers until ctx ends. A question names a machine that did not send it: nobody is told
// of a sighting.
func (q *queries) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-q.in:
			if q.rate.take(e.at, queryRate) {
				q.answer(ctx, &e)
			}
		}
	}
}

func (q *queries) answer(ctx context.Context, e *enquiry) {
	if e.from.Message, _ = dhcp.ParseQuery(e.b); e.from.Message == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lendTimeout)
	defer cancel()
	ans := dhcp.AnswerQuery(ctx, q.View(), e.from, dhcp.Records{Lender: q.Lender, Held: q.Held})
	if ans.Reply == nil {
		q.Log.Debug("dhcp: passed over", "rule", ans.Rule, "from", e.from.From, "why", ans.Event.Summary)
		return
	}
	q.trace(e.at, ans.Client.MAC, false, e.arrival.from, netip.AddrPortFrom(e.to, q.port()), e.b)
	if err := q.send(q.conn, e.ifindex, ans); err != nil {
		q.Log.Warn("dhcp: send", "to", ans.Dest, "error", err)
		ans.Event.Detail["send_error"] = err.Error()
	}
	if q.told.take(e.at, queriesTold) {
		q.Journal.Record(ans.Event)
	} else {
		q.book.untold.Add(1)
	}
}

// Held is what this server remembers of the address that a client was given.
func (s *Server) Held(mac inventory.MAC) dhcp.Holding {
	if s.View().Host(mac) != nil {
		return s.where.Held(mac)
	}
	return s.strays.Held(mac)
}
