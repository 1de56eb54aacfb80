package dhcp

import (
	"strings"

	"rackwright/boot"
	"rackwright/inventory"
)

// maxVendor bounds what is kept of a vendor class, bytes.
const maxVendor = 64

// controllerOf says whether a message of nobody known is a BMC's, and of which maker. The
// vendor class (option 60) tells on any network: "iDRAC" (Dell, iDRAC9 User's Guide, DHCP
// options) and "CPQRIB3" (HPE iLO, since Compaq's Remote Insight Board; MAAS's DHCP
// snippets show "CPQRIB3 (HP Proliant DL360 G6 iLO)"). Others say no more than the name of
// their DHCP client: udhcp for AMI's and Supermicro's firmware, systemd for OpenBMC's, so
// there the maker of the MAC has to say it too, or the network: where the plan has BMCs
// only (purpose oob) all that does not netboot is one.
func controllerOf(class string, mac inventory.MAC, netboots boot.Class, n *inventory.Network) (is bool, vendor string) {
	if netboots != boot.NotNetboot {
		return false, ""
	}
	maker := makerOf(mac)
	switch {
	case strings.HasPrefix(class, "iDRAC"):
		return true, "Dell iDRAC"
	case strings.HasPrefix(class, "CPQRIB"):
		return true, "HPE iLO"
	case strings.HasPrefix(class, "udhcp") && maker == supermicro:
		return true, maker
	case n != nil && n.Purpose == "oob":
		return true, strings.TrimSpace(maker + " " + line(class))
	}
	return false, ""
}

const supermicro = "Supermicro"

// makerOf is the maker of a MAC (IEEE MA-L), of those whose BMCs say nothing of themselves.
func makerOf(mac inventory.MAC) string {
	switch [3]byte(mac[:3]) {
	case [3]byte{0x00, 0x25, 0x90}, [3]byte{0x0c, 0xc4, 0x7a}, [3]byte{0xac, 0x1f, 0x6b}, [3]byte{0x3c, 0xec, 0xef}:
		return supermicro
	}
	return ""
}

// line is text of the network as one short line.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s[:min(len(s), maxVendor)])
	return strings.TrimSpace(s)
}
