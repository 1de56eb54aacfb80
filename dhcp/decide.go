package dhcp

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

// Answer is what becomes of one message.
type Answer struct {
	Reply *dhcpv4.DHCPv4 // nil: say nothing
	Dest  netip.AddrPort // where the reply goes; 255.255.255.255 on the interface it came from
	Rule  Rule
	Event journal.Event
	Ask   *Ask // the Lender must be asked, and Finish told what it said

	Client  boot.Client
	Relay   Relay              // what a relay said of where it came from
	Network *inventory.Network // nil off every declared network

	Controller bool       // the client is a BMC that is in no plan
	Vendor     string     // of such
	Address    netip.Addr // given to the client, invalid if none
}

// talk is one message being decided.
type talk struct {
	view   *boot.View
	in     Inbound
	set    Settings
	msg    *dhcpv4.DHCPv4
	client boot.Client
	host   *boot.Host // nil for a stranger
	at     place
}

func newTalk(v *boot.View, in Inbound, s Settings) *talk {
	t := &talk{view: v, in: in, set: s, msg: in.Message, client: clientOf(in.Message)}
	t.host = v.Host(t.client.MAC)
	t.at = locate(v, in, t.host)
	return t
}

// Decide answers a message that Parse let through. A known machine is answered from
// the view alone; for a stranger on a network that lends, Answer.Ask is set and there
// is no reply yet.
func Decide(v *boot.View, in Inbound, s Settings) Answer {
	t := newTalk(v, in, s)
	n := t.at.network
	switch {
	case n == nil || !t.at.server.IsValid():
		return t.ignore(Undeclared)
	case n.DHCP != inventory.DHCPReservations && n.DHCP != inventory.DHCPAuthoritative:
		return t.ignore(SwitchedOff)
	case t.choseOther():
		return t.ignore(OtherServer)
	case t.host == nil && n.Strangers != inventory.StrangerDiscover:
		return t.leaveAlone(Stranger)
	case t.host == nil:
		return t.borrow()
	case n.Prefix.Contains(t.host.Address):
		return t.reserved()
	case t.host.Address.IsValid() && t.host.Network != "" && t.host.Network != n.Name:
		return t.leaveAlone(WrongNetwork)
	case n.Strangers == inventory.StrangerDiscover:
		return t.borrow() // planned, but without an address here
	}
	return t.leaveAlone(NoAddress)
}

// choseOther reports whether the message is meant for another server: RFC 2131 section
// 4.3.2 has the client name the one it chose.
func (t *talk) choseOther() bool {
	id := addr(t.msg.ServerIdentifier())
	if !id.IsValid() || id == t.at.ident {
		return false
	}
	for _, own := range t.in.Own {
		if own == id {
			return false
		}
	}
	return true
}

// reserved answers a machine whose address the plan knows.
func (t *talk) reserved() Answer {
	mine := t.host.Address
	switch t.msg.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		return t.give(dhcpv4.MessageTypeOffer, Offered, mine, t.at.network.Lease())
	case dhcpv4.MessageTypeRequest:
		wanted, insists := t.wanted()
		switch {
		case !wanted.IsValid():
			return t.ignore(Malformed)
		case wanted == mine:
			return t.give(dhcpv4.MessageTypeAck, Acked, mine, t.at.network.Lease())
		}
		return t.refuse(insists)
	case dhcpv4.MessageTypeInform:
		return t.inform()
	case dhcpv4.MessageTypeRelease:
		return t.note(Released, "gives its reserved address back; it stays reserved")
	case dhcpv4.MessageTypeDecline:
		return t.note(Declined, "says that "+mine.String()+", which is reserved for it, is used by another machine: find that one by its ARP answer")
	}
	return t.ignore(Unsupported)
}

// wanted is the address a DHCPREQUEST is about, by client state (RFC 2131 section
// 4.3.2): SELECTING and INIT-REBOOT name it in option 50, RENEWING and REBINDING in
// ciaddr. selecting is true when the client took our own offer.
func (t *talk) wanted() (a netip.Addr, selecting bool) {
	if a = addr(t.msg.RequestedIPAddress()); !a.IsValid() {
		a = addr(t.msg.ClientIPAddr)
	}
	return a, addr(t.msg.ServerIdentifier()).IsValid()
}

// refuse says no to a wrong address where we must: when the client chose us, or where
// we are the authority. Elsewhere another server may have given it.
func (t *talk) refuse(selecting bool) Answer {
	if selecting || t.at.network.DHCP == inventory.DHCPAuthoritative {
		return t.nak()
	}
	return t.ignore(WrongAddress)
}

// leaveAlone ignores a client that has no place on this network, save that an
// authority tells it so when it insists on an address from elsewhere: RFC 2131 section
// 4.3.2 wants a NAK for INIT-REBOOT on the wrong network.
func (t *talk) leaveAlone(r Rule) Answer {
	if t.msg.MessageType() == dhcpv4.MessageTypeRequest && t.at.network.DHCP == inventory.DHCPAuthoritative {
		if a, selecting := t.wanted(); a.IsValid() && !selecting && !t.at.network.Prefix.Contains(a) {
			return t.nak()
		}
	}
	return t.ignore(r)
}
