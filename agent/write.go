package agent

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"rackwright/agent/disk"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

// refusal is an order that was not begun: nothing on any disk has changed.
type refusal struct {
	reason string
	err    error
}

// write does a write order and concludes it. It returns an error only if the
// conversation cannot go on.
func (a *agent) write(ctx context.Context, o wire.Order) error {
	job, no := a.prepare(ctx, o)
	if no == nil {
		defer job.disk.Close()
		a.Say("writing image %s to %s (serial %q)", printable(o.Write.Image), job.seen.Path, job.seen.Serial)
		a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Accepted, Disk: &job.seen})
		err := a.perform(ctx, o, job)
		if err == nil {
			a.Say("image written and proven")
			a.conclude(wire.Event{Order: o.ID, Stage: wire.Completed})
			return nil
		}
		no = &refusal{reasonOf(err), err}
	}
	if ctx.Err() != nil || errors.Is(no.err, errSession) {
		return no.err
	}
	stage := wire.Refused
	if job.disk != nil {
		stage = wire.Failed
	}
	a.Say("%s: %v (%s)", stage, no.err, fault.HintOf(no.err))
	a.conclude(wire.Event{Order: o.ID, Stage: stage, Reason: no.reason, Detail: no.err.Error(), Hint: fault.HintOf(no.err)})
	return nil
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
	seen, err := a.choose(ctx, o.Write.Disk)
	if err != nil {
		return job{}, &refusal{wire.ReasonNoDisk, err}
	}
	var b []byte
	if _, err := a.client.call(ctx, http.MethodGet, "/agent/v1/manifest/"+url.PathEscape(o.Write.Digest), nil, &b); err != nil {
		return job{}, &refusal{wire.ReasonFetch, err}
	}
	manifest, err := images.DecodeManifest(b, o.Write.Digest)
	if err != nil {
		return job{}, &refusal{wire.ReasonBadDigest, err}
	}
	if need := manifest.Bytes + disk.Room(max(seen.BlockBytes, 512)); seen.Bytes < need {
		return job{}, &refusal{wire.ReasonDiskTooSmall, fault.Conflictf("%s (serial %q) has %d bytes, image and seed need %d", seen.Path, seen.Serial, seen.Bytes, need).
			WithHint("name a larger disk in root_disk of the plan, or deploy a smaller image")}
	}
	d, err := a.Open(seen.Path)
	if err != nil {
		return job{}, &refusal{wire.ReasonDiskIO, err}
	}
	return job{manifest, seen, d}, nil
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
	tenth, verifying := map[disk.Pass]int64{}, false
	w := disk.Write{Manifest: j.manifest, Pack: chunks{a.client}, Medium: j.disk, Backoff: a.Backoff,
		Progress: func(p disk.Pass, done, total int64) {
			stage := wire.Writing
			switch {
			case p == disk.Verifying:
				stage = wire.Verifying
				verifying = true
			case verifying: // the chunks held back to the end: the stage does not go back for them
				return
			}
			a.reporter.post(wire.Event{Order: o.ID, Stage: stage, Done: done, Total: total})
			if now := done * 10 / max(total, 1); now > tenth[p] {
				tenth[p] = now
				a.Say("%s: %d %%", stage, now*10)
			}
		}}
	if err := w.Run(ctx); err != nil {
		return err
	}
	a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Finishing})
	return disk.Finish(j.disk, seedFiles(o.Write.Seed))
}

// seedFiles lists the files of a seed.
func seedFiles(s wire.Seed) []disk.File {
	files := make([]disk.File, len(s.Files))
	for i, f := range s.Files {
		files[i] = disk.File(f)
	}
	return files
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
