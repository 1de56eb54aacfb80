package dhcp

import (
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
)

// borrow answers a stranger on a network that lends: all it can say by itself is what
// to ask the Lender.
func (t *talk) borrow() Answer {
	if t.at.network.Pool.IsZero() {
		return t.ignore(NoPool)
	}
	switch t.msg.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		return t.ask(Lend, addr(t.msg.RequestedIPAddress()))
	case dhcpv4.MessageTypeRequest:
		wanted := t.wanted()
		switch {
		case !wanted.IsValid():
			return t.ignore(Malformed)
		case !t.lendable(wanted):
			return t.refuse()
		}
		return t.ask(Lend, wanted)
	case dhcpv4.MessageTypeInform:
		return t.inform()
	case dhcpv4.MessageTypeRelease:
		return t.ask(Release, addr(t.msg.ClientIPAddr))
	case dhcpv4.MessageTypeDecline:
		return t.ask(Decline, addr(t.msg.RequestedIPAddress()))
	}
	return t.ignore(Unsupported)
}

// lendable reports whether the address may be lent at all.
func (t *talk) lendable(a netip.Addr) bool {
	return t.at.network.Pool.Contains(a) && t.view.HostAt(a) == nil && !slices.Contains(t.in.Own, a)
}

func (t *talk) ask(verb Verb, a netip.Addr) Answer {
	ans := t.answer("")
	ans.Ask = &Ask{Verb: verb, MAC: t.client.MAC, Network: t.at.network, Address: a, Offers: t.msg.MessageType() == dhcpv4.MessageTypeDiscover}
	return ans
}

// Finish turns the Lender's word into the answer to the same message. A lease of an
// address that the plan reserves, or that is ours, is refused and declined: Ask is set once more, and
// then the answer is final whatever the Lender says.
func Finish(v *boot.View, in Inbound, s Settings, asked Ask, lease inventory.Lease, err error) Answer {
	t := newTalk(v, in, s)
	if t.at.network == nil || !t.at.server.IsValid() {
		return t.ignore(Undeclared) // the plan changed meanwhile
	}
	switch {
	case err != nil:
		ans := t.ignore(NoLease)
		ans.Event.Detail["error"] = err.Error()
		return ans
	case asked.Verb == Release:
		return t.note(Released, "gives its lease of "+asked.Address.String()+" back")
	case asked.Verb == Decline:
		return t.note(Declined, "says that "+asked.Address.String()+" is used by another machine; it is not lent for a while")
	case !t.at.network.Prefix.Contains(lease.Address):
		return t.ignore(LeaseElsewhere)
	case v.HostAt(lease.Address) != nil, slices.Contains(in.Own, lease.Address):
		ans := t.ignore(LeaseReserved)
		ans.Ask = &Ask{Verb: Decline, MAC: asked.MAC, Network: asked.Network, Address: lease.Address}
		return ans
	}
	return t.lent(asked, lease)
}

func (t *talk) lent(asked Ask, lease inventory.Lease) Answer {
	left := remaining(lease, t.in.At)
	if asked.Offers {
		return t.give(dhcpv4.MessageTypeOffer, Offered, lease.Address, left)
	}
	if lease.Address != asked.Address {
		return t.refuse()
	}
	return t.give(dhcpv4.MessageTypeAck, Acked, lease.Address, left)
}

// remaining is how long a lease is good for when the client hears of it.
func remaining(l inventory.Lease, now time.Time) time.Duration {
	return max(l.Until.Sub(now).Round(time.Second), time.Minute)
}
