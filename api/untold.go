package api

import (
	"fmt"
	"strings"
	"time"

	"rackwright/boot"
	"rackwright/boot/trace"
	"rackwright/dhcp"
	"rackwright/dhcp/v6"
	"rackwright/inventory"
	"rackwright/journal"
)

// lateAnswer is how much later than its event says a message may be in memory: an answer that
// waits for a lease is.
const lateAnswer = 5 * time.Second

// untold are the DHCP messages of a machine that this server has in memory and that came
// after all that its journal has: those of a crowd, and those from no declared network, are
// written down nowhere. They are told as events without a number.
func (s *server) untold(m *inventory.Machine, events []journal.Event) (out []journal.Event) {
	if s.Traces == nil {
		return nil
	}
	var last time.Time
	for _, e := range events {
		if strings.HasPrefix(string(e.Kind), "dhcp.") && e.At.After(last) {
			last = e.At
		}
	}
	packets := s.packetsOf(m)
	for i := range packets {
		p := &packets[i]
		if p.Sent || p.At.Sub(last) < lateAnswer {
			continue
		}
		if e, ok := overheard(p, replyTo(p, packets[i+1:])); ok {
			e.Machine, e.Name = m.ID, m.Name
			out = append(out, e)
		}
	}
	return out
}

// replyTo is the first answer to a message among later packets, nil for none.
func replyTo(p *trace.Packet, later []trace.Packet) *trace.Packet {
	for i := range later {
		switch q := &later[i]; {
		case q.MAC != p.MAC || q.Six() != p.Six() || q.XID() != p.XID():
		case q.Sent:
			return q
		default:
			return nil
		}
	}
	return nil
}

// overheard is what a message would be in the journal, false for what says nothing of a boot: a
// system that is not answered may well be another server's.
func overheard(p, reply *trace.Packet) (journal.Event, bool) {
	sender := dhcp.Sender
	d := map[string]any{"message": p.Word()}
	if p.Six() {
		sender = v6.Sender
		d["protocol"] = "DHCPv6"
	}
	c, ok := sender(p.Message)
	if !ok || reply == nil && c.Class == boot.NotNetboot {
		return journal.Event{}, false
	}
	d["client"] = c.Class.String()
	if c.Arch != boot.ArchUnknown {
		d["arch"] = c.Arch.String()
	}
	e := journal.Event{At: p.At, Kind: journal.DHCPIgnored, MAC: p.MAC, Actor: "dhcp", Detail: d, Summary: fmt.Sprintf("%s not answered", p.Word())}
	if reply != nil {
		e.Kind, d["reply"] = journal.DHCPAnswered, reply.Word()
		e.Summary = fmt.Sprintf("%s answered %s", p.Word(), reply.Word())
	}
	return e, true
}
