package answer

import (
	"fmt"

	"rackwright/deploy/network"
)

// Link is an interface of the installed system: a port, a bond, or a VLAN on one of them.
// Texts are empty where it has no such thing.
type Link struct {
	Name                      string
	MAC                       string   // of a port; else of the port below
	MTU                       int      // 0: as it is
	Bond                      string   // of a port: the bond it is in
	Ports                     []string // of a bond: its ports' names
	Options                   string   // of a bond: as Linux's bonding driver names them, with commas
	Carries                   bool     // of a port: it is in a bond or below a VLAN, so its name matters
	VLAN                      int      // of a VLAN: its id
	Over                      string   // of a VLAN: the link below
	DHCP                      bool     // asks for an IPv4 address
	Address                   string
	Prefix                    int
	Gateway                   string // of the default route, if it has it
	Address6, CIDR6, Gateway6 string
	DNS                       []string
}

func interfaces(links []network.Link) []Link {
	var out []Link
	below := map[string]bool{}
	for _, l := range links {
		below[l.Over] = true
	}
	for _, l := range links {
		i := Link{Name: l.Name, MAC: l.MAC.String(), MTU: l.MTU, Bond: l.In, Ports: l.Members, Options: options(l), VLAN: l.VLAN, Over: l.Over, DHCP: l.DHCP, DNS: texts(l.DNS)}
		i.Carries = l.Bond == nil && l.VLAN == 0 && (l.In != "" || below[l.Name])
		for _, a := range l.Addrs {
			if a.Addr().Is4() {
				i.Address, i.Prefix = a.Addr().String(), a.Bits()
			} else {
				i.Address6, i.CIDR6 = a.Addr().String(), a.String()
			}
		}
		for _, r := range l.Routes {
			if r.To.Addr().Is4() {
				i.Gateway = r.Via.String()
			} else {
				i.Gateway6 = r.Via.String()
			}
		}
		out = append(out, i)
	}
	return out
}

// options are a bond's, as the kernel's documentation (networking/bonding) names them.
func options(l network.Link) string {
	if l.Bond == nil {
		return ""
	}
	text := fmt.Sprintf("mode=%s,miimon=%d", l.Bond.Mode, l.Bond.MIIMon)
	for _, o := range [][2]string{{"lacp_rate", l.Bond.LACPRate}, {"xmit_hash_policy", l.Bond.Hash}, {"primary", l.Primary}} {
		if o[1] != "" {
			text += "," + o[0] + "=" + o[1]
		}
	}
	return text
}
