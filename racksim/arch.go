package racksim

import (
	"fmt"
	"slices"
	"strings"
)

// ability is what a machine of an architecture can have.
type ability struct {
	kinds, firmware []string
	bootNICs        []string // models that the firmware can boot from
	buses           []string
	trust           bool // firmware that is given keys: Secure Boot, authorities for HTTPS
}

// abilities are the table of architectures. QEMU's arm64 board has no AHCI, its firmware drives
// virtio ports only, and ROMs for others are built for x86.
func abilities() map[string]ability {
	return map[string]ability{
		AMD64: {[]string{KindQEMU, KindScripted, KindMockup}, []string{BIOS, UEFI}, nicModels, diskBuses, true},
		ARM64: {[]string{KindQEMU}, []string{UEFI}, []string{"virtio-net-pci"}, []string{"virtio", "nvme", "scsi"}, false},
	}
}

// arch refuses what the machine's architecture cannot have.
func (c *checker) arch(path string, m *Machine) {
	can, known := abilities()[m.Arch]
	if !known {
		c.bad(path+".arch", "%q is not amd64 or arm64", m.Arch)
		return
	}
	among := func(field, value string, of, all []string) {
		c.ok(slices.Contains(of, value) || !slices.Contains(all, value), path+field, "%s is not to be had on %s: use %s", value, m.Arch, strings.Join(of, ", "))
	}
	most := abilities()[AMD64]
	among(".kind", m.Kind, can.kinds, most.kinds)
	among(".firmware", m.Firmware, can.firmware, most.firmware)
	for i, n := range m.NICs {
		if n.Boots() {
			among(fmt.Sprintf(".nics[%d].model", i), n.Model, can.bootNICs, most.bootNICs)
		}
	}
	for i, d := range m.Disks {
		among(fmt.Sprintf(".disks[%d].bus", i), d.Bus, can.buses, most.buses)
	}
	c.ok(can.trust || !m.Secure, path+".secure_boot", "is not to be had on %s: leave it out", m.Arch)
	c.ok(can.trust || m.HTTPSCA == "", path+".https_ca", "is not to be had on %s: leave it out", m.Arch)
}
