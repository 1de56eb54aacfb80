package link

import (
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"

	"rackwright/fault"
)

// apply gives a port its configuration; a second time it changes nothing.
func apply(name string, c Config, resolver string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return fault.Unreachablef("port %s is gone: %w", name, err)
	}
	if c.MTU > 0 {
		_ = netlink.LinkSetMTU(l, c.MTU) // the old one works too
	}
	if err := netlink.AddrReplace(l, &netlink.Addr{IPNet: ipNet(c.Address)}); err != nil {
		return fault.Internalf("set address %s on %s: %w", c.Address, name, err)
	}
	for _, r := range c.routes() {
		route := netlink.Route{LinkIndex: l.Attrs().Index, Dst: ipNet(r.To)}
		if r.Via.IsValid() && !r.Via.IsUnspecified() {
			route.Gw = r.Via.AsSlice()
			route.Flags = int(netlink.FLAG_ONLINK)
		} else {
			route.Scope = netlink.SCOPE_LINK
		}
		if err := netlink.RouteReplace(&route); err != nil {
			return fault.Internalf("set route to %s via %s: %w", r.To, r.Via, err)
		}
	}
	return os.WriteFile(resolver, []byte(c.resolv()), 0o644)
}

// routes are the classless ones if any were given (RFC 3442, page 5), else the gateway.
func (c Config) routes() []Route {
	if len(c.Routes) > 0 || !c.Gateway.IsValid() {
		return c.Routes
	}
	return []Route{{netip.PrefixFrom(netip.IPv4Unspecified(), 0), c.Gateway}}
}

func (c Config) resolv() string {
	var b strings.Builder
	for _, a := range c.DNS {
		b.WriteString("nameserver " + a.String() + "\n")
	}
	return b.String()
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
