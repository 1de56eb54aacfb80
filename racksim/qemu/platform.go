package qemu

import (
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"rackwright/fault"
	"rackwright/racksim"
)

// Binary is the emulator of amd64's machines, looked for in PATH.
const Binary = "qemu-system-x86_64"

// platform is what QEMU needs for the machines of one architecture.
type platform struct {
	binary   string // the emulator
	packages string // what brings it
	board    string
	cpu      string
	uefi     uefi
	cd       string // device of the virtual CD drive
	scsi     bool   // the drive needs a SCSI controller
}

// uefi is where the builds of UEFI firmware are, as Debian's and Ubuntu's packages put them.
type uefi struct {
	packages string
	dir      string
	name     string   // of both files, before _CODE and _VARS
	usual    []string // flavours, the better first
	secure   []string // those with Secure Boot on
}

// cdPort is the AHCI port of the virtual CD drive; disks take the ports below it. cdTarget is its
// SCSI target, above those of disks.
const (
	cdPort   = 5
	cdTarget = 15
)

// platformOf is the row of an architecture. A Cortex-A57 is emulated much faster than the newest
// processor, which signs its pointers.
func platformOf(arch string) platform {
	return map[string]platform{
		racksim.AMD64: {Binary, "qemu-system-x86 ipxe-qemu", "q35,graphics=off", "max",
			uefi{"ovmf", "/usr/share/OVMF", "OVMF", []string{"_4M", ""}, []string{"_4M.ms", ".ms"}},
			fmt.Sprintf("ide-cd,id=%s,bus=ide.%d", cdID, cdPort), false},
		racksim.ARM64: {"qemu-system-aarch64", "qemu-system-arm", "virt,gic-version=3", "cortex-a57",
			uefi{"qemu-efi-aarch64", "/usr/share/AAVMF", "AAVMF", []string{""}, nil},
			fmt.Sprintf("scsi-cd,id=%s,bus=scsi.0,scsi-id=%d", cdID, cdTarget), true},
	}[arch]
}

func (p platform) findBinary() (string, error) {
	path, err := exec.LookPath(p.binary)
	if err != nil {
		return "", fault.NotFoundf("%s is not in PATH", p.binary).WithHint("apt-get install %s", p.packages)
	}
	return path, nil
}

// find looks for UEFI firmware, with Secure Boot where it is wanted. fault.NotFound says which
// package to install.
func (u uefi) find(secure bool) (firmware, error) {
	flavours := u.usual
	if secure {
		flavours = u.secure
	}
	first := ""
	for _, flavour := range flavours {
		f := firmware{filepath.Join(u.dir, u.name+"_CODE"+flavour+".fd"), filepath.Join(u.dir, u.name+"_VARS"+flavour+".fd"), secure}
		if exists(f.code) && exists(f.vars) {
			return f, nil
		}
		first = cmp.Or(first, f.code)
	}
	return firmware{}, fault.NotFoundf("UEFI firmware %s is missing", first).WithHint("apt-get install %s", u.packages)
}

// needsSCSI reports whether anything of the machine is behind a SCSI controller.
func (p platform) needsSCSI(m racksim.Machine) bool {
	return p.scsi || slices.ContainsFunc(m.Disks, func(d racksim.Disk) bool { return d.Bus == "scsi" })
}
