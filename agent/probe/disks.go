package probe

import (
	"path/filepath"
	"strings"

	"rackwright/inventory"
)

// maxDisks bounds the report; a full storage shelf has fewer.
const maxDisks = 512

// Disks lists the block devices that could hold a system: not loop, ram, device mapper,
// optical or floppy drives, network devices, nor slots without a medium.
func (t Tree) Disks() []inventory.Disk {
	var disks []inventory.Disk
	for _, name := range t.list("sys/block") {
		if notADisk(name) || !t.exists("sys/block/"+name+"/device") {
			continue
		}
		if d := t.disk(name); d.Bytes > 0 && len(disks) < maxDisks {
			disks = append(disks, d)
		}
	}
	return disks
}

func notADisk(name string) bool {
	for _, prefix := range []string{"loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "mtdblock"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	// The paths of a multipath NVMe namespace (nvme0c1n1) stand behind nvme0n1; an eMMC's
	// boot areas hold no system.
	return strings.HasPrefix(name, "nvme") && strings.Contains(name[4:], "c") || strings.Contains(name, "boot")
}

func (t Tree) disk(name string) inventory.Disk {
	at := "sys/block/" + name + "/"
	d := inventory.Disk{Path: "/dev/" + name, Bytes: t.number(at+"size") * 512, BlockBytes: int(t.number(at + "queue/logical_block_size")),
		Model: t.text(at + "device/model"), ReadOnly: t.text(at+"ro") == "1"}
	if vendor := t.text(at + "device/vendor"); vendor != "" && vendor != "ATA" && !strings.HasPrefix(vendor, "0x") {
		d.Model = strings.TrimSpace(vendor + " " + d.Model)
	}
	d.Serial = first(t.text(at+"serial"), t.text(at+"device/serial"), vpdSerial(t.read(at+"device/vpd_pg80")))
	d.WWN = first(t.text(at+"wwid"), t.text(at+"device/wwid"), vpdNAA(t.read(at+"device/vpd_pg83")))
	if strings.HasPrefix(d.WWN, "t10.") || strings.Contains(d.WWN, " ") {
		d.WWN = vpdNAA(t.read(at + "device/vpd_pg83")) // a made-up name, not a WWN
	}
	d.Type = t.kind(name)
	d.Firmware = first(t.text(at+"device/firmware_rev"), t.text(at+"device/rev"))
	d.Bay = t.text(at + "device/bay_identifier")
	d.BusPath = t.busPath(name)
	d.Rotational = t.text(at+"queue/rotational") == "1"
	return d
}

// kind tells virtual disks by their driver or their hypervisor's vendor string.
func (t Tree) kind(name string) string {
	at := "sys/block/" + name + "/"
	vendor := t.text(at + "device/vendor")
	model := t.text(at + "device/model")
	switch {
	case strings.HasPrefix(name, "vd"), strings.HasPrefix(name, "xvd"),
		vendor == "QEMU", vendor == "VMware", vendor == "Msft", strings.HasPrefix(model, "QEMU HARDDISK"):
		return "virtual"
	case strings.HasPrefix(name, "nvme"):
		return "nvme"
	case t.text(at+"queue/rotational") == "0":
		return "ssd"
	}
	return "hdd"
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// vpdSerial reads SCSI VPD page 0x80, unit serial number (SPC-4, section 7.8.15).
func vpdSerial(page []byte) string {
	if len(page) < 4 || page[1] != 0x80 {
		return ""
	}
	n := int(page[2])<<8 | int(page[3])
	return clean(string(page[4:min(4+n, len(page))]))
}

// vpdNAA reads the logical unit's NAA name of SCSI VPD page 0x83, device identification
// (SPC-4, section 7.8.6), as "naa." and hexadecimal digits.
func vpdNAA(page []byte) string {
	if len(page) < 4 || page[1] != 0x83 {
		return ""
	}
	end := min(4+int(page[2])<<8+int(page[3]), len(page))
	for at := 4; at+4 <= end; {
		n := int(page[at+3])
		if at+4+n > end {
			return ""
		}
		association, kind := page[at+1]>>4&3, page[at+1]&0xf
		if association == 0 && kind == 3 && n > 0 {
			return "naa." + hexadecimal(page[at+4:at+4+n])
		}
		at += 4 + n
	}
	return ""
}

// glob lists the sysfs paths that match, relative to the root.
func (t Tree) glob(pattern string) []string {
	found, _ := filepath.Glob(t.path(pattern)) // the patterns here are well-formed
	for i := range found {
		found[i], _ = filepath.Rel(t.Root, found[i])
	}
	return found
}
