package dhcp

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Ports of DHCPv4 (RFC 2131 section 4.1).
const (
	ServerPort = 67
	clientPort = 68
)

func broadcast() netip.Addr { return netip.AddrFrom4([4]byte{255, 255, 255, 255}) }

// header starts a reply with what every reply to this message has in common (RFC 2131
// section 4.3.1, table 3). Option 82 goes back to the relay as it came (RFC 3046
// section 2.2) and option 97 to the client (RFC 4578 section 2.3).
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
	r.UpdateOption(dhcpv4.OptMessageType(kind))
	r.UpdateOption(dhcpv4.OptServerIdentifier(t.at.ident.AsSlice()))
	for _, code := range []dhcpv4.OptionCode{dhcpv4.OptionRelayAgentInformation, dhcpv4.OptionClientMachineIdentifier} {
		if v := t.msg.Options.Get(code); v != nil {
			r.UpdateOption(dhcpv4.OptGeneric(code, v))
		}
	}
	return r
}

// give offers or confirms an address.
func (t *talk) give(kind dhcpv4.MessageType, rule Rule, a netip.Addr, lease time.Duration) Answer {
	r := t.header(kind)
	r.YourIPAddr = a.AsSlice()
	if kind == dhcpv4.MessageTypeAck {
		r.ClientIPAddr = t.msg.ClientIPAddr
	}
	r.UpdateOption(dhcpv4.OptIPAddressLeaseTime(max(lease, time.Minute)))
	t.configure(r)
	t.netboot(r)
	t.fit(r)
	return t.send(rule, r, a)
}

// inform confirms everything but an address (RFC 2131 section 4.3.5).
func (t *talk) inform() Answer {
	at := addr(t.msg.ClientIPAddr)
	if !at.IsValid() || !t.at.network.Prefix.Contains(at) {
		return t.ignore(Malformed)
	}
	r := t.header(dhcpv4.MessageTypeAck)
	r.ClientIPAddr = t.msg.ClientIPAddr
	t.configure(r)
	t.netboot(r)
	t.fit(r)
	return t.send(Informed, r, netip.Addr{})
}

// nak refuses. Through a relay the broadcast flag makes the relay broadcast it, for
// the client may not have a usable address (RFC 2131 section 4.3.2).
func (t *talk) nak() Answer {
	r := t.header(dhcpv4.MessageTypeNak)
	if t.at.relay.IsValid() {
		r.SetBroadcast()
	}
	return t.send(Naked, r, netip.Addr{})
}

// send addresses the reply (RFC 2131 section 4.1). A client without an address is
// answered by broadcast: it cannot answer ARP yet.
func (t *talk) send(rule Rule, r *dhcpv4.DHCPv4, given netip.Addr) Answer {
	ciaddr := addr(t.msg.ClientIPAddr)
	ans := t.answer(rule)
	ans.Reply, ans.Address = r, given
	switch {
	case t.at.relay.IsValid():
		ans.Dest = netip.AddrPortFrom(t.at.relay, ServerPort)
	case t.at.network.Prefix.Contains(ciaddr) && r.MessageType() != dhcpv4.MessageTypeNak:
		ans.Dest = netip.AddrPortFrom(ciaddr, clientPort)
	default:
		ans.Dest = netip.AddrPortFrom(broadcast(), clientPort)
	}
	t.tell(&ans)
	return ans
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
	if t.asked(dhcpv4.OptionHostName) && t.host != nil && t.host.Name != "" {
		name := t.host.Name
		if t.host.BMC {
			name += "-bmc" // a name of its own; one label of a host name has 63 bytes (RFC 1035 section 2.3.4)
		}
		if len(name) <= 63 {
			r.UpdateOption(dhcpv4.OptHostName(name))
		}
	}
}

func (t *talk) asked(code dhcpv4.OptionCode) bool {
	list := t.msg.Options.Get(dhcpv4.OptionParameterRequestList)
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

// Sizes of a DHCP message (RFC 2131 section 2 and option 57), bytes with IP and UDP
// headers.
const (
	minMessage = 576
	maxMessage = 1472
	ipUDP      = 28
)

// fit drops what a client can do without until the reply fits what it takes.
func (t *talk) fit(r *dhcpv4.DHCPv4) {
	limit := minMessage
	if size, err := t.msg.MaxMessageSize(); err == nil {
		limit = min(max(int(size), minMessage), maxMessage)
	}
	for _, code := range []dhcpv4.OptionCode{dhcpv4.OptionNTPServers, dhcpv4.OptionDomainName,
		dhcpv4.OptionDomainNameServer, dhcpv4.OptionHostName, dhcpv4.OptionClientMachineIdentifier} {
		if len(r.ToBytes())+ipUDP <= limit {
			return
		}
		r.DeleteOption(code)
	}
}
