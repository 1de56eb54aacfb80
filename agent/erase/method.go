package erase

import (
	"context"
	"errors"
	"strings"

	"rackwright/agent/direct"
)

// methods are those the disk may have, the strongest first. An erase that the drive is at
// already (the machine was restarted meanwhile) is waited for.
func (j *Job) methods(ctx context.Context) []method {
	var all []method
	if j.Commands != nil {
		all = append(all, j.nvme(ctx)...)
		if !strings.Contains(j.Disk.BusPath, "-usb-") { // bridges pass on what they do not understand
			if a := j.ata(ctx); a != nil {
				all = append(all, a...)
			} else {
				all = append(all, j.scsi(ctx)...)
			}
		}
		all = append(all, method{name: "discard", class: Discard, zeros: true, able: j.punches, do: j.punch, misses: []string{"blocks that the drive keeps in reserve"}})
	}
	misses := []string{"sectors that the drive took out of use before"}
	if !j.Disk.Rotational {
		misses = []string{"blocks that the drive keeps in reserve"}
	}
	return append(all, method{name: "overwrite", class: Overwrite, zeros: true, able: func() error { return nil }, do: j.overwrite, misses: misses})
}

// hidden names areas of an ATA disk that a method does not reach. Only what goes through
// the block device has such.
func (j *Job) hidden(m method) []string {
	if j.Commands == nil || m.class != Discard && m.class != Overwrite {
		return nil
	}
	return j.hiddenATA()
}

// How much is punched or written at a time: between two it is looked whether to go on.
const (
	punchBytes = 1 << 30
	pieceBytes = 4 << 20
)

// punches tries the last 4096 bytes: the drive, or its driver, may not be able to.
func (j *Job) punches() error {
	err := j.Commands.Punch(j.Drive.Size()/sampleBytes*sampleBytes-sampleBytes, sampleBytes)
	if err != nil {
		return errors.Join(errors.ErrUnsupported, err)
	}
	return nil
}

// punch has the drive make everything zeros by its own means. A drive that can only be
// asked to forget, without the promise of zeros, refuses.
func (j *Job) punch(ctx context.Context, tell func(float64)) error {
	return j.through(ctx, tell, punchBytes, j.Commands.Punch)
}

// overwrite writes zeros, all of them by itself: what the kernel or the drive makes of a
// request to zero a range is another method.
func (j *Job) overwrite(ctx context.Context, tell func(float64)) error {
	zeros := direct.Buffer(pieceBytes, 0)
	return j.through(ctx, tell, pieceBytes, func(off, n int64) error {
		_, err := j.Drive.WriteAt(zeros[:n], off)
		return err
	})
}

// through does something to every piece of the disk.
func (j *Job) through(ctx context.Context, tell func(float64), piece int64, do func(off, n int64) error) error {
	size := j.Drive.Size()
	for off := int64(0); off < size; off += piece {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(off, min(piece, size-off)); err != nil {
			return err
		}
		tell(float64(off) / float64(size))
	}
	return nil
}
