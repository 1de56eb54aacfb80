package webhook

import (
	"net/netip"
	"net/url"
	"strings"

	"rackwright/fault"
)

// Allow says which of the destinations that are no strangers' a webhook may have.
type Allow struct {
	Private  bool // RFC 1918, RFC 6598, fc00::/7 and fec0::/10: the receivers of a datacenter
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
	for _, t := range tunnels {
		if t.Contains(to) {
			return "an address that leads to another, which nobody sees"
		}
	}
	for _, m := range metadata {
		if m == to {
			return "an address of a cloud's metadata"
		}
	}
	if (to.IsPrivate() || shared.Contains(to) || siteLocal.Contains(to)) && !a.Private {
		return "a private address; webhooks.allow_private permits it"
	}
	return ""
}

// Blocks of private networks beside RFC 1918 and fc00::/7.
var (
	shared    = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	siteLocal = netip.MustParsePrefix("fec0::/10")     // RFC 3879: some still have it
)

// tunnels are what leads to IPv4 addresses, in forms that only its operators know: IPv4-compatible
// addresses (RFC 4291 section 2.5.5.1), Teredo (RFC 4380) and translators of one's own (RFC 8215).
var tunnels = []netip.Prefix{netip.MustParsePrefix("::/96"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("64:ff9b:1::/48")}

// Leads is Invalid when a URL names by address, or as localhost, what nothing is sent to. Where
// another name leads is seen when something is sent.
func (a Allow) Leads(to string) error {
	u, err := url.Parse(to)
	if err != nil {
		return nil // Check says so
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	addr, err := netip.ParseAddr(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 section 6.3
		addr, err = netip.IPv6Loopback(), nil
	}
	why := ""
	if err == nil {
		why = a.Refuse(addr)
	}
	if why == "" {
		return nil
	}
	what, permit, _ := strings.Cut(why, "; ")
	hint := "give the address of a receiver"
	if setting, ok := strings.CutSuffix(permit, " permits it"); ok {
		hint = "an administrator sets " + setting + " = true in the server's configuration, where such receivers are meant"
	}
	return &fault.Error{Kind: fault.Invalid, Message: "nothing is sent to " + host + ": it is " + what, Hint: hint,
		Fields: []fault.Field{{Path: "body.url", Message: "leads to " + what}}}
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
