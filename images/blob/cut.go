package blob

import (
	"cmp"
	"context"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"rackwright/fault"
	"rackwright/images"
)

// segment is how much of an image is read at a time: a multiple of images.Block, and of
// the largest cluster of a qcow2 image.
const segment = 2 << 20

// feeder yields an image in order. next returns how many bytes come next (less than buf
// only at the end, 0 after it), having read them into buf; or a function that will, when
// reading may run beside other reads; hole means that they are all zero and buf is not
// touched.
type feeder interface {
	next(buf []byte) (n int, later func() error, hole bool, err error)
}

// stream feeds what must be read in order.
type stream struct {
	r     io.Reader
	fault func(error) error
}

// next reads until buf is full or the stream ends; only a plain io.EOF is its end.
func (s *stream) next(buf []byte) (n int, later func() error, hole bool, err error) {
	for n < len(buf) && err == nil {
		var k int
		k, err = s.r.Read(buf[n:])
		n += k
	}
	if err != nil && err != io.EOF {
		return n, nil, false, s.fault(err)
	}
	return n, nil, false, nil
}

// part is a segment on its way from the feeder to the chunker.
type part struct {
	buf   []byte
	n     int
	later func() error
	hole  bool
	done  chan error // buffered; one value when buf is filled
}

// cut reads an image to its end, cuts it by its content and gives each chunk's frame to
// keep, from several goroutines. Memory is bounded by a few segments and chunks per
// processor.
func cut(ctx context.Context, from feeder, limit int64, keep func(blob string, frame []byte) error) (images.Manifest, error) {
	workers := runtime.GOMAXPROCS(0)
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(workers),
		zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
	if err != nil {
		return images.Manifest{}, fault.Internalf("zstd: %w", err)
	}
	defer enc.Close()
	g, gctx := errgroup.WithContext(ctx)
	parts := feed(gctx, g, from, limit, workers)
	c := &chunker{ctx: gctx, free: make(chan *job, workers+2), full: make(chan *job, workers+2)}
	for range cap(c.free) {
		c.free <- &job{}
	}
	var m images.Manifest
	g.Go(func() (err error) {
		defer close(c.full)
		m.Bytes, err = c.cutAll(parts)
		return err
	})
	var mu sync.Mutex
	m.Chunks = []images.Chunk{}
	for range workers {
		g.Go(func() error {
			for j := range c.full {
				if err := j.pack(enc, keep); err != nil {
					return err
				}
				mu.Lock()
				m.Chunks = append(m.Chunks, j.chunk)
				mu.Unlock()
				c.free <- j // never blocks: it holds as many as there are
			}
			return nil
		})
	}
	if err = g.Wait(); err != nil && ctx.Err() != nil {
		err = cancelled(ctx)
	}
	slices.SortFunc(m.Chunks, func(a, b images.Chunk) int { return cmp.Compare(a.Offset, b.Offset) })
	return m, err
}

// feed reads the image into parts, several at a time where the feeder can.
func feed(ctx context.Context, g *errgroup.Group, from feeder, limit int64, workers int) *parts {
	p := &parts{free: make(chan *part, workers+2), ordered: make(chan *part, workers+2)}
	for range cap(p.free) {
		p.free <- &part{buf: make([]byte, segment), done: make(chan error, 1)}
	}
	work := make(chan *part, cap(p.free))
	g.Go(func() error {
		defer close(work)
		defer close(p.ordered)
		return p.feedAll(ctx, from, limit, work)
	})
	for range workers {
		g.Go(func() error {
			for one := range work {
				one.done <- one.later()
			}
			return nil
		})
	}
	return p
}

// parts is the way between feeder and chunker: parts go round.
type parts struct{ free, ordered chan *part }

// feedAll hands out parts until the image ends.
func (p *parts) feedAll(ctx context.Context, from feeder, limit int64, work chan<- *part) error {
	for size := int64(0); ; {
		var one *part
		select {
		case one = <-p.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		one.n, one.later, one.hole, err = from.next(one.buf)
		if size += int64(one.n); err != nil || one.n == 0 {
			return err
		}
		if size > limit {
			return tooLarge(limit)
		}
		if one.later != nil && !one.hole {
			work <- one // neither blocks: both hold as many as there are parts
		} else {
			one.done <- nil
		}
		p.ordered <- one
	}
}
