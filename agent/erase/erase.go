// Package erase empties a disk by the strongest method it has and proves it by samples
// that are read back. It opens no disk, chooses none and asks nobody's leave.
package erase

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rackwright/agent/wire"
	"rackwright/inventory"
)

// Drive is an open disk. Offsets and lengths of ReadAt and WriteAt are multiples of 4096 or
// of the block size, whichever is larger, and reads see the disk, not a cache.
type Drive interface {
	io.ReaderAt
	io.WriterAt
	Flush() error
	Size() int64 // bytes
}

// Job is the erase of one disk.
type Job struct {
	Disk     inventory.Disk
	Drive    Drive
	Commands Commands // of the drive itself; nil: it has none
	Methods  []string // allowed, by name or class; empty: all, the strongest first
	Samples  int      // random places that are read back, beside the fixed ones
	Random   io.Reader
	Now      func() time.Time
	Pause    func(ctx context.Context, d time.Duration) error
	Progress func(done, total int64) // of the bytes of the disk; may be nil
	Say      func(format string, args ...any)
}

// Classes of methods, the strongest first.
const (
	Sanitize    = "sanitize"
	Format      = "format"
	SecureErase = "secure-erase"
	Discard     = "discard"
	Overwrite   = "overwrite"
)

// method is one way to empty a drive.
type method struct {
	name   string // e.g. nvme-sanitize-crypto
	class  string
	able   func() error                                             // why the drive cannot, nil when it can
	do     func(ctx context.Context, tell func(part float64)) error // returns when the drive says that it is done
	zeros  bool                                                     // the drive must read as zeros afterwards
	misses []string                                                 // what it does not reach
}

// Run empties the disk. It never returns an error: what went wrong is in the result. A
// method that the drive refuses, or that leaves data behind, is followed by the next.
func (j *Job) Run(ctx context.Context) wire.Erased {
	out := wire.Erased{Disk: j.Disk, Began: j.Now().UTC()}
	methods := j.methods(ctx)
	able := 0
	for _, m := range methods {
		if !j.allows(m) {
			continue
		}
		if err := m.able(); err != nil {
			if !errors.Is(err, errors.ErrUnsupported) {
				out.Tried = append(out.Tried, m.name+": "+err.Error())
			}
			continue
		}
		able++
		if err := j.try(ctx, m, &out); err != nil {
			j.say("%s: %s: %v", j.Disk.Label(), m.name, err)
			out.Tried = append(out.Tried, m.name+": "+err.Error())
		}
		if out.Succeeded || ctx.Err() != nil {
			break
		}
	}
	out.Ended = j.Now().UTC()
	switch {
	case out.Succeeded:
	case ctx.Err() != nil:
		out.Reason = "interrupted"
	case able == 0:
		out.Reason = "the disk has none of the methods that are allowed: " + strings.Join(j.Methods, ", ")
	default:
		out.Reason = "no method emptied the disk: " + out.Tried[len(out.Tried)-1]
	}
	return out
}

func (j *Job) allows(m method) bool {
	return len(j.Methods) == 0 || slices.Contains(j.Methods, m.name) || slices.Contains(j.Methods, m.class)
}

// try runs one method and proves what it did.
func (j *Job) try(ctx context.Context, m method, out *wire.Erased) error {
	j.say("%s: %s", j.Disk.Label(), m.name)
	samples, err := j.sample()
	if err != nil {
		return fmt.Errorf("samples could not be taken: %w", err)
	}
	if err := m.do(ctx, j.tell); err != nil {
		return err
	}
	if err := j.Drive.Flush(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	pattern, err := j.prove(samples, m.zeros)
	if err != nil {
		return err
	}
	out.Method, out.Pattern, out.Samples, out.Residual, out.Succeeded = m.name, pattern, len(samples), slices.Concat(m.misses, j.hidden(m)), true
	return nil
}

// tell reports how far the disk is, from 0 to 1.
func (j *Job) tell(part float64) {
	if j.Progress != nil {
		j.Progress(int64(float64(j.Drive.Size())*min(max(part, 0), 1)), j.Drive.Size())
	}
}

func (j *Job) say(format string, args ...any) {
	if j.Say != nil {
		j.Say(format, args...)
	}
}
