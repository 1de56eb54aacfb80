package probe

import (
	"path/filepath"
	"strings"

	"rackwright/inventory"
)

// maxPCI bounds the report: a large server has some 150 devices that are no bridges.
const maxPCI = 256

// PCI lists the devices on the PCI bus without bridges, memory controllers of processors
// and virtual functions.
func (t Tree) PCI() []inventory.PCIDevice {
	var devices []inventory.PCIDevice
	for _, at := range t.glob("sys/bus/pci/devices/*") {
		class := strings.TrimPrefix(t.text(at+"/class"), "0x")
		if len(class) < 4 || t.exists(at+"/physfn") || len(devices) == maxPCI {
			continue
		}
		switch class[:2] {
		case "05", "06", "08", "11": // memory, bridges, timers and counters
			continue
		}
		d := inventory.PCIDevice{Address: filepath.Base(at), Class: class[:4], Driver: t.link(at + "/driver"),
			ID: t.pciPair(at, "vendor", "device"), Subsystem: t.pciPair(at, "subsystem_vendor", "subsystem_device")}
		t.pcieLink(at, &d)
		devices = append(devices, d)
	}
	return devices
}

func (t Tree) pciPair(at, vendor, device string) string {
	v, d := strings.TrimPrefix(t.text(at+"/"+vendor), "0x"), strings.TrimPrefix(t.text(at+"/"+device), "0x")
	if v == "" || v == "0000" {
		return ""
	}
	return v + ":" + d
}

// pcieLink reads the link and what it could be: the lesser of what the device and the port
// above it can do.
func (t Tree) pcieLink(at string, d *inventory.PCIDevice) {
	d.Speed, d.Width = gigatransfers(t.text(at+"/current_link_speed")), int(t.number(at+"/current_link_width"))
	d.MaxSpeed, d.MaxWidth = gigatransfers(t.text(at+"/max_link_speed")), int(t.number(at+"/max_link_width"))
	above := filepath.Dir(t.target(at))
	if width := int(t.number(above + "/max_link_width")); width > 0 && width < d.MaxWidth {
		d.MaxWidth = width
	}
	if speed := gigatransfers(t.text(above + "/max_link_speed")); speed != "" && (inventory.PCIDevice{Class: "01", Speed: speed, MaxSpeed: d.MaxSpeed}).Degraded() {
		d.MaxSpeed = speed
	}
	if d.Width <= 0 || d.Width > 64 { // no link: built into the chipset
		d.Speed, d.MaxSpeed, d.Width, d.MaxWidth = "", "", 0, 0
	}
}

// gigatransfers takes "8.0 GT/s" out of "8.0 GT/s PCIe".
func gigatransfers(s string) string {
	if !strings.Contains(s, "GT/s") {
		return ""
	}
	return strings.TrimSpace(strings.TrimSuffix(s, "PCIe"))
}

// MemoryErrors sums what the memory controllers counted; nil when none counts.
func (t Tree) MemoryErrors() *inventory.MemoryErrors {
	found := t.glob("sys/devices/system/edac/mc/mc*")
	if len(found) == 0 {
		return nil
	}
	var e inventory.MemoryErrors
	for _, at := range found {
		e.Corrected += t.number(at + "/ce_count")
		e.Uncorrected += t.number(at + "/ue_count")
	}
	return &e
}
