package network

import (
	"fmt"
	"strings"
)

// File is a file of a configuration; Name is in the folder that its reader looks into.
type File struct{ Name, Content string }

// Networkd are the units of systemd-networkd, of /etc/systemd/network (systemd.network(5),
// systemd.netdev(5)). Ports are matched by the MAC they were made with: in a bond they get
// the bond's, and a VLAN has that of what is below.
func Networkd(links []Link) (out []File) {
	for _, l := range links {
		var t text
		if l.Bond != nil || l.VLAN != 0 {
			out = append(out, File{"10-" + l.Name + ".netdev", netdev(l)})
			t.section("Match", "Name="+l.Name)
		} else {
			t.section("Match", "PermanentMACAddress="+l.MAC.String())
		}
		if l.MTU > 0 {
			t.section("Link", fmt.Sprintf("MTUBytes=%d", l.MTU))
		}
		t.section("Network", networkdLines(l, links)...)
		for _, r := range l.Routes {
			lines := []string{"Destination=" + r.To.String(), "Gateway=" + r.Via.String()}
			if r.Via.IsLinkLocalUnicast() {
				lines = append(lines, "GatewayOnLink=yes")
			}
			t.section("Route", lines...)
		}
		out = append(out, File{fmt.Sprintf("%d-%s.network", rank(l), l.Name), t.String()})
	}
	return out
}

// rank orders the units as people read them.
func rank(l Link) int {
	if l.Bond != nil || l.VLAN != 0 {
		return 20
	}
	return 10
}

func networkdLines(l Link, all []Link) (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if l.In != "" {
		add("Bond=%s", l.In)
		for _, b := range all {
			if b.Name == l.In && b.Primary == l.Name {
				add("PrimarySlave=yes")
			}
		}
		return lines
	}
	for _, v := range all {
		if v.Over == l.Name {
			add("VLAN=%s", v.Name)
		}
	}
	if l.DHCP {
		add("DHCP=ipv4")
	}
	for _, a := range l.Addrs {
		add("Address=%s", a)
	}
	add("IPv6AcceptRA=%s", yes(l.RA))
	for _, a := range l.DNS {
		add("DNS=%s", a)
	}
	if len(l.DNS) > 0 && l.Search != "" {
		add("Domains=%s", l.Search)
	}
	if len(l.Addrs) > 0 {
		for _, a := range l.NTP {
			add("NTP=%s", a)
		}
	}
	return lines
}

func netdev(l Link) string {
	var t text
	kind := "vlan"
	if l.Bond != nil {
		kind = "bond"
	}
	lines := []string{"Name=" + l.Name, "Kind=" + kind}
	if l.MTU > 0 {
		lines = append(lines, fmt.Sprintf("MTUBytes=%d", l.MTU))
	}
	t.section("NetDev", lines...)
	if l.Bond == nil {
		t.section("VLAN", fmt.Sprintf("Id=%d", l.VLAN))
		return t.String()
	}
	lines = []string{"Mode=" + string(l.Bond.Mode), fmt.Sprintf("MIIMonitorSec=%dms", l.Bond.MIIMon)}
	if l.Bond.LACPRate != "" {
		lines = append(lines, "LACPTransmitRate="+l.Bond.LACPRate)
	}
	if l.Bond.Hash != "" {
		lines = append(lines, "TransmitHashPolicy="+l.Bond.Hash)
	}
	t.section("Bond", lines...)
	return t.String()
}

// text is an INI file in the making.
type text struct{ b strings.Builder }

func (t *text) section(name string, lines ...string) {
	if len(lines) == 0 {
		return
	}
	if t.b.Len() > 0 {
		t.b.WriteString("\n")
	}
	t.b.WriteString("[" + name + "]\n")
	for _, line := range lines {
		t.b.WriteString(line + "\n")
	}
}

func (t *text) String() string { return t.b.String() }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
