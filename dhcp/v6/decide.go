package v6

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

// Inbound is one message and where it arrived.
type Inbound struct {
	Message   *Message
	Interface string
	Addresses []netip.Addr // IPv6 addresses of that interface
	Own       []netip.Addr // IPv6 addresses of all our interfaces
	From      netip.AddrPort
	To        netip.Addr // destination of the datagram
	At        time.Time
}

// Settings are what an answer needs to know of our other servers.
type Settings struct {
	HTTPPort   uint16
	HTTPSPort  uint16        // for firmware that holds the boot server's authority; 0: there is none
	BootServer netip.Addr    // where boot files are; not IPv6: the address the client reaches us at
	Loaders    *boot.Loaders // that can be had there; nil: the built-in ones
}

// Answer is what becomes of one message.
type Answer struct {
	Reply   []byte         // as it goes on the wire; nil: say nothing
	Dest    netip.AddrPort // where it goes; a link-local one on the interface the message came from
	Rule    Rule
	Event   journal.Event
	Client  boot.Client
	Network *inventory.Network // nil off every declared network
	Address netip.Addr         // given to the client, invalid if none
	File    string             // what it is told to load
	Remote  string             // what a relay said of itself

	Declined netip.Addr // the client's own, and found in use by another; invalid: none
	Holds    netip.Addr // the client's own, and used by it; invalid: not said
	Port     string     // and of its port
}

// talk is one message being decided.
type talk struct {
	view    *boot.View
	in      Inbound
	set     Settings
	msg     *Message
	client  boot.Client
	host    *boot.Host // nil for a stranger
	network *inventory.Network
	server  netip.Addr // address the client reaches us at
	address netip.Addr // that it may have here; invalid: none
}

func newTalk(v *boot.View, in Inbound, s Settings) *talk {
	t := &talk{view: v, in: in, set: s, msg: in.Message, client: clientOf(in.Message)}
	w := whoSent(in.Message, in.From.Addr())
	t.locate(w)
	if t.network == nil {
		t.client.MAC = w.mac()
		return t
	}
	t.host = w.host(v, t.network)
	t.client.MAC = w.mac()
	if t.host != nil {
		t.client.MAC, t.client.UUID = t.host.MAC, t.host.UUID
	}
	t.address = t.due()
	return t
}

// locate finds the network: through relays by the link address nearest to the client
// (RFC 8415 section 13.1), else by the interface's addresses.
func (t *talk) locate(w who) {
	if len(t.msg.Hops) == 0 {
		t.network, t.server = t.local(w)
		return
	}
	for _, h := range slices.Backward(t.msg.Hops) {
		if !h.Link.IsUnspecified() && !h.Link.IsLinkLocalUnicast() {
			t.network = t.view.NetworkOf(h.Link)
			break
		}
	}
	if slices.Contains(t.in.Own, t.in.To) && t.in.To.IsGlobalUnicast() {
		t.server = t.in.To
		return
	}
	for _, a := range t.in.Own {
		if a.IsGlobalUnicast() {
			t.server = a
			return
		}
	}
}

// local picks among the networks that the interface has addresses in: the one that the client is
// planned on, else the first that is served, else the first declared.
func (t *talk) local(w who) (network *inventory.Network, server netip.Addr) {
	best := 0
	for _, a := range t.in.Addresses {
		n := t.view.NetworkOf(a)
		if n == nil || !a.Is6() {
			continue
		}
		rank := 1
		if n.DHCP6.Serves() {
			rank = 2
			if h := w.host(t.view, n); h != nil && h.Network == n.Name {
				rank = 3
			}
		}
		if rank > best {
			best, network, server = rank, n, a
		}
	}
	return network, server
}

// due is the address that the client may have: the reserved one, else one made of its MAC
// where strangers are let in. Made ones need no lease: no other MAC makes the same.
func (t *talk) due() netip.Addr {
	n := t.network
	if n.DHCP6 != inventory.DHCP6Reservations {
		return netip.Addr{}
	}
	if t.host != nil && n.Prefix6.Contains(t.host.Address6) {
		return t.host.Address6
	}
	if n.Strangers != inventory.StrangerDiscover {
		return netip.Addr{}
	}
	made := n.Made(t.client.MAC)
	if h := t.view.HostAt(made); h != nil && h.MAC != t.client.MAC || made == n.Gateway6 || slices.Contains(t.in.Own, made) {
		return netip.Addr{}
	}
	return made
}

