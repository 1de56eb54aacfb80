package network

import (
	"fmt"
	"net"
	"net/netip"
)

// OpenStack is network_data.json of a config drive (Nova's schema network_data-1.0, and
// bond_primary, which that does not have and cloud-init reads like the rest). cloud-init
// calls bonds bond0, bond1 and so on.
func OpenStack(links []Link) map[string]any {
	all, networks, services := []map[string]any{}, []map[string]any{}, []map[string]any{}
	known := map[netip.Addr]bool{}
	for _, l := range links {
		all = append(all, stackLink(l))
		networks = append(networks, stackNetworks(l)...)
		for _, a := range l.DNS {
			if !known[a] {
				known[a] = true
				services = append(services, map[string]any{"type": "dns", "address": a.String()})
			}
		}
	}
	return map[string]any{"links": all, "networks": networks, "services": services}
}

func stackLink(l Link) map[string]any {
	out := map[string]any{"id": l.Name, "name": l.Name, "mtu": nil}
	if l.MTU > 0 {
		out["mtu"] = l.MTU
	}
	switch {
	case l.Bond != nil:
		out["type"], out["ethernet_mac_address"], out["bond_links"], out["bond_mode"], out["bond_miimon"] = "bond", l.MAC.String(), l.Members, string(l.Bond.Mode), l.Bond.MIIMon
		for key, value := range map[string]string{"bond_xmit_hash_policy": l.Bond.Hash, "bond_lacp_rate": l.Bond.LACPRate, "bond_primary": l.Primary} {
			if value != "" {
				out[key] = value
			}
		}
	case l.VLAN != 0:
		out["type"], out["vlan_mac_address"], out["vlan_id"], out["vlan_link"] = "vlan", l.MAC.String(), l.VLAN, l.Over
	default:
		out["type"], out["ethernet_mac_address"] = "phy", l.MAC.String()
	}
	return out
}

func stackNetworks(l Link) (out []map[string]any) {
	if l.DHCP {
		return []map[string]any{{"id": l.Name + "-4", "network_id": l.Network, "link": l.Name, "type": "ipv4_dhcp"}}
	}
	for _, a := range l.Addrs {
		family, mask := 4, net.IP(net.CIDRMask(a.Bits(), a.Addr().BitLen())).String()
		if a.Addr().Is6() {
			family = 6
		}
		routes := []map[string]any{}
		for _, r := range l.Routes {
			if r.To.Addr().Is6() == a.Addr().Is6() {
				whole := net.IP(net.CIDRMask(0, a.Addr().BitLen())).String()
				routes = append(routes, map[string]any{"network": r.To.Addr().String(), "netmask": whole, "gateway": r.Via.String()})
			}
		}
		out = append(out, map[string]any{"id": fmt.Sprintf("%s-%d", l.Name, family), "network_id": l.Network, "link": l.Name, "type": fmt.Sprintf("ipv%d", family),
			"ip_address": a.Addr().String(), "netmask": mask, "routes": routes})
	}
	return out
}
