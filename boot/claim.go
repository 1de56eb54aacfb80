package boot

import (
	"net/netip"

	"rackwright/inventory"
)

// Claim is what the address of a client says of its right to what is for one machine alone
// (docs/decisions/0053).
type Claim uint8

// The claims.
const (
	Unsaid     Claim = iota // nothing: another gives the addresses where it is
	Own                     // the plan gives it to the machine
	Others                  // the plan gives it to another machine, or to a BMC
	Lent                    // we give the addresses where it is: a lease says whose it is
	OffNetwork              // we give the machine's addresses, and it is none of them
)

// ClaimOf looks at the address that somebody has who asks as a host.
func (v *View) ClaimOf(peer netip.Addr, h *Host) Claim {
	switch at := v.HostAt(peer); {
	case at != nil && at.BMC, at != nil && at.Machine != h.Machine && at.MAC != h.MAC:
		return Others
	case at != nil && !peer.IsLinkLocalUnicast(): // which are on every link, and on each another's
		return Own
	}
	if gives(v.NetworkOf(peer), peer.Is6()) {
		return Lent
	}
	if v.fed(h) {
		return OffNetwork
	}
	return Unsaid
}

// fed reports whether a host's addresses are from us: those of its network, or those of the
// machine's other ports where none is planned for it.
func (v *View) fed(h *Host) bool {
	if n := v.named(h.Network); n != nil {
		return gives(n, false) || gives(n, true)
	}
	for _, port := range v.HostsOf(h.Machine) {
		if n := v.named(port.Network); gives(n, false) || gives(n, true) {
			return true
		}
	}
	return false
}

// gives reports whether addresses of a network are given by us.
func gives(n *inventory.Network, six bool) bool {
	switch {
	case n == nil:
		return false
	case six:
		return n.DHCP6 == inventory.DHCP6Reservations
	}
	return n.DHCP.Addresses()
}

func (v *View) named(network string) *inventory.Network {
	for _, n := range v.Networks() {
		if n.Name == network {
			return n
		}
	}
	return nil
}
