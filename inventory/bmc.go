package inventory

import (
	"net/netip"
	"net/url"
	"time"
)

// Host is the address of the BMC when its URL has one and not a name.
func (b *BMC) Host() netip.Addr {
	u, err := url.Parse(b.Address)
	if err != nil {
		return netip.Addr{}
	}
	a, _ := netip.ParseAddr(u.Hostname())
	return a
}

// TimeServers are the NTP servers of the network that a machine's BMC stands in.
func TimeServers(m *Machine, networks []Network) (servers []string) {
	if m.BMC == nil || !m.BMC.Host().IsValid() {
		return nil
	}
	for _, n := range networks {
		if !n.Prefix.Contains(m.BMC.Host()) {
			continue
		}
		for _, s := range n.NTP {
			servers = append(servers, s.String())
		}
	}
	return servers
}

// StrangeBMC is a management controller that asked for an address and is in no plan.
type StrangeBMC struct {
	MAC     MAC        `json:"mac"`
	Address netip.Addr `json:"address,omitzero" doc:"What it was lent"`
	Network string     `json:"network"`
	Vendor  string     `json:"vendor,omitempty" doc:"As its DHCP vendor class or the maker of its MAC tell"`
	Since   time.Time  `json:"since"`
	Seen    time.Time  `json:"seen_at"`
}
