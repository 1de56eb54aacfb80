package dhcp

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
)

// Ports of DHCPv4 (RFC 2131 section 4.1) and of proxyDHCP.
const (
	ServerPort = 67
	clientPort = 68
	ProxyPort  = 4011 // PXE 2.1 section 2.2.3
)

func broadcast() netip.Addr { return netip.AddrFrom4([4]byte{255, 255, 255, 255}) }

// header starts a reply with what every reply to this message has in common (RFC 2131
// section 4.3.1, table 3). What a relay or client wants to know its reply by goes back as
// it came: options 82 (RFC 3046 section 2.2) and 61 (RFC 6842). BOOTP knows no types.
func (t *talk) header(kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	r := &dhcpv4.DHCPv4{
		OpCode:        dhcpv4.OpcodeBootReply,
		HWType:        t.msg.HWType,
		TransactionID: t.msg.TransactionID,
		Flags:         t.msg.Flags,
		GatewayIPAddr: t.msg.GatewayIPAddr,
		ClientHWAddr:  t.msg.ClientHWAddr,
		Options:       dhcpv4.Options{},
	}
	t.echo(r, 82)
	if kind != dhcpv4.MessageTypeNone {
		r.UpdateOption(dhcpv4.OptMessageType(kind))
		r.UpdateOption(dhcpv4.OptServerIdentifier(t.at.ident.AsSlice()))
		t.echo(r, 61)
	}
	return r
}

// echo sends options back as they came.
func (t *talk) echo(r *dhcpv4.DHCPv4, codes ...uint8) {
	for _, c := range codes {
		if v, ok := t.msg.Options[c]; ok {
			r.Options[c] = v
		}
	}
}

// give offers or confirms an address. A lease of zero has no end, and no option says so.
func (t *talk) give(kind dhcpv4.MessageType, rule Rule, a netip.Addr, lease time.Duration) Answer {
	r := t.header(kind)
	r.YourIPAddr = a.AsSlice()
	if kind == dhcpv4.MessageTypeAck {
		r.ClientIPAddr = t.msg.ClientIPAddr
	}
	if lease != forever {
		r.UpdateOption(dhcpv4.OptIPAddressLeaseTime(lease))
		r.UpdateOption(dhcpv4.OptRenewTimeValue(lease / 2)) // T1 and T2: RFC 2131 section 4.4.5
		r.UpdateOption(dhcpv4.OptRebindingTimeValue(lease / 8 * 7))
	}
	t.fill(r)
	return t.send(rule, r, a)
}

// fill adds all that does not depend on the address given.
func (t *talk) fill(r *dhcpv4.DHCPv4) {
	t.echo(r, 97, 118) // RFC 4578 section 2.3, RFC 3011 section 3
	t.configure(r)
	t.extra(r)
	t.netboot(r)
	t.fit(r)
}

// inform confirms everything but an address (RFC 2131 section 4.3.5).
func (t *talk) inform() Answer {
	at := addr(t.msg.ClientIPAddr)
	if !at.IsValid() || !t.at.network.Prefix.Contains(at) {
		return t.ignore(Malformed)
	}
	r := t.header(dhcpv4.MessageTypeAck)
	r.ClientIPAddr = t.msg.ClientIPAddr
	t.fill(r)
	return t.send(Informed, r, netip.Addr{})
}

// nak refuses. Through a relay the broadcast flag makes the relay broadcast it, for
// the client may not have a usable address (RFC 2131 section 4.3.2).
func (t *talk) nak() Answer {
	r := t.header(dhcpv4.MessageTypeNak)
	r.UpdateOption(dhcpv4.OptMessage("the address is not this client's here"))
	if t.at.relay.IsValid() {
		r.SetBroadcast()
	}
	return t.send(Naked, r, netip.Addr{})
}

// send addresses the reply (RFC 2131 section 4.1): to the relay, else to the address the
// client has, else to the one it is given, in a frame to its MAC, unless it wants a
// broadcast. A NAK is broadcast, but for a client behind a router that would not hear it.
func (t *talk) send(rule Rule, r *dhcpv4.DHCPv4, given netip.Addr) Answer {
	ans := t.answer(rule)
	ans.Reply, ans.Address, ans.Source, ans.shape, ans.tight = r, given, t.at.server, shapeOf(t.msg), t.tight
	has := addr(t.msg.ClientIPAddr)
	refused := r.MessageType() == dhcpv4.MessageTypeNak
	switch {
	case rule == Informed: // RFC 2131 section 4.3.5; relays send what has no yiaddr to nobody
		ans.Dest = netip.AddrPortFrom(has, clientPort)
	case t.at.relay.IsValid():
		ans.Dest = netip.AddrPortFrom(t.at.relay, ServerPort)
	case t.at.network.Prefix.Contains(has) && (!refused || t.routed()):
		ans.Dest = netip.AddrPortFrom(has, clientPort)
	case given.IsValid() && !t.msg.IsBroadcast():
		ans.Dest, ans.Frame = netip.AddrPortFrom(given, clientPort), t.client.MAC
	default:
		ans.Dest = netip.AddrPortFrom(broadcast(), clientPort)
	}
	t.tell(&ans)
	return ans
}

