package probe

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	pciFunction = regexp.MustCompile(`^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)
	nvmeSpace   = regexp.MustCompile(`n([0-9]+)$`)
	scsiUnit    = regexp.MustCompile(`^([0-9]+):([0-9]+):([0-9]+):([0-9]+)$`)
)

// busPath says where a disk is connected by what does not change from boot to boot: its PCI
// function, then the port, the SAS address or the NVMe namespace. Numbers that the kernel
// gives in the order it finds things (hosts, ata numbers, SAS targets) are left out. It is
// the place as udev's ID_PATH words it, as far as it goes.
func (t Tree) busPath(name string) string {
	way := t.way("sys/block/" + name)
	if len(way) == 0 { // a namespace with several paths stands below its subsystem, not below a controller
		for _, controller := range t.glob("sys/block/" + name + "/device/nvme[0-9]*") {
			if found := t.way(controller); len(way) == 0 || len(found) > 0 && found[0] < way[0] {
				way = found
			}
		}
	}
	if len(way) == 0 {
		return t.platform(name)
	}
	return "pci-" + way[0] + t.behind(name, way[1:])
}

// platform is the place of a disk that is on no PCI bus.
func (t Tree) platform(name string) string {
	real, _ := filepath.EvalSymlinks(t.path("sys/block/" + name)) // was read before
	if _, rest, ok := strings.Cut(real, "/devices/platform/"); ok {
		way := strings.Split(rest, "/")
		return "platform-" + way[0] + t.behind(name, way[1:])
	}
	return ""
}

// way is the path of a device from the PCI function nearest to it, nil where there is none.
func (t Tree) way(device string) (way []string) {
	real, err := filepath.EvalSymlinks(t.path(device))
	if err != nil {
		return nil
	}
	parts := strings.Split(real, "/")
	for i, part := range parts {
		if pciFunction.MatchString(part) {
			way = parts[i:]
		}
	}
	return way
}

// behind is the rest of the way, from the PCI function to the disk.
func (t Tree) behind(name string, way []string) string {
	if m := nvmeSpace.FindStringSubmatch(name); strings.HasPrefix(name, "nvme") && m != nil {
		return "-nvme-" + m[1]
	}
	if sas := t.text("sys/block/" + name + "/device/sas_address"); sas != "" {
		return "-sas-" + sas + "-lun-" + lun(way)
	}
	for _, part := range way {
		if strings.HasPrefix(part, "ata") {
			if port := t.number("sys/class/ata_port/" + part + "/port_no"); port > 0 {
				return fmt.Sprintf("-ata-%d", port)
			}
		}
	}
	for i := len(way) - 1; i >= 0; i-- { // the interface nearest to the disk: 1-2.4:1.0
		if way[i] != "" && strings.Contains(way[i], ":1.") && !scsiUnit.MatchString(way[i]) && strings.Contains(way[i], "-") {
			return "-usb-" + way[i] + unit(way)
		}
	}
	return unit(way)
}

// unit is channel, target and logical unit of a SCSI disk, "" for another.
func unit(way []string) string {
	for _, part := range way {
		if m := scsiUnit.FindStringSubmatch(part); m != nil {
			return "-scsi-" + m[2] + ":" + m[3] + ":" + m[4]
		}
	}
	return ""
}

func lun(way []string) string {
	u := unit(way)
	return u[strings.LastIndex(u, ":")+1:]
}
