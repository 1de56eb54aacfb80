package qemu

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/racksim"
)

// File descriptors handed to QEMU after the standard three: the QMP connection, then
// one tap a NIC.
const (
	qmpFD      = 3
	firstTapFD = 4
)

// PCI slots on the root bus, fixed so that device paths in UEFI variables stay true.
const (
	rngSlot  = 0x03
	scsiSlot = 0x04
	diskSlot = 0x08
	nicSlot  = 0x10
)

// cdID is the QEMU device id of the virtual CD drive.
const cdID = "cd0"

// arguments builds the QEMU command line for one start of the machine. image is the
// ISO in the virtual CD drive, "" for none.
func arguments(m racksim.Machine, f firmware, p paths, boot racksim.Boot, image string) []string {
	on := platformOf(m.Arch)
	args := []string{
		"-name", m.Name, "-uuid", m.UUID,
		"-nodefaults", "-no-user-config", "-display", "none",
		"-machine", on.board + guarded(f), "-accel", "tcg,thread=multi", "-cpu", on.cpu,
		"-smp", fmt.Sprint(m.CPUs), "-m", fmt.Sprint(m.Memory),
		"-smbios", systemTable(m),
		"-chardev", fmt.Sprintf("socket,id=qmp,fd=%d", qmpFD), "-mon", "chardev=qmp,mode=control",
		"-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
		"-object", "rng-random,id=rng,filename=/dev/urandom",
		"-device", fmt.Sprintf("virtio-rng-pci,rng=rng,addr=%#x", rngSlot),
		// A guest's reboot ends the process: the next start reads the boot order anew.
		"-no-reboot",
		// SeaBIOS starts over when nothing booted, as servers do (milliseconds).
		"-boot", bootMenu(m) + ",reboot-timeout=30000",
	}
	if boot.BIOS != "" {
		args = append(args, "-smbios", firmwareTable(m, boot.BIOS))
	}
	args = append(args, flash(m, f, p, boot)...)
	for i, n := range m.NICs {
		args = append(args, nic(m, n, i, boot)...)
	}
	if on.needsSCSI(m) {
		args = append(args, "-device", fmt.Sprintf("virtio-scsi-pci,id=scsi,addr=%#x", scsiSlot))
	}
	args = append(args, disks(m, p, boot)...)
	return append(args, drive(on.cd+bootIndex(boot, racksim.Media), image)...)
}

// bootMenu is how long firmware waits for a key before it boots. OVMF's HTTP boot over IPv6 gives up
// at once where the port has no address yet, and it gets one in that time (milliseconds).
func bootMenu(m racksim.Machine) string {
	if m.HTTP && m.IPv6 {
		return "menu=on,splash-time=5000"
	}
	return "menu=off"
}

// firmwareTable is SMBIOS type 0 (DSP0134 7.1) with the version that the BMC tells. The
// date is a recent one: kernels distrust firmware that seems old.
func firmwareTable(m racksim.Machine, version string) string {
	uefi := "off"
	if m.Firmware == racksim.UEFI {
		uefi = "on"
	}
	return "type=0,uefi=" + uefi + ",vendor=" + escape(m.Vendor) + ",date=01/02/2025,version=" + escape(version)
}

// systemTable is SMBIOS type 1 (DSP0134 7.2), where the operating system and the
// ramdisk read vendor, model and serial number.
func systemTable(m racksim.Machine) string {
	table := "type=1,uuid=" + m.UUID
	for _, field := range [][2]string{{"manufacturer", m.Vendor}, {"product", m.Model}, {"serial", m.Serial}, {"sku", m.SKU}} {
		if field[1] != "" {
			table += "," + field[0] + "=" + escape(field[1])
		}
	}
	return table
}

// guarded keeps the system from the firmware's variables, whose keys decide what is trusted.
func guarded(f firmware) string {
	if f.secure {
		return ",smm=on"
	}
	return ""
}

// trusts reports whether there are authorities that the firmware's HTTPS trusts.
func trusts(m racksim.Machine, boot racksim.Boot) bool { return m.HTTPSCA != "" || len(boot.Trust) > 0 }

func flash(m racksim.Machine, f firmware, p paths, boot racksim.Boot) []string {
	if f.code == "" {
		return nil
	}
	args := []string{
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + escape(f.code),
		"-drive", "if=pflash,unit=1,format=raw,file=" + escape(p.vars),
	}
	if f.secure {
		args = append(args, "-global", "driver=cfi.pflash01,property=secure,value=on")
	}
	if trusts(m, boot) {
		args = append(args, "-fw_cfg", "name=etc/edk2/https/cacerts,file="+escape(p.authorities)) // OvmfPkg/README
	}
	for family, off := range map[string]bool{"IPv6": !m.IPv6 || m.HTTP, "IPv4": m.NoIPv4 || m.HTTP} {
		if off {
			args = append(args, "-fw_cfg", "name=opt/org.tianocore/"+family+"PXESupport,string=n") // OvmfPkg/README
		}
	}
	return args
}

func nic(m racksim.Machine, n racksim.NIC, i int, boot racksim.Boot) []string {
	device := fmt.Sprintf("%s,id=%s,netdev=net%d,mac=%s,addr=%#x%s", n.Model, n.Name, i, n.MAC, nicSlot+i, bootIndex(boot, n.Name))
	// OVMF drives virtio itself, with the firmware's own PXE and HTTP stack; other
	// models need the iPXE ROM. A NIC that does not boot has no ROM in either.
	if !n.Boots() || (m.Firmware == racksim.UEFI && n.Model == "virtio-net-pci") {
		device += ",romfile="
	}
	return []string{"-netdev", fmt.Sprintf("tap,id=net%d,fd=%d", i, firstTapFD+i), "-device", device}
}

func disks(m racksim.Machine, p paths, boot racksim.Boot) []string {
	var args []string
	port := 0
	for i, d := range m.Disks {
		args = append(args, "-drive", fmt.Sprintf("if=none,id=drive%d,format=raw,cache=unsafe,discard=unmap,file=%s", i, escape(p.disk(d.Name))))
		var device string
		switch d.Bus {
		case "virtio":
			device = fmt.Sprintf("virtio-blk-pci,addr=%#x", diskSlot+i)
		case "nvme":
			device = fmt.Sprintf("nvme,addr=%#x", diskSlot+i)
		case "scsi":
			device = fmt.Sprintf("scsi-hd,bus=scsi.0,scsi-id=%d", i)
		case "ahci":
			device = fmt.Sprintf("ide-hd,bus=ide.%d", port)
			port++
		}
		device += fmt.Sprintf(",id=%s,drive=drive%d,serial=%s", d.Name, i, escape(d.Serial))
		if d.WWN != "" {
			device += ",wwn=" + d.WWN
		}
		args = append(args, "-device", device+bootIndex(boot, d.Name))
	}
	return args
}

func drive(device, image string) []string {
	if image == "" {
		return []string{"-device", device}
	}
	return []string{"-drive", "if=none,id=media,format=raw,readonly=on,media=cdrom,file=" + escape(image), "-device", device + ",drive=media"}
}

// bootIndex is the device's place in the boot order, "" when it is not in it.
func bootIndex(boot racksim.Boot, name string) string {
	i := slices.Index(boot.Order, name)
	if i < 0 {
		return ""
	}
	return fmt.Sprintf(",bootindex=%d", i+1)
}

// escape doubles commas, as QEMU's option syntax wants.
func escape(value string) string { return strings.ReplaceAll(value, ",", ",,") }
