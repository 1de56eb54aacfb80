package disk

import (
	"context"
	"crypto/sha256"
	"sync"

	"golang.org/x/sync/errgroup"

	"rackwright/images"
)

// Pass is what a Write is doing, for progress.
type Pass uint8

// The passes.
const (
	Writing   Pass = iota // bytes of chunks on the disk
	Verifying             // bytes read back and compared
)

// Write is one image going to one disk. Memory stays below 64 MiB whatever the image.
type Write struct {
	Manifest *images.Manifest
	Owner    Owner // Image is the digest of the manifest
	Chunks   Fetcher
	Medium   Medium
	Hands    int                                // chunks under way at a time; 0: as the processors suggest
	Deep     bool                               // compare SHA-256 of what is read back, not only XXH64: see QuickSHA256
	Progress func(pass Pass, done, total int64) // may be nil; never called twice at a time

	every int64 // bytes between two records; 0: recordEvery
}

// Tally is what a Write did, in bytes.
type Tally struct {
	Kept    int64 // of the disk, found there already
	Written int64 // of the disk
	Fetched int64 // of frames
}

// run is a Write under way.
type run struct {
	*Write
	hands             []*hand
	sums              []uint64 // XXH64 of the chunks on the disk
	written, verified *meter

	mu    sync.Mutex
	tally Tally
	rec   record // done: chunks that are on the disk
	since int64  // bytes written since the record was
	busy  bool   // it is being written
}

// wiped is how much of the disk's start and end loses its old contents first: partition
// tables, boot sectors, and the superblocks that LVM, ZFS labels and md keep there.
const wiped = 1 << 20

// Room is how many bytes a disk needs beyond the image: the seed, its alignment, our mark
// and the backup partition table.
func Room(block int) int64 { return seedBlocks*int64(block) + 4<<20 }

// Run makes the disk hold the image and proves it by reading everything back. Chunks that
// the disk holds already, from an earlier attempt or an older image, are kept. The
// chunks at the start and the end, where partition tables live, are written only when all
// the others have been read back right, so that a half-written disk never boots.
// Errors are Problems, or ctx's.
func (w *Write) Run(ctx context.Context) (Tally, error) {
	if room := Room(w.Medium.BlockSize()); w.Manifest.Bytes > w.Medium.Size()-room { // a sum could overflow
		return Tally{}, tooSmall(w.Medium.Size(), w.Manifest.Bytes+room)
	}
	hands, err := w.hands()
	if err != nil {
		return Tally{}, err
	}
	n := len(w.Manifest.Chunks)
	if w.every == 0 {
		w.every = recordEvery(w.Manifest.Data())
	}
	r := &run{Write: w, hands: hands, sums: make([]uint64, n)}
	r.rec = record{digest: sha256.Sum256([]byte(w.Owner.Image)), done: newBitmap(n)}
	err = r.all(ctx)
	if free := letGo(hands); err == nil {
		err = free
	}
	return r.tally, err
}

func (r *run) all(ctx context.Context) error {
	body, ends := r.split()
	holes := r.gaps()
	r.written = r.meter(Writing, r.Manifest.Data())
	r.verified = r.meter(Verifying, total(r.spans(body))+total(r.spans(ends))+total(holes))
	if err := r.keep(ctx, body); err != nil {
		return err
	}
	if err := r.wipe(); err != nil {
		return err
	}
	if err := r.claim(); err != nil {
		return err
	}
	if err := r.round(ctx, body, holes); err != nil {
		return err
	}
	err := r.round(ctx, ends, nil)
	if err != nil {
		_ = r.wipe() // a disk that is not proven does not boot; what is wrong is said already
	}
	return err
}

// round writes chunks and zeros, flushes, and reads all of it back.
func (r *run) round(ctx context.Context, chunks []int, holes []span) error {
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error { return r.zero(both, holes) })
	group.Go(func() error { return r.land(both, chunks) })
	if err := group.Wait(); err != nil {
		return err
	}
	if err := r.note(r.snapshot()); err != nil {
		return err
	}
	r.written.add(0)
	return r.verify(ctx, append(r.spans(chunks), holes...))
}

// land brings the chunks that are not on the disk yet.
func (r *run) land(ctx context.Context, chunks []int) error {
	var absent []int
	for _, i := range chunks {
		if !r.rec.done.has(i) {
			absent = append(absent, i)
		}
	}
	return share(ctx, r.hands, len(absent), func(ctx context.Context, h *hand, k int) error {
		i := absent[k]
		sum, err := h.land(ctx, r.Chunks, r.Medium, r.Manifest.Chunks[i])
		if err != nil {
			return err
		}
		r.sums[i] = sum
		return r.landed(i)
	})
}

// zero makes the holes read as zeros.
func (r *run) zero(ctx context.Context, holes []span) error {
	for _, s := range holes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.Medium.Zero(s.off, s.n); err != nil {
			return ioProblem("zero", s.off, err)
		}
	}
	return nil
}

func (r *run) wipe() error {
	for _, off := range []int64{0, r.Medium.Size() - wiped} {
		if err := r.Medium.Zero(off, wiped); err != nil {
			return ioProblem("wipe", off, err)
		}
	}
	if err := r.Medium.Flush(); err != nil {
		return ioProblem("flush", 0, err)
	}
	return nil
}

// split holds back the chunks that cover the start and the end of the image.
func (r *run) split() (body, ends []int) {
	for i, c := range r.Manifest.Chunks {
		if c.Offset < wiped || c.Offset+c.Bytes > r.Manifest.Bytes-wiped {
			ends = append(ends, i)
		} else {
			body = append(body, i)
		}
	}
	return body, ends
}
