package link

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/inventory"
)

// ports lists the network ports that are hardware, and brings up those that are down: the
// link's state shows only then, and LLDP is heard only then.
func ports() []net.Interface {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var hardware []net.Interface
	for _, i := range all {
		if _, err := os.Stat(filepath.Join("/sys/class/net", i.Name, "device")); err != nil || len(i.HardwareAddr) != 6 {
			continue
		}
		if i.Flags&net.FlagUp == 0 {
			if l, err := netlink.LinkByIndex(i.Index); err == nil {
				_ = netlink.LinkSetUp(l) // tried again on the next round
			}
		}
		hardware = append(hardware, i)
	}
	return hardware
}

// carrier reports whether a port has link.
func carrier(name string) bool {
	b, err := os.ReadFile(filepath.Join("/sys/class/net", name, "carrier"))
	return err == nil && strings.TrimSpace(string(b)) == "1"
}

// order puts the port the machine booted from first; the others follow only if others is set.
func order(ports []net.Interface, boot inventory.MAC, others bool) []net.Interface {
	var first, rest []net.Interface
	for _, p := range ports {
		if mac, _ := inventory.MACFrom(p.HardwareAddr); mac == boot {
			first = append(first, p)
		} else {
			rest = append(rest, p)
		}
	}
	if others || boot.IsZero() {
		return append(first, rest...)
	}
	return first
}

// loopback brings the loopback port up.
func loopback() {
	if l, err := netlink.LinkByName("lo"); err == nil {
		_ = netlink.LinkSetUp(l) // nothing here depends on it
	}
}

// tagged makes the port of a VLAN on a port (IEEE 802.1Q), once, and returns its name.
func tagged(p net.Interface, vlan int) (string, error) {
	name := "vlan" + strconv.Itoa(vlan) + "." + strconv.Itoa(p.Index)
	link := &netlink.Vlan{LinkAttrs: netlink.LinkAttrs{Name: name, ParentIndex: p.Index}, VlanId: vlan}
	if err := netlink.LinkAdd(link); err != nil && !errors.Is(err, unix.EEXIST) {
		return "", fault.Internalf("VLAN %d on %s: %w", vlan, p.Name, err).WithHint("the ramdisk may lack the module 8021q")
	}
	made, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(made)
	}
	if err != nil {
		return "", fault.Internalf("VLAN %d on %s: %w", vlan, p.Name, err)
	}
	return name, nil
}
