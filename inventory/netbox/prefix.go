package netbox

import "net/netip"

// byPrefix finds prefixes of a VRF.
type byPrefix map[inVRF]*subnet

type inVRF struct {
	vrf    int64
	prefix netip.Prefix
}

// add puts n under a prefix, unless one stands there.
func (x byPrefix) add(n *subnet, p netip.Prefix) {
	if key := (inVRF{n.from.VRF.id(), p}); x[key] == nil {
		x[key] = n
	}
}

// around is the smallest that holds the prefix, nil for none.
func (x byPrefix) around(vrf int64, p netip.Prefix) *subnet {
	for bits := p.Bits(); bits >= 0; bits-- {
		if n := x[inVRF{vrf, netip.PrefixFrom(p.Addr(), bits).Masked()}]; n != nil {
			return n
		}
	}
	return nil
}
