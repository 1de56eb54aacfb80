package network

import (
	"net/netip"
	"slices"
	"strings"
)

// TimeServers are the time servers of all links, each once. Units of networkd name them by
// themselves; netplan and NetworkManager hand no servers on that they were not given by DHCP.
func TimeServers(links []Link) (servers []netip.Addr) {
	for _, l := range links {
		for _, a := range l.NTP {
			if !slices.Contains(servers, a) {
				servers = append(servers, a)
			}
		}
	}
	return servers
}

// Chrony is a chrony.conf with these servers, beside those that DHCP gives (Fedora's
// dispatcher writes them below /run/chrony-dhcp).
func Chrony(servers []netip.Addr) string {
	var b strings.Builder
	for _, a := range servers {
		b.WriteString("server " + a.String() + " iburst\n")
	}
	return b.String() + "sourcedir /run/chrony-dhcp\ndriftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\nlogdir /var/log/chrony\n"
}
