package network

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
)

// Keyfiles are NetworkManager's connections, of /etc/NetworkManager/system-connections
// (nm-settings-keyfile(5)); it reads only those that others cannot read. Ports keep the
// kernel's names there, so a bond's primary port is left to the bond: it is named by
// interface.
func Keyfiles(links []Link) (out []File) {
	for _, l := range links {
		out = append(out, File{l.Name + ".nmconnection", keyfile(l)})
	}
	return out
}

func keyfile(l Link) string {
	var t text
	connection := []string{"id=" + l.Name, "uuid=" + connectionID(l.Name)}
	switch {
	case l.Bond != nil:
		t.section("connection", append(connection, "type=bond", "interface-name="+l.Name)...)
		lines := []string{"mode=" + string(l.Bond.Mode), fmt.Sprintf("miimon=%d", l.Bond.MIIMon)}
		if l.Bond.LACPRate != "" {
			lines = append(lines, "lacp_rate="+l.Bond.LACPRate)
		}
		if l.Bond.Hash != "" {
			lines = append(lines, "xmit_hash_policy="+l.Bond.Hash)
		}
		t.section("bond", lines...)
		ethernet(&t, l)
	case l.VLAN != 0:
		t.section("connection", append(connection, "type=vlan", "interface-name="+l.Name)...)
		t.section("vlan", fmt.Sprintf("id=%d", l.VLAN), "parent="+connectionID(l.Over))
		ethernet(&t, l)
	default:
		if l.In != "" {
			connection = append(connection, "master="+connectionID(l.In), "slave-type=bond")
		}
		t.section("connection", append(connection, "type=ethernet")...)
		ethernet(&t, l, "mac-address="+strings.ToUpper(l.MAC.String()))
	}
	if l.In == "" {
		t.section("ipv4", family(l, netip.Addr.Is4, pick(l.DHCP, "auto", "disabled"))...)
		t.section("ipv6", family(l, netip.Addr.Is6, "link-local")...)
	}
	return t.String()
}

func ethernet(t *text, l Link, lines ...string) {
	if l.MTU > 0 {
		lines = append(lines, fmt.Sprintf("mtu=%d", l.MTU))
	}
	t.section("ethernet", lines...)
}

// family is the section of one address family; without is the method where the link has
// no address of it.
func family(l Link, of func(netip.Addr) bool, without string) []string {
	method, lines := without, []string{}
	for _, a := range l.Addrs {
		if !of(a.Addr()) {
			continue
		}
		method = pick(a.Addr().Is6() && l.RA, "auto", "manual")
		lines = append(lines, fmt.Sprintf("address%d=%s", len(lines)+1, a))
	}
	manual := len(lines) > 0
	for _, r := range l.Routes {
		if of(r.To.Addr()) {
			lines = append(lines, "gateway="+r.Via.String())
		}
	}
	dns := ""
	for _, a := range l.DNS {
		if of(a) && manual {
			dns += a.String() + ";"
		}
	}
	if dns != "" {
		lines = append(lines, "dns="+dns)
		if l.Search != "" {
			lines = append(lines, "dns-search="+l.Search+";")
		}
	}
	if manual && len(l.Routes) == 0 && method == "manual" {
		lines = append(lines, "never-default=true")
	}
	return append([]string{"method=" + method}, lines...)
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// connectionID is a UUID that follows from the name (RFC 9562 section 5.8, version 8).
func connectionID(name string) string {
	sum := sha256.Sum256([]byte("rackwright connection " + name))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
