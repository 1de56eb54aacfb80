package agent

import (
	"rackwright/agent/disk"
	"rackwright/agent/efi"
	"rackwright/agent/system"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// Written is what the agent does with a system that lies on a disk. Fields that are nil
// are what this machine cannot do.
type Written struct {
	Partitions func(disk string) ([]system.Partition, error) // of a disk's device node
	Mount      system.Mounter
	Entries    *efi.Variables                                 // the firmware's; nil: it is no UEFI firmware
	Load       func(p system.Partition, e system.Entry) error // takes in a kernel, to be started instead of a reboot
}

// settle does what is left when an image is proven on its disk: it has the firmware know
// the disk, places files in the image's own file systems, and takes in the system's kernel
// if a reboot is to be spared. It closes the disk: partitions of one that is held cannot
// be mounted.
func (a *agent) settle(o wire.Order, d Disk, seen inventory.Disk) error {
	if err := a.enlist(o.Write, d); err != nil {
		return err
	}
	if p, two := d.(pair); two {
		return p.seal(a.owner(o).Operation)
	}
	if len(o.Write.Seed.Placed) == 0 && !o.Write.Kexec {
		return nil
	}
	if err := d.Close(); err != nil {
		return err
	}
	if err := a.place(o.Write.Seed.Placed, seen); err != nil {
		return err
	}
	if o.Write.Kexec {
		a.takeIn(seen)
	}
	return nil
}

func (a *agent) place(list []wire.PlacedFile, seen inventory.Disk) error {
	if len(list) == 0 {
		return nil
	}
	parts, err := a.Written.Partitions(seen.Path)
	if err != nil {
		return err
	}
	files := make([]system.File, len(list))
	for i, f := range list {
		files[i] = system.File(f)
	}
	return system.Place(parts, a.Written.Mount, files)
}

// enlist adds the disk's boot entry. A firmware that keeps none still boots the disk by
// its fallback path (UEFI 2.10, section 3.5.1.1), so that is said and no more.
func (a *agent) enlist(o *wire.WriteOrder, m disk.Medium) error {
	if a.Written.Entries == nil || o.Firmware == inventory.BIOS {
		return nil
	}
	p, ok, err := disk.FindESP(m)
	if err != nil || !ok {
		return err
	}
	loader := map[string]string{"amd64": `\EFI\BOOT\BOOTX64.EFI`, "arm64": `\EFI\BOOT\BOOTAA64.EFI`}[a.Arch]
	if n, err := a.Written.Entries.Keep(printable(o.Image), efi.Partition(p), loader); err != nil {
		a.Say("no boot entry: %v (%s)", err, fault.HintOf(err))
	} else {
		a.Say("boot entry Boot%04X loads %s", n, loader)
	}
	return nil
}

// takeIn has the kernel of the written system ready. Where that is not possible the
// machine reboots through its firmware, which takes longer and ends the same.
func (a *agent) takeIn(seen inventory.Disk) {
	parts, err := a.Written.Partitions(seen.Path)
	if err == nil {
		var p system.Partition
		var e system.Entry
		if p, e, err = system.Default(parts, a.Written.Mount); err == nil {
			err = a.Written.Load(p, e)
		}
	}
	if err != nil {
		a.Say("kexec is not possible: %v (%s)", err, fault.HintOf(err))
		return
	}
	a.loaded = true
}
