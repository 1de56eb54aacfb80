package link

import (
	"errors"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// Interface is an existing interface that addresses of BMCs or machines are added to.
type Interface struct {
	link   netlink.Link
	prefix int
	label  string
}

// FindInterface looks the interface up. prefix is the prefix length of addresses added
// to it, 0: that of the network it is in already, else a host address.
func FindInterface(name string, prefix int) (*Interface, error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return nil, missing("interface", name, err).
			WithHint("ip link add %s type bridge forward_delay 0 && ip link set %s up, or name one that exists", name, name)
	}
	if l.Attrs().Flags&unix.IFF_UP == 0 {
		return nil, fault.Conflictf("interface %s is down", name).WithHint("ip link set %s up", name)
	}
	i := &Interface{link: l, prefix: prefix}
	if label := name + ":racksim"; len(label) <= 15 {
		i.label = label
	}
	return i, nil
}

// Add puts the address on the interface and returns how to take it off. An address
// that is there already and was not put there by a racksim stays after the end.
func (i *Interface) Add(ip netip.Addr) (remove func() error, err error) {
	addr := &netlink.Addr{IPNet: i.network(ip)}
	if ip.Is4() {
		addr.Label = i.label
	} else {
		addr.Flags = unix.IFA_F_NODAD // a BMC answers at once
	}
	err = netlink.AddrAdd(i.link, addr)
	switch {
	case errors.Is(err, unix.EEXIST):
		if !i.ours(ip) {
			return func() error { return nil }, nil
		}
	case err != nil:
		return nil, linkFault("address "+ip.String()+" on "+i.link.Attrs().Name, err)
	}
	return func() error { return netlink.AddrDel(i.link, addr) }, nil
}

// ours reports whether an IPv4 address carries the label of an earlier racksim that
// could not clean up.
func (i *Interface) ours(ip netip.Addr) bool {
	addrs, err := netlink.AddrList(i.link, netlink.FAMILY_V4)
	if err != nil || i.label == "" {
		return false
	}
	for _, a := range addrs {
		if a.Label == i.label && a.IP.Equal(ip.AsSlice()) {
			return true
		}
	}
	return false
}

func (i *Interface) network(ip netip.Addr) *net.IPNet {
	bits := i.prefix
	if bits == 0 || bits > ip.BitLen() {
		bits = i.connected(ip)
	}
	return &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(bits, ip.BitLen())}
}

// connected is the prefix length of the interface's network that holds ip.
func (i *Interface) connected(ip netip.Addr) int {
	addrs, err := netlink.AddrList(i.link, netlink.FAMILY_ALL)
	if err == nil {
		for _, a := range addrs {
			if ones, bits := a.Mask.Size(); bits == ip.BitLen() && ones < bits && a.Contains(ip.AsSlice()) {
				return ones
			}
		}
	}
	return ip.BitLen()
}
