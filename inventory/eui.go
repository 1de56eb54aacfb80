package inventory

import "net/netip"

// MACIn is the MAC that an IPv6 address was made of (modified EUI-64, RFC 4291 appendix A).
func MACIn(a netip.Addr) (m MAC, ok bool) {
	if !a.Is6() || a.Is4In6() {
		return m, false
	}
	b := a.As16()
	if b[11] != 0xff || b[12] != 0xfe {
		return m, false
	}
	m = MAC{b[8] ^ 2, b[9], b[10], b[13], b[14], b[15]}
	return m, !m.IsZero() && m[0]&1 == 0
}

// Made is the address of a network that is made of a MAC, invalid where its IPv6 subnet is
// longer than a /64. Two MACs never have the same.
func (n *Network) Made(m MAC) netip.Addr {
	if !n.Prefix6.IsValid() || n.Prefix6.Bits() > 64 || m.IsZero() {
		return netip.Addr{}
	}
	b := n.Prefix6.Addr().As16()
	copy(b[8:], []byte{m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]})
	return netip.AddrFrom16(b)
}
