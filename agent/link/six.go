package link

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/dhcpv6/nclient6"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// usable is how long an address may take to be found nobody else's (RFC 4862 section 5.4).
const usable = 5 * time.Second

// ask6 gets a port an address for a server that is reached over IPv6: by DHCPv6, and where
// that gives none, the one that the kernel made by a router's advertisement. What is on the
// link and which router there is, the kernel learns from advertisements too.
func ask6(ctx context.Context, port, resolver string, wait func(context.Context, time.Duration) error) (*Network, error) {
	c, err := solicit(ctx, port)
	if err != nil {
		made := madeOn(port)
		if !made.IsValid() {
			return nil, err
		}
		return &Network{Port: port, Config: Config{Address: made, Lease: time.Hour}, path: resolver}, nil
	}
	if err := apply(port, c, resolver); err != nil {
		return nil, err
	}
	for waited := time.Duration(0); waited < usable && tentative(port, c.Address.Addr()); waited += between {
		if err := wait(ctx, between); err != nil {
			return nil, err
		}
	}
	return &Network{Port: port, Config: c, path: resolver}, nil
}

// solicit runs SOLICIT to REPLY on a port.
func solicit(ctx context.Context, port string) (Config, error) {
	client, err := nclient6.New(port, nclient6.WithTimeout(offer), nclient6.WithRetry(retries))
	if err != nil { // it has no link-local address yet
		return Config{}, fault.Unreachablef("DHCPv6 on %s: %w", port, err)
	}
	defer client.Close()
	reply, err := client.RapidSolicit(ctx)
	if err != nil {
		return Config{}, fault.Unreachablef("DHCPv6 on %s: %w", port, err)
	}
	return config6(reply)
}

// config6 reads a REPLY.
func config6(m *dhcpv6.Message) (Config, error) {
	for _, ia := range m.Options.IANA() {
		for _, one := range ia.Options.Addresses() {
			a, ok := netip.AddrFromSlice(one.IPv6Addr)
			if !ok || !a.IsGlobalUnicast() || a.Is4In6() || one.ValidLifetime == 0 {
				continue
			}
			c := Config{Address: netip.PrefixFrom(a, 128), Lease: max(one.ValidLifetime, minLease)}
			for _, ip := range m.Options.DNS() {
				if a, ok := netip.AddrFromSlice(ip); ok && len(c.DNS) < maxDNS {
					c.DNS = append(c.DNS, a)
				}
			}
			return c, nil
		}
	}
	return Config{}, fault.Unreachablef("the DHCPv6 server gives no address")
}

// renew6 asks again for the address that a port has.
func (n *Network) renew6(ctx context.Context) error {
	c, err := solicit(ctx, n.Port)
	if err != nil {
		return err
	}
	if c.Address != n.Config.Address {
		return fault.Conflictf("the DHCPv6 server now gives %s, not %s", c.Address, n.Config.Address)
	}
	n.Config = c
	return nil
}

// madeOn is the address that the kernel made itself on a port, invalid when there is none.
func madeOn(port string) netip.Prefix {
	for _, a := range addresses6(port) {
		ip, ok := netip.AddrFromSlice(a.IP)
		if bits, _ := a.Mask.Size(); ok && ip.IsGlobalUnicast() && a.Flags&unix.IFA_F_TENTATIVE == 0 {
			return netip.PrefixFrom(ip, bits)
		}
	}
	return netip.Prefix{}
}

func tentative(port string, address netip.Addr) bool {
	for _, a := range addresses6(port) {
		if a.IP.Equal(net.IP(address.AsSlice())) {
			return a.Flags&unix.IFA_F_TENTATIVE != 0
		}
	}
	return false
}

func addresses6(port string) []netlink.Addr {
	l, err := netlink.LinkByName(port)
	if err != nil {
		return nil
	}
	list, _ := netlink.AddrList(l, netlink.FAMILY_V6)
	return list
}
