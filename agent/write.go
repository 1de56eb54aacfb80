package agent

import (
	"context"
	"strings"
	"time"

	"rackwright/agent/disk"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

// write does a write order and concludes it. It returns an error only if the
// conversation cannot go on.
func (a *agent) write(ctx context.Context, o wire.Order) error {
	job, no := a.prepare(ctx, o)
	if no != nil {
		return a.refuse(ctx, o, no)
	}
	defer job.disk.Close()
	a.Say("writing image %s to %s (serial %q)", printable(o.Write.Image), job.seen.Path, job.seen.Serial)
	a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Accepted, Disk: &job.seen})
	if err := a.perform(ctx, o, job); err != nil {
		return a.fail(ctx, o, reasonOf(err), ofImage(o.Write.Image, err))
	}
	a.Say("image written and proven")
	a.conclude(wire.Event{Order: o.ID, Stage: wire.Completed})
	return nil
}

// ofImage names the image where its bytes on the server are what is wrong.
func ofImage(image string, err error) error {
	if disk.CauseOf(err) != disk.CauseDigest {
		return err
	}
	return damaged(image, err)
}

// damaged names the image whose bytes on the server are damaged, and what mends them.
func damaged(image string, err error) error {
	image = printable(image)
	return fault.Conflictf("image %s: %w", image, err).
		WithHint("'rackwright image verify %s' names the damage, and adding the image's file again mends it; then 'rackwright operation retry'", image)
}

// job is a write order that can begin.
type job struct {
	manifest *images.Manifest
	seen     inventory.Disk
	disk     Disk
}

// prepare checks all that can be checked before a byte changes.
func (a *agent) prepare(ctx context.Context, o wire.Order) (job, *refusal) {
	if no := a.checkFirmware(o.Write.Firmware); no != nil {
		return job{}, no
	}
	manifest, no := a.manifest(ctx, o.Write.Digest)
	if no != nil {
		return job{}, no
	}
	if o.Write.Mirror {
		d, seen, no := a.openPair(ctx, o)
		return job{manifest, seen, d}, no
	}
	seen, err := a.choose(ctx, o.Write.Disk)
	if err != nil {
		return job{}, &refusal{wire.ReasonNoDisk, err}
	}
	if room := disk.Room(max(seen.BlockBytes, 512)); manifest.Bytes > seen.Bytes-room {
		return job{}, &refusal{wire.ReasonDiskTooSmall, fault.Conflictf("%s (serial %q) has %d bytes, image and seed need %d", seen.Path, seen.Serial, seen.Bytes, manifest.Bytes+room).
			WithHint("name a larger disk in root_disk of the plan, or deploy a smaller image")}
	}
	d, no := a.open(ctx, o, seen)
	return job{manifest, seen, d}, no
}

func (a *agent) checkFirmware(want inventory.Firmware) *refusal {
	is := a.Facts().Firmware
	if want == "" || is == "" || want == is {
		return nil
	}
	return &refusal{wire.ReasonFirmware, fault.Conflictf("the machine booted in %s mode, the deployment is for %s", is, want).
		WithHint("set the boot mode in the machine's firmware set-up or through its BMC, or correct the plan")}
}

// lateDisks is how many seconds a disk may still take to appear: controllers spin
// drives up one after the other.
const lateDisks = 15

// choose finds the one disk the hint names. Several that match are refused at once.
func (a *agent) choose(ctx context.Context, hint inventory.DiskHint) (inventory.Disk, error) {
	for second := 0; ; second++ {
		disks := a.Facts().Disks
		d, err := hint.Choose(disks)
		if err == nil || second == lateDisks || anyMatch(hint, disks) {
			return d, err
		}
		if err := a.Pause(ctx, time.Second); err != nil {
			return inventory.Disk{}, err
		}
	}
}

func anyMatch(hint inventory.DiskHint, disks []inventory.Disk) bool {
	for _, d := range disks {
		if hint.Matches(d) {
			return true
		}
	}
	return false
}

// perform writes, proves and finishes.
func (a *agent) perform(ctx context.Context, o wire.Order, j job) error {
	from, done := a.sources(o.Write.Sources)
	defer done()
	owner := a.owner(o)
	w := disk.Write{Manifest: j.manifest, Owner: owner, Chunks: from, Medium: j.disk, Deep: disk.QuickSHA256(), Progress: a.progress(o.ID)}
	tally, err := w.Run(ctx)
	if err != nil {
		return err
	}
	a.Say("%d MiB written, %d MiB were there already; %d MiB fetched", tally.Written>>20, tally.Kept>>20, tally.Fetched>>20)
	a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Finishing})
	if err := disk.Finish(j.disk, seedOf(o.Write.Seed), owner); err != nil {
		return err
	}
	return a.settle(o, j.disk, j.seen)
}

// owner is what an order leaves on its disk.
func (a *agent) owner(o wire.Order) disk.Owner {
	operation, _, _ := strings.Cut(o.ID, "/")
	return disk.Owner{Machine: strings.ToLower(a.Facts().System.UUID), Operation: operation, Image: o.Write.Digest, At: time.Now().UTC()}
}

// progress tells the server and the console how far an order has come.
func (a *agent) progress(order string) func(disk.Pass, int64, int64) {
	tenth, verifying := map[disk.Pass]int64{}, false
	return func(p disk.Pass, done, total int64) {
		stage := wire.Writing
		switch {
		case p == disk.Verifying:
			stage = wire.Verifying
			verifying = true
		case verifying: // the chunks held back to the end: the stage does not go back for them
			return
		}
		a.reporter.post(wire.Event{Order: order, Stage: stage, Done: done, Total: total})
		if now := done * 10 / max(total, 1); now > tenth[p] {
			tenth[p] = now
			a.Say("%s: %d %%", stage, now*10)
		}
	}
}

// seedOf is what of a seed goes to a partition of its own.
func seedOf(s wire.Seed) disk.Seed {
	seed := disk.Seed{Label: s.Label}
	for _, f := range s.Files {
		seed.Files = append(seed.Files, disk.File(f))
	}
	return seed
}

// reasonOf translates a disk's cause into the wire's code.
func reasonOf(err error) string {
	switch disk.CauseOf(err) {
	case disk.CauseTooSmall:
		return wire.ReasonDiskTooSmall
	case disk.CauseDigest:
		return wire.ReasonBadDigest
	case disk.CauseReadBack:
		return wire.ReasonReadBack
	case disk.CauseFetch:
		return wire.ReasonFetch
	case disk.CauseLayout:
		return wire.ReasonLayout
	}
	return wire.ReasonDiskIO
}
