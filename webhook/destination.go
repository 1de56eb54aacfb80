package webhook

import "net/netip"

// Allow says which of the destinations that are no strangers' a webhook may have.
type Allow struct {
	Private  bool // RFC 1918 and fc00::/7: the receivers of a datacenter
	Loopback bool // this host itself: for receivers on it, and for tests
}

// metadata are the addresses by which clouds give out credentials outside of link-local
// addresses.
var metadata = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192")}

// Refuse says why nothing is sent to an address, "" when it may be. It is asked with the
// address that is connected to: a name may lead elsewhere from one moment to the next.
func (a Allow) Refuse(to netip.Addr) string {
	to = embedded(to.Unmap().WithZone(""))
	switch {
	case !to.IsValid() || to.IsUnspecified():
		return "no address"
	case to.IsLoopback():
		if a.Loopback {
			return ""
		}
		return "this host itself; webhooks.allow_loopback permits it"
	case to.IsLinkLocalUnicast():
		return "a link-local address: clouds give out credentials there"
	case to.IsMulticast(), to.Is4() && (to.As4()[0] == 0 || to.As4()[0] >= 224):
		return "no single host's address"
	}
	for _, m := range metadata {
		if m == to {
			return "an address of a cloud's metadata"
		}
	}
	if to.IsPrivate() && !a.Private {
		return "a private address; webhooks.allow_private permits it"
	}
	return ""
}

// nat64 and sixToFour hold an IPv4 address (RFC 6052 section 2.1, RFC 3056 section 2).
var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

// embedded is the IPv4 address that an IPv6 address leads to by a translator.
func embedded(to netip.Addr) netip.Addr {
	if !to.Is6() {
		return to
	}
	b := to.As16()
	switch {
	case nat64.Contains(to):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(to):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return to
}
