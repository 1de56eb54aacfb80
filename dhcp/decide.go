package dhcp

import (
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

// Answer is what becomes of one message.
type Answer struct {
	Reply  *dhcpv4.DHCPv4 // nil: say nothing; Bytes is how it goes on the wire
	Dest   netip.AddrPort // where the reply goes; 255.255.255.255 on the interface it came from
	Frame  inventory.MAC  // whom the frame goes to, because Dest cannot answer ARP yet; zero: send as usual
	Source netip.Addr     // ours, that the client reaches us at
	Rule   Rule
	Event  journal.Event
	Ask    *Ask // the Lender must be asked, and Finish told what it said

	Client  boot.Client
	Relay   Relay              // what a relay said of where it came from
	Network *inventory.Network // nil off every declared network

	Controller bool       // the client is a BMC that is in no plan
	Vendor     string     // of such
	Address    netip.Addr // given to the client, invalid if none
	Declined   netip.Addr // reserved for the client, and found in use by another; invalid: none
	Holds      netip.Addr // reserved for the client, and used by it; invalid: not said

	shape shape
	tight bool // not all of it stands behind the header: fit left something out, or lay used file and sname
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
	tight  bool // see Answer
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
	case t.at.spoofed:
		return t.ignore(BadRelay)
	case n == nil || !t.at.server.IsValid():
		return t.ignore(Undeclared)
	case n.DHCP == inventory.DHCPProxy:
		return t.proxy()
	case !n.DHCP.Addresses():
		return t.ignore(SwitchedOff)
	case t.in.Port == ProxyPort:
		return t.ignore(NotProxy)
	case t.choseOther():
		return t.ignore(OtherServer)
	case t.host == nil && n.Strangers != inventory.StrangerDiscover:
		return t.leaveAlone(strangerRule(n))
	case t.msg.MessageType() == dhcpv4.MessageTypeNone:
		return t.bootp()
	case t.host == nil:
		return t.borrow()
	case t.host.Address.IsValid() && elsewhere(t.host, n):
		return t.leaveAlone(WrongNetwork)
	case n.Prefix.Contains(t.host.Address):
		return t.reserved()
	case n.Strangers == inventory.StrangerDiscover:
		return t.borrow() // planned, but without an address here
	}
	return t.leaveAlone(NoAddress)
}

// elsewhere reports whether a host is planned on another network, which may have the same addresses.
func elsewhere(h *boot.Host, n *inventory.Network) bool {
	return h.Network != "" && h.Network != n.Name
}

// strangerRule is why a stranger is not answered.
func strangerRule(n *inventory.Network) Rule {
	if n.Strangers == inventory.StrangerHold {
		return Held
	}
	return Stranger
}

// choseOther reports whether the message is meant for another server: RFC 2131 section
// 4.3.2 has the client name the one it chose.
func (t *talk) choseOther() bool {
	id := addr(t.msg.ServerIdentifier())
	return id.IsValid() && id != t.at.ident && !slices.Contains(t.in.Own, id)
}

// reserved answers a machine whose address the plan knows.
func (t *talk) reserved() Answer {
	mine := t.host.Address
	switch t.msg.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		return t.give(dhcpv4.MessageTypeOffer, Offered, mine, t.at.network.Lease())
	case dhcpv4.MessageTypeRequest:
		switch {
		case !t.wanted().IsValid():
			return t.ignore(Malformed)
		case t.wanted() == mine:
			ans := t.give(dhcpv4.MessageTypeAck, Acked, mine, t.at.network.Lease())
			ans.Holds = t.holds(mine)
			return ans
		}
		return t.refuse()
	case dhcpv4.MessageTypeInform:
		ans := t.inform()
		ans.Holds = t.holds(mine)
		return ans
	case dhcpv4.MessageTypeRelease:
		return t.note(Released, "gives its reserved address back; it stays reserved")
	case dhcpv4.MessageTypeDecline:
		return t.declined(mine)
	}
	return t.ignore(Unsupported)
}

// holds is the address that is reserved for a client when it says that it uses it.
func (t *talk) holds(mine netip.Addr) netip.Addr {
	if addr(t.msg.ClientIPAddr) == mine {
		return mine
	}
	return netip.Addr{}
}

// declined tells of a reserved address that its machine found in use. It stays reserved and
// is offered again: only the other machine's going away helps.
func (t *talk) declined(mine netip.Addr) Answer {
	if a := t.wanted(); a != mine {
		return t.note(Declined, "declines "+a.String()+", which is not its address")
	}
	ans := t.note(Declined, "says that "+mine.String()+", which is reserved for it, is used by another machine: find that one by its ARP answer")
	ans.Event.Kind = journal.DHCPConflict
	ans.Event.Detail["address"] = mine.String()
	ans.Declined = mine
	return ans
}

// refuse says no to a wrong address where we must: when the client took our offer or has
// its lease from us, or where we are the authority. Elsewhere another server may have
// given it.
func (t *talk) refuse() Answer {
	s := t.state()
	if s == selecting || s == renewing || t.at.network.DHCP == inventory.DHCPAuthoritative {
		return t.nak()
	}
	return t.ignore(WrongAddress)
}

// leaveAlone ignores a client that has no place on this network, save that a machine of the
// plan is refused the address it had before the plan changed, and that an authority tells a
// stranger so when it insists on an address from elsewhere: RFC 2131 section 4.3.2 wants a
// NAK for INIT-REBOOT on the wrong network.
func (t *talk) leaveAlone(r Rule) Answer {
	if t.host != nil && t.wanted().IsValid() && t.msg.MessageType() == dhcpv4.MessageTypeRequest {
		if no := t.refuse(); no.Rule == Naked {
			return no
		}
	}
	if s := t.state(); s == initReboot || s == rebinding {
		if t.at.network.DHCP == inventory.DHCPAuthoritative && !t.at.network.Prefix.Contains(t.wanted()) {
			return t.nak()
		}
	}
	return t.ignore(r)
}
