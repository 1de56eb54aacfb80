package probe

import (
	"encoding/hex"
	"path/filepath"
	"strings"

	"rackwright/inventory"
)

// maxNICs bounds the report: virtual functions may be hundreds.
const maxNICs = 128

// NICs lists the network ports that are hardware, with their burnt-in address.
func (t Tree) NICs() []inventory.SeenNIC {
	var nics []inventory.SeenNIC
	for _, name := range t.list("sys/class/net") {
		at := "sys/class/net/" + name + "/"
		mac, err := inventory.ParseMAC(t.text(at + "address"))
		if err != nil || !t.exists(at+"device") || t.text(at+"type") != "1" || len(nics) == maxNICs {
			continue
		}
		if t.Permanent != nil {
			if burnt, ok := t.Permanent(name); ok {
				mac = burnt
			}
		}
		link := t.text(at+"carrier") == "1"
		n := inventory.SeenNIC{Name: name, MAC: mac, Driver: t.link(at + "device/driver"), Link: link, PCI: t.pciAddress(at + "device")}
		if speed := t.number(at + "speed"); link && speed > 0 && speed < 10_000_000 { // -1: unknown
			n.Mbps = int(speed)
		}
		nics = append(nics, n)
	}
	return nics
}

// pciAddress is the PCI function above a device: a virtio NIC is a child of it.
func (t Tree) pciAddress(device string) string {
	target, err := filepath.EvalSymlinks(t.path(device))
	if err != nil {
		return ""
	}
	parts := strings.Split(target, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if len(parts[i]) == 12 && parts[i][4] == ':' && parts[i][7] == ':' && parts[i][10] == '.' {
			return parts[i]
		}
	}
	return ""
}

// Unbound lists "vendor:device" of PCI storage and network controllers (classes 01 and
// 02) that no driver took: what to look for when a machine sees no disk or no network.
func (t Tree) Unbound() []string {
	var ids []string
	for _, at := range t.glob("sys/bus/pci/devices/*") {
		class := t.text(at + "/class")
		if !strings.HasPrefix(class, "0x01") && !strings.HasPrefix(class, "0x02") || t.exists(at+"/driver") {
			continue
		}
		ids = append(ids, strings.TrimPrefix(t.text(at+"/vendor"), "0x")+":"+strings.TrimPrefix(t.text(at+"/device"), "0x"))
	}
	return ids
}

func hexadecimal(b []byte) string { return hex.EncodeToString(b) }
