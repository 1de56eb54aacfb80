package dhcp

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
)

// proxy answers what netboots beside another server that gives the addresses (PXE 2.1
// section 2.2.3): a DISCOVER with an offer of no address, and the question for the boot
// file itself, a REQUEST or INFORM on port 4011 or an INFORM on port 67. A REQUEST on
// port 67 is the other server's.
func (t *talk) proxy() Answer {
	n, kind := t.at.network, t.msg.MessageType()
	switch {
	case t.client.Class == boot.NotNetboot:
		return t.ignore(NotNetbooting)
	case t.host == nil && n.Strangers != inventory.StrangerDiscover:
		return t.ignore(strangerRule(n))
	case kind == dhcpv4.MessageTypeDiscover && t.in.Port != ProxyPort:
		return t.point(dhcpv4.MessageTypeOffer)
	case kind == dhcpv4.MessageTypeInform, kind == dhcpv4.MessageTypeRequest && t.in.Port == ProxyPort:
		return t.point(dhcpv4.MessageTypeAck)
	case kind == dhcpv4.MessageTypeRequest:
		return t.ignore(GivenByOther)
	}
	return t.ignore(Unsupported)
}

// point says what to load and nothing else.
func (t *talk) point(kind dhcpv4.MessageType) Answer {
	r := t.header(kind)
	t.echo(r, 97)
	if kind == dhcpv4.MessageTypeAck {
		r.ClientIPAddr = t.msg.ClientIPAddr
	}
	t.netboot(r)
	if t.bootFile() != "" && t.client.Class == boot.IPXE { // it passes over what is no proxy's
		r.UpdateOption(dhcpv4.OptClassIdentifier("PXEClient"))
		r.DeleteOption(dhcpv4.GenericOptionCode(ipxeOptions))
	}
	t.fit(r)
	ans := t.send(Proxied, r, netip.Addr{})
	if t.in.Port == ProxyPort && !t.at.relay.IsValid() && t.in.From.Addr().Is4() && !t.in.From.Addr().IsUnspecified() {
		ans.Dest = t.in.From // it asked from a port of its own
	}
	return ans
}
