// Package link brings the machine's network ports up and gets one of them an address by
// DHCP, over IPv4 or IPv6. It reaches no server beyond that.
package link

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/fault"
)

// Config is what DHCP says a port shall have.
type Config struct {
	Address netip.Prefix
	Gateway netip.Addr // invalid without one
	Routes  []Route    // RFC 3442; they replace Gateway
	DNS     []netip.Addr
	MTU     int // 0: as it is
	Lease   time.Duration
}

// Route is a classless static route. Via is unspecified for one on the link itself.
type Route struct {
	To  netip.Prefix
	Via netip.Addr
}

// Bounds on what a server may hand out.
const (
	maxRoutes = 64
	maxDNS    = 3 // what a resolver reads
	minLease  = time.Minute
)

// configOf reads an ACK.
func configOf(ack *dhcpv4.DHCPv4) (Config, error) {
	addr, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	if !ok || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback() {
		return Config{}, fault.Invalidf("the DHCP server offers the address %s", ack.YourIPAddr)
	}
	bits, size := net.IPMask(ack.SubnetMask()).Size()
	if size != 32 {
		bits = addr.BitLen()
	}
	c := Config{Address: netip.PrefixFrom(addr, bits), Lease: max(ack.IPAddressLeaseTime(time.Hour), minLease)}
	for _, ip := range ack.Router() {
		if a, ok := netip.AddrFromSlice(ip.To4()); ok {
			c.Gateway = a
			break
		}
	}
	for _, ip := range ack.DNS() {
		if a, ok := netip.AddrFromSlice(ip.To4()); ok && len(c.DNS) < maxDNS {
			c.DNS = append(c.DNS, a)
		}
	}
	c.Routes = routesOf(ack)
	c.MTU = mtuOf(ack)
	return c, nil
}

func routesOf(ack *dhcpv4.DHCPv4) (routes []Route) {
	for _, r := range ack.ClasslessStaticRoute() {
		if r == nil || r.Dest == nil || len(routes) == maxRoutes {
			continue
		}
		to, ok1 := netip.AddrFromSlice(r.Dest.IP.To4())
		via, ok2 := netip.AddrFromSlice(r.Router.To4())
		bits, _ := r.Dest.Mask.Size()
		if ok1 && ok2 {
			routes = append(routes, Route{netip.PrefixFrom(to, bits).Masked(), via})
		}
	}
	return routes
}

// mtuOf reads option 26 (RFC 2132, section 5.1), ignoring values no link has.
func mtuOf(ack *dhcpv4.DHCPv4) int {
	b := ack.Options.Get(dhcpv4.OptionInterfaceMTU)
	if len(b) != 2 {
		return 0
	}
	if mtu := int(b[0])<<8 | int(b[1]); mtu >= 576 && mtu <= 9216 {
		return mtu
	}
	return 0
}
