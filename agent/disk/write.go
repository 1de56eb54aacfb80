package disk

import (
	"context"
	"runtime"
	"sync"

	"rackwright/images"
)

// Pass is what a Write is doing, for progress.
type Pass uint8

// The passes.
const (
	Writing   Pass = iota // bytes of chunks on the disk
	Verifying             // bytes read back and compared
)

// Backoff waits before attempt n+1 of something that failed n times without progress;
// its error, if any, means that patience is spent or ctx done.
type Backoff func(ctx context.Context, n int) error

// Write is one image going to one disk. Memory stays below 64 MiB whatever the image.
type Write struct {
	Manifest *images.Manifest
	Pack     Fetcher
	Medium   Medium
	Workers  int                                // decoders at work; 0: one per CPU, at most 2
	Backoff  Backoff                            // between attempts to fetch
	Progress func(pass Pass, done, total int64) // may be nil; never called twice at a time
}

// wiped is how much of the disk's start and end loses its old contents first: partition
// tables, boot sectors, and the superblocks that LVM, ZFS labels and md keep there.
const wiped = 1 << 20

// Room is how many bytes a disk needs beyond the image: the seed, its alignment and
// the backup partition table.
func Room(block int) int64 { return seedBlocks*int64(block) + 4<<20 }

// Run makes the disk hold the image and proves it by reading everything back. The
// chunks at the start and the end, where partition tables live, are written only when all
// the others have been read back right, so that a half-written disk never boots.
// Errors are Problems, or ctx's.
func (w *Write) Run(ctx context.Context) error {
	need := w.Manifest.Bytes + Room(w.Medium.BlockSize())
	if w.Medium.Size() < need {
		return tooSmall(w.Medium.Size(), need)
	}
	if err := w.wipe(); err != nil {
		return err
	}
	body, ends := w.split()
	inner, outer := w.gaps()
	for _, hole := range append(inner, outer...) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.Medium.Zero(hole.off, hole.n); err != nil {
			return ioProblem("zero", hole.off, err)
		}
	}
	written := w.meter(Writing, w.Manifest.Data())
	verified := w.meter(Verifying, total(spansOf(w.Manifest.Chunks))+total(inner)+total(outer))
	if err := w.round(ctx, body, append(inner, outer...), written, verified); err != nil {
		return err
	}
	return w.round(ctx, ends, nil, written, verified)
}

// round writes chunks, flushes, and reads them and the gaps back.
func (w *Write) round(ctx context.Context, chunks []images.Chunk, gaps []span, written, verified *meter) error {
	if err := w.land(ctx, chunks, written); err != nil {
		return err
	}
	if err := w.Medium.Flush(); err != nil {
		return ioProblem("flush", 0, err)
	}
	return w.verify(ctx, append(spansOf(chunks), gaps...), verified)
}

func (w *Write) wipe() error {
	for _, off := range []int64{0, w.Medium.Size() - wiped} {
		if err := w.Medium.Zero(off, wiped); err != nil {
			return ioProblem("wipe", off, err)
		}
	}
	if err := w.Medium.Flush(); err != nil {
		return ioProblem("flush", 0, err)
	}
	return nil
}

// split holds back the chunks that cover the start and the end of the image.
func (w *Write) split() (body, ends []images.Chunk) {
	for _, c := range w.Manifest.Chunks {
		if c.Offset < wiped || c.Offset+c.Bytes > w.Manifest.Bytes-wiped {
			ends = append(ends, c)
		} else {
			body = append(body, c)
		}
	}
	return body, ends
}

func (w *Write) workers() int {
	if w.Workers > 0 {
		return w.Workers
	}
	return min(runtime.NumCPU(), 2)
}

// meter counts bytes of a pass and reports them, one report at a time.
type meter struct {
	mu          sync.Mutex
	done, total int64
	report      func(done, total int64)
}

func (w *Write) meter(pass Pass, total int64) *meter {
	m := &meter{total: total, report: func(int64, int64) {}}
	if w.Progress != nil {
		m.report = func(done, total int64) { w.Progress(pass, done, total) }
	}
	return m
}

func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	m.report(m.done, m.total)
}
