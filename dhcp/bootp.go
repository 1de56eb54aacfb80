package dhcp

import (
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// bootp answers a BOOTP client (RFC 951, 1534): a planned one, for it keeps its address for
// good and never gives it back.
func (t *talk) bootp() Answer {
	if t.host == nil || elsewhere(t.host, t.at.network) || !t.at.network.Prefix.Contains(t.host.Address) {
		return t.ignore(BOOTP)
	}
	return t.give(dhcpv4.MessageTypeNone, Booted, t.host.Address, forever)
}

// forever is the lease time of BOOTP: no option says it.
const forever = time.Duration(0)
