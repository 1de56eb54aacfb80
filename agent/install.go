package agent

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"rackwright/agent/disk"
	"rackwright/agent/rootfs"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// espBytes is the size of the EFI system partition that a root file system gets.
const espBytes = 256 << 20

// rootLabel is the label of the root file system.
const rootLabel = "rackroot"

// install does a write order whose image is a root file system: it is unpacked into memory,
// and copied from there to a disk that its own programs make bootable.
func (a *agent) install(ctx context.Context, o wire.Order) error {
	if no := a.checkFirmware(o.Write.Firmware); no != nil {
		return a.refuse(ctx, o, no)
	}
	there, gone, no := a.granted(o)
	if no == nil && (len(there) != 1 || len(gone) > 0) {
		no = &refusal{wire.ReasonPermit, fault.Deniedf("a root file system goes to one disk, the permit names %d", len(there)+len(gone))}
	}
	if no != nil {
		return a.refuse(ctx, o, no)
	}
	seen := there[0]
	a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Accepted, Disk: &seen})
	memory, no := a.unpack(ctx, o.ID, wire.LiveOrder{Image: o.Write.Image, Digest: o.Write.Digest, Sources: o.Write.Sources, Seed: o.Write.Seed})
	if no != nil {
		return a.fail(ctx, o, no.reason, no.err)
	}
	d, no := a.open(ctx, o, seen)
	if no != nil {
		return a.refuse(ctx, o, no)
	}
	if err := a.carve(o, d); err != nil {
		return a.fail(ctx, o, reasonOf(err), err)
	}
	if err := a.inhabit(ctx, o, seen, memory); err != nil {
		return a.fail(ctx, o, reasonOfSystem(err), err)
	}
	if o.Write.Kexec {
		a.takeIn(seen)
	}
	a.Say("system installed")
	a.conclude(wire.Event{Order: o.ID, Stage: wire.Completed})
	return nil
}

// carve gives the disk its partitions, and to the firmware, if it keeps any, its entry. It
// closes the disk: partitions of one that is held cannot be mounted.
func (a *agent) carve(o wire.Order, d Disk) error {
	defer d.Close()
	parts := []disk.Part{{Kind: disk.BIOSBoot(), Name: "bios", Bytes: 1 << 20}, {Kind: disk.ESP(), Name: "esp", Bytes: espBytes}, {Kind: disk.Linux(), Name: "root"}}
	if err := disk.Lay(d, parts, a.owner(o)); err != nil {
		return err
	}
	return a.enlist(o.Write, d)
}

// appears is how many seconds partitions may take to appear.
const appears = 15

// inhabit makes the system on its partitions.
func (a *agent) inhabit(ctx context.Context, o wire.Order, seen inventory.Disk, memory string) error {
	p := rootfs.Plan{Memory: memory, Disk: seen.Path, Label: rootLabel, Firmware: a.Facts().Firmware, Arch: a.Arch}
	for second := 0; ; second++ {
		parts, err := a.Written.Partitions(seen.Path)
		if err == nil && len(parts) == 3 {
			p.ESP, p.Root = parts[1].Path, parts[2].Path
			break
		}
		if second == appears {
			return fault.Unreachablef("the new partitions of %s do not appear: %d of 3", seen.Path, len(parts)).WithHint("the disk or its controller is failing: replace it, then deploy again")
		}
		if err := a.Pause(ctx, time.Second); err != nil {
			return err
		}
	}
	target, err := os.MkdirTemp(filepath.Dir(memory), "target-")
	if err != nil {
		return fault.Internalf("mount point: %w", err)
	}
	p.Target = target
	return p.Install(ctx, a.Memory.Tools, func(what string) {
		a.Say("%s", what)
		a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Finishing, Detail: what})
	})
}
