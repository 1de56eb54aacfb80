package disk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"

	"golang.org/x/sync/errgroup"

	"rackwright/fault"
	"rackwright/images"
)

// gapBudget bounds what proving zeros costs: gaps beyond it are sampled, gapSample
// bytes of each gapStride. Chunks are always read whole.
const (
	gapBudget = 4 << 30
	gapSample = 64 << 10
)

// verify reads spans back from the disk, not from the page cache, and compares.
func (w *Write) verify(ctx context.Context, spans []span, m *meter) error {
	var zeros int64
	for _, s := range spans {
		if s.sha256 == "" {
			zeros += s.n
		}
	}
	work := make(chan span)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(work)
		for _, s := range spans {
			select {
			case work <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range w.workers() {
		group.Go(func() error { return w.reader(work, zeros > gapBudget, m) })
	}
	return group.Wait()
}

func (w *Write) reader(work <-chan span, sample bool, m *meter) error {
	buf := buffer(images.MaxChunk, Align)
	zeros := make([]byte, gapSample)
	for s := range work {
		n := s.n
		if sample && s.sha256 == "" {
			n = min(n, gapSample)
		}
		got := buf[:roundUp(n, Align)]
		if err := readFull(w.Medium, got, s.off); err != nil {
			return err
		}
		if !s.holds(got[:n], zeros) {
			return readBack(s.off)
		}
		m.add(s.n)
	}
	return nil
}

func (s span) holds(got, zeros []byte) bool {
	if s.sha256 != "" {
		sum := sha256.Sum256(got)
		return hex.EncodeToString(sum[:]) == s.sha256
	}
	for len(got) > 0 {
		n := min(len(got), len(zeros))
		if !bytes.Equal(got[:n], zeros[:n]) {
			return false
		}
		got = got[n:]
	}
	return true
}

func readBack(off int64) error {
	return &Problem{CauseReadBack, fault.Conflictf("the disk returns other bytes than were written, near byte %d", off).
		WithHint("the disk or its controller is failing: replace it, then deploy again")}
}
