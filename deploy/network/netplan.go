package network

import (
	"encoding/json"
	"net/netip"
)

// netplan is cloud-init's network configuration version 2, which netplan reads too.
func netplan(links []Link) map[string]any {
	out := map[string]any{"version": 2, "ethernets": map[string]any{}}
	put := func(section string, l Link, port map[string]any) {
		if out[section] == nil {
			out[section] = map[string]any{}
		}
		out[section].(map[string]any)[l.Name] = port
	}
	for _, l := range links {
		switch {
		case l.Bond != nil:
			put("bonds", l, bondPlan(l))
		case l.VLAN != 0:
			port := portPlan(l)
			port["id"], port["link"] = l.VLAN, l.Over
			put("vlans", l, port)
		default:
			port := portPlan(l)
			port["match"], port["set-name"] = map[string]any{"macaddress": l.MAC.String()}, l.Name
			put("ethernets", l, port)
		}
	}
	return out
}

// NetplanText is the netplan as JSON, which is YAML too.
func NetplanText(links []Link) string {
	b, err := json.MarshalIndent(netplan(links), "", "  ")
	if err != nil {
		panic("network: plain maps do not encode: " + err.Error())
	}
	return string(b) + "\n"
}

func bondPlan(l Link) map[string]any {
	port := portPlan(l)
	port["interfaces"] = l.Members
	parameters := map[string]any{"mode": string(l.Bond.Mode), "mii-monitor-interval": l.Bond.MIIMon}
	for key, value := range map[string]string{"lacp-rate": l.Bond.LACPRate, "transmit-hash-policy": l.Bond.Hash, "primary": l.Primary} {
		if value != "" {
			parameters[key] = value
		}
	}
	port["parameters"] = parameters
	return port
}

// portPlan is what every kind of interface may have.
func portPlan(l Link) map[string]any {
	port := map[string]any{}
	if l.MTU > 0 {
		port["mtu"] = l.MTU
	}
	if l.DHCP {
		port["dhcp4"] = true
	}
	if len(l.Addrs) > 0 {
		port["addresses"] = prefixes(l.Addrs)
	}
	if has6(l) {
		port["accept-ra"] = l.RA
	}
	for _, r := range l.Routes {
		key := "gateway4" // netplan would have a route instead, which cloud-init's other renderers get wrong: docs/decisions/0033
		if r.To.Addr().Is6() {
			key = "gateway6"
		}
		port[key] = r.Via.String()
	}
	if len(l.DNS) > 0 {
		servers := map[string]any{"addresses": texts(l.DNS)}
		if l.Search != "" {
			servers["search"] = []string{l.Search}
		}
		port["nameservers"] = servers
	}
	return port
}

func has6(l Link) bool {
	for _, a := range l.Addrs {
		if a.Addr().Is6() {
			return true
		}
	}
	return false
}

func texts(list []netip.Addr) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}

func prefixes(list []netip.Prefix) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}
