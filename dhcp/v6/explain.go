package v6

import (
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"rackwright/boot"
)

// Explained is what becomes of a question.
type Explained struct{ Answer }

// Explain answers a question as the server would that has those addresses where the message
// comes in: it makes the datagram, and Parse and Decide, who answer real ones, decide.
func Explain(v *boot.View, q Question, here, own []netip.Addr, set Settings, now time.Time) (Explained, error) {
	b, err := q.datagram(v)
	if err != nil {
		return Explained{}, err
	}
	m, reason := Parse(b)
	if reason != "" {
		return Explained{Answer{Rule: reason, Client: boot.Client{Arch: boot.ArchUnknown}}}, nil
	}
	in := Inbound{Message: m, Addresses: here, Own: own, From: netip.AddrPortFrom(q.source(), clientPort), To: AllServers(), At: now}
	if q.Relay.Is6() {
		in.From = netip.AddrPortFrom(q.Relay, ServerPort)
		for _, a := range own { // a relay sends to one of ours
			if a.IsGlobalUnicast() {
				in.To = a
				break
			}
		}
	}
	return Explained{Decide(v, in, set)}, nil
}

// Why says in a sentence what was decided.
func (e Explained) Why() string {
	if e.Event.Summary == "" {
		return "not answered: " + e.Rule.Why()
	}
	return e.Event.Summary
}

// Word is the kind of the reply, ADVERTISE or REPLY, "" where there is none.
func (e Explained) Word() string {
	word, _ := e.Event.Detail["reply"].(string)
	return word
}

// Lease is for how long the address is given, 0 where none is.
func (e Explained) Lease() time.Duration {
	if !e.Address.IsValid() {
		return 0
	}
	return time.Duration(e.Network.LeaseSeconds) * time.Second
}

// Text shows the reply as a packet dissector does, "" where there is none.
func (e Explained) Text() string {
	if e.Reply == nil {
		return ""
	}
	m, err := dhcpv6.FromBytes(e.Reply)
	if err != nil {
		return ""
	}
	return m.Summary()
}
