package disk

import (
	"bytes"
	"context"

	"github.com/cespare/xxhash/v2"
)

// recordEvery is how many bytes of an image with so many of data are written between two
// records: an eighth of them, within bounds. A power cut costs at most twice that: the
// newest record may have been in the disk's cache.
func recordEvery(data int64) int64 { return min(max(data/8, 16<<20), 256<<20) }

// keep finds the chunks that the disk holds already, and proves them by SHA-256. Only a disk
// that we wrote is looked at: what is on another is nobody's business. After an
// attempt that was cut, its record says where to look.
func (r *run) keep(ctx context.Context, chunks []int) error {
	before, turn := readRecord(r.Medium, r.rec.digest, len(r.sums))
	r.rec.turn = turn
	if _, ours := ReadOwner(r.Medium, r.Medium.Size()); !ours {
		return nil
	}
	var likely []int
	for _, i := range chunks {
		if before == nil || before.done.has(i) {
			likely = append(likely, i)
		}
	}
	return share(ctx, r.hands, len(likely), func(_ context.Context, h *hand, k int) error {
		c := r.Manifest.Chunks[likely[k]]
		data, err := h.read(r.Medium, c.Offset, c.Bytes)
		if err != nil || !sameSHA256(data, c.SHA256) {
			return nil // what cannot be read may still be written
		}
		r.sums[likely[k]] = xxhash.Sum64(data)
		r.mu.Lock()
		r.rec.done.set(likely[k])
		r.tally.Kept += c.Bytes
		r.mu.Unlock()
		r.written.add(c.Bytes)
		return nil
	})
}

// claim marks the disk as being written by us, with a record of what it holds. The other
// record, if it is about this image, says less and is overwritten next.
func (r *run) claim() error {
	r.Owner.Whole = false
	if err := writeOwner(r.Medium, r.Owner); err != nil {
		return err
	}
	return r.note(r.snapshot())
}

// landed counts a chunk that was written. Now and then it has the disk flushed and notes
// what is there, while the other hands go on.
func (r *run) landed(i int) error {
	c := r.Manifest.Chunks[i]
	r.mu.Lock()
	r.rec.done.set(i)
	r.tally.Written += c.Bytes
	r.tally.Fetched += c.Packed
	r.since += c.Bytes
	due := r.since >= r.every && !r.busy
	if due {
		r.busy, r.since = true, 0
	}
	r.mu.Unlock()
	r.written.add(c.Bytes)
	if !due {
		return nil
	}
	err := r.note(r.snapshot())
	r.mu.Lock()
	r.busy = false
	r.mu.Unlock()
	return err
}

// snapshot is what can be noted after the next flush.
func (r *run) snapshot() bitmap {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.rec.done)
}

// note flushes the disk and then writes down what is on it. Never two at a time.
func (r *run) note(done bitmap) error {
	if err := r.Medium.Flush(); err != nil {
		return ioProblem("flush", 0, err)
	}
	r.rec.turn++
	rec := record{r.rec.turn, r.rec.digest, done}
	return writeFull(r.Medium, rec.encode(len(r.sums)), recordAt(r.Medium.Size(), rec.turn))
}