// Decide answers a message that Parse let through, from the view alone.
func Decide(v *boot.View, in Inbound, s Settings) Answer {
	t := newTalk(v, in, s)
	n := t.network
	server, named := t.msg.opts.get(optServerID)
	switch {
	case n == nil || !t.server.IsValid():
		return t.ignore(Undeclared)
	case !n.DHCP6.Serves():
		return t.ignore(SwitchedOff)
	case named && !bytes.Equal(server, ServerID(v)):
		return t.ignore(OtherServer)
	case t.host == nil && n.Strangers == inventory.StrangerHold:
		return t.ignore(Held)
	case t.host == nil && n.Strangers != inventory.StrangerDiscover:
		return t.ignore(Stranger)
	case t.client.MAC.IsZero():
		return t.ignore(Nameless)
	case len(t.msg.Hops) == 0 && !t.in.To.IsMulticast() && slices.Contains(t.in.Own, t.in.To):
		return t.unicast()
	case t.msg.Type == InformationRequest:
		return t.send(Informed, t.start(Reply))
	case n.DHCP6 == inventory.DHCP6Stateless:
		return t.ignore(Stateless)
	case t.host != nil && t.host.Network != "" && t.host.Network != n.Name:
		return t.ignore(WrongNetwork)
	}
	return t.addressed()
}

// unicast refuses what was sent to us alone: no client was told that it may (RFC 8415
// section 18.4).
func (t *talk) unicast() Answer {
	switch t.msg.Type {
	case Request, Renew, Release, Decline:
		r := t.head(Reply)
		r.status(useMulticast, "send it to all servers")
		return t.sendBare(UseMulticast, r)
	}
	return t.ignore(Unicast)
}

// addressed answers a message about addresses.
func (t *talk) addressed() Answer {
	switch t.msg.Type {
	case Solicit:
		if _, rapid := t.msg.opts.get(optRapid); rapid {
			r := t.start(Reply)
			r.b = put(r.b, optRapid, nil)
			return t.give(Given, r)
		}
		return t.give(Advertised, t.start(Advertise))
	case Request:
		return t.give(Given, t.start(Reply))
	case Renew, Rebind:
		if !t.address.IsValid() {
			r := t.start(Reply)
			t.each(r, func(i ia) { r.bare(i, noBinding, "there is no address for it here") })
			return t.send(NoBinding, r)
		}
		ans := t.give(Given, t.start(Reply))
		for _, i := range t.ias() {
			if slices.Contains(i.addresses, t.address) {
				ans.Holds = t.address
			}
		}
		return ans
	case Confirm:
		return t.confirm()
	case Release:
		return t.closed(Released, "gives its address back; it stays its own")
	case Decline:
		return t.declined()
	}
	return t.ignore(NotRequest)
}

// confirm says whether a client's addresses are of the link it is on now (RFC 8415 section
// 18.3.3), which is no word on whether they are its own.
func (t *talk) confirm() Answer {
	any, off := false, false
	for _, i := range t.ias() {
		for _, a := range i.addresses {
			any, off = true, off || !t.network.Prefix6.Contains(a)
		}
	}
	if !any {
		return t.ignore(NothingAsked)
	}
	r := t.head(Reply)
	if off {
		r.status(notOnLink, "an address is of another link")
		return t.sendBare(NotOnLink, r)
	}
	r.status(success, "all addresses are of this link")
	return t.sendBare(Confirmed, r)
}

// closed confirms that the client uses addresses no more.
func (t *talk) closed(rule Rule, what string) Answer {
	r := t.head(Reply)
	r.status(success, "noted")
	t.each(r, func(i ia) {
		if !slices.Contains(i.addresses, t.address) {
			r.bare(i, noBinding, "it is not this client's")
		}
	})
	ans := t.sendBare(rule, r)
	ans.Event.Summary = fmt.Sprintf("%s from %s: %s", t.msg.Type, t.client.MAC, what)
	return ans
}

// declined tells of an address that its client found in use.
func (t *talk) declined() Answer {
	for _, i := range t.ias() {
		if t.address.IsValid() && slices.Contains(i.addresses, t.address) {
			ans := t.closed(Declined, "says that "+t.address.String()+" is used by another machine: find that one by its neighbour advertisement")
			ans.Event.Kind = journal.DHCPConflict
			ans.Event.Detail["address"] = t.address.String()
			ans.Declined = t.address
			return ans
		}
	}
	return t.closed(Declined, "declines an address that is not its own")
}
