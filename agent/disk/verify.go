package disk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/cespare/xxhash/v2"

	"rackwright/fault"
)

// gapBudget bounds what proving zeros costs: gaps beyond it are sampled, gapSample
// bytes of each gapStride. Chunks are always read whole.
const (
	gapBudget = 4 << 30
	gapSample = 64 << 10
)

// QuickSHA256 reports whether this processor has SHA-256 at more than 400 MB a second, as
// those with instructions for it and most of the others have.
func QuickSHA256() bool {
	b := make([]byte, 1<<16)
	for range 4 { // somebody else may have had the processor
		began := time.Now()
		_ = sha256.Sum256(b)
		if time.Since(began) < 160*time.Microsecond {
			return true
		}
	}
	return false
}

// verify reads spans back from the disk, not from the page cache, and compares: chunks with
// what was written there.
func (r *run) verify(ctx context.Context, spans []span) error {
	var zeros int64
	for _, s := range spans {
		if s.chunk < 0 {
			zeros += s.n
		}
	}
	return share(ctx, r.hands, len(spans), func(_ context.Context, h *hand, k int) error {
		s := spans[k]
		n := s.n
		if zeros > gapBudget && s.chunk < 0 {
			n = min(n, gapSample)
		}
		got, err := h.read(r.Medium, s.off, n)
		if err != nil {
			return err
		}
		if err := r.holds(s, got); err != nil {
			return err
		}
		r.verified.add(s.n)
		return nil
	})
}

// holds judges what was read back.
func (r *run) holds(s span, got []byte) error {
	switch {
	case s.chunk < 0:
		if !allZero(got) {
			return readBack(s.off)
		}
	case xxhash.Sum64(got) != r.sums[s.chunk]:
		return readBack(s.off)
	case r.Deep && !sameSHA256(got, r.Manifest.Chunks[s.chunk].SHA256):
		return notTheImage(r.Manifest.Chunks[s.chunk], errors.New("its SHA-256 on the disk is another"))
	}
	return nil
}

// allZero compares b with itself one byte on, which runs at the speed of memory.
func allZero(b []byte) bool {
	return len(b) == 0 || b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1])
}

func readBack(off int64) error {
	return &Problem{CauseReadBack, fault.Conflictf("the disk returns other bytes than were written, near byte %d", off).
		WithHint("the disk or its controller is failing: replace it, then deploy again")}
}