// routed reports whether the message came through a router.
func (t *talk) routed() bool {
	return !slices.ContainsFunc(t.in.Addresses, t.at.network.Prefix.Contains)
}

// configure adds the network's parameters: what the client asked for in option 55, or
// all of them when it asked for nothing.
func (t *talk) configure(r *dhcpv4.DHCPv4) {
	n := t.at.network
	r.UpdateOption(dhcpv4.OptSubnetMask(net.CIDRMask(n.Prefix.Bits(), 32)))
	if n.Gateway.Is4() {
		r.UpdateOption(dhcpv4.OptRouter(n.Gateway.AsSlice()))
	}
	if t.asked(dhcpv4.OptionDomainNameServer) && len(n.DNS) > 0 {
		r.UpdateOption(dhcpv4.OptDNS(ips(n.DNS)...))
	}
	if t.asked(dhcpv4.OptionNTPServers) && len(n.NTP) > 0 {
		r.UpdateOption(dhcpv4.OptNTPServers(ips(n.NTP)...))
	}
	if t.asked(dhcpv4.OptionDomainName) && n.Domain != "" {
		r.UpdateOption(dhcpv4.OptDomainName(n.Domain))
	}
	if t.asked(dhcpv4.OptionInterfaceMTU) && n.MTU >= 68 && n.MTU <= 65535 {
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionInterfaceMTU, []byte{byte(n.MTU >> 8), byte(n.MTU)}))
	}
	if name, suffix := hostName(t.host); t.asked(dhcpv4.OptionHostName) && name != "" {
		r.UpdateOption(dhcpv4.OptHostName(name + suffix))
	}
}

// hostName is what option 12 says, in two parts: a BMC has a name of its own. It is empty for
// a stranger and where it is longer than a label (RFC 1035 section 2.3.4).
func hostName(h *boot.Host) (name, suffix string) {
	if h == nil {
		return "", ""
	}
	if h.BMC {
		suffix = "-bmc"
	}
	if h.Name == "" || len(h.Name)+len(suffix) > 63 {
		return "", ""
	}
	return h.Name, suffix
}

func (t *talk) asked(code dhcpv4.OptionCode) bool { return asks(t.msg, code) }

// asks reports whether the sender wants an option: who names none wants all.
func asks(m *dhcpv4.DHCPv4, code dhcpv4.OptionCode) bool {
	list := m.Options.Get(dhcpv4.OptionParameterRequestList)
	for _, c := range list {
		if c == code.Code() {
			return true
		}
	}
	return len(list) == 0
}

func ips(addrs []netip.Addr) (out []net.IP) {
	for _, a := range addrs {
		if a.Is4() && len(out) < 4 {
			out = append(out, a.AsSlice())
		}
	}
	return out
}

// fit drops what a client can do without until the reply fits what it takes; what must be
// there stays.
func (t *talk) fit(r *dhcpv4.DHCPv4) {
	s := shapeOf(t.msg)
	a, ok := s.lay(r)
	if t.tight = !ok || len(a.file)+len(a.sname) > 0; ok {
		return
	}
	for _, code := range spare(s.codes(r.Options)) {
		if _, ok := s.lay(r); ok {
			return
		}
		r.DeleteOption(dhcpv4.GenericOptionCode(code))
	}
}

// spare are the options that may be left out, in the order in which they are.
func spare(codes []byte) []byte {
	first, last := []byte{42, 59, 58, 15, 12}, []byte{6, 97}
	for _, code := range slices.Backward(codes) { // what the client wants least
		if !slices.Contains(needed(), code) && !slices.Contains(first, code) && !slices.Contains(last, code) {
			first = append(first, code)
		}
	}
	return append(first, last...)
}

// needed are the options that are not left out for want of room: without them a client has
// no lease, does not know the reply for its own, or does not boot.
func needed() []byte { return []byte{53, 54, 51, 1, 3, 60, 43, 66, 67, 61, 175} }
