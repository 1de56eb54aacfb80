package dhcp

import (
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// state is what a client that sends a DHCPREQUEST is at (RFC 2131 sections 4.3.2 and 4.3.6).
type state uint8

const (
	stateless  state = iota // no DHCPREQUEST, or one for nothing
	selecting               // took an offer: names the server
	initReboot              // had an address before it restarted: names it in option 50
	renewing                // has an address, asks the server that gave it
	rebinding               // has an address, asks any server
)

// String is the state as the RFC writes it, "" for none.
func (s state) String() string {
	return [...]string{"", "SELECTING", "INIT-REBOOT", "RENEWING", "REBINDING"}[s]
}

// state tells the states apart as table 4 of section 4.3.2 does. What is in use (ciaddr)
// counts more than what is wished for: clients that renew leave old wishes standing.
func (t *talk) state() state {
	if t.msg.MessageType() != dhcpv4.MessageTypeRequest {
		return stateless
	}
	switch {
	case addr(t.msg.ServerIdentifier()).IsValid():
		return selecting
	case addr(t.msg.ClientIPAddr).IsValid() && t.unicast():
		return renewing
	case addr(t.msg.ClientIPAddr).IsValid():
		return rebinding
	case addr(t.msg.RequestedIPAddress()).IsValid():
		return initReboot
	}
	return stateless
}

// unicast reports whether the client sent the message to us and nobody else.
func (t *talk) unicast() bool {
	return !t.at.relay.IsValid() && slices.Contains(t.in.Own, t.in.To)
}

// wanted is the address a message is about, by the client's state.
func (t *talk) wanted() netip.Addr {
	first, second := addr(t.msg.RequestedIPAddress()), addr(t.msg.ClientIPAddr)
	if s := t.state(); s == renewing || s == rebinding {
		first, second = second, first
	}
	if first.IsValid() {
		return first
	}
	return second
}
