package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"runtime"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"rackwright/fault"
	"rackwright/images"
)

// feeder yields an image's chunks in order. next returns how many bytes of disk the next
// chunk covers (less than ChunkSize only at the end, 0 after it), having read them into buf;
// or a function that will, when reading may run beside that of other chunks; hole means
// that they are all zero and buf is not touched.
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

// job is one chunk on its way from the feeder to the pack.
type job struct {
	chunk images.Chunk
	buf   []byte
	out   []byte
	later func() error
	hole  bool
	done  chan error // buffered; one value when out is ready
}

// cut reads an image to its end and writes its chunks that are not all zero, each
// compressed alone, to pack. Memory is bounded by a few chunks per processor.
func cut(ctx context.Context, from feeder, pack io.Writer, limit int64) (images.Manifest, error) {
	workers := runtime.GOMAXPROCS(0)
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(workers),
		zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
	if err != nil {
		return images.Manifest{}, fault.Internalf("zstd: %w", err)
	}
	defer enc.Close()
	free := make(chan *job, 2*workers+2)
	for range cap(free) {
		free <- &job{buf: make([]byte, images.ChunkSize), done: make(chan error, 1)}
	}
	g, gctx := errgroup.WithContext(ctx)
	work, ordered := make(chan *job, cap(free)), make(chan *job, cap(free))
	var m images.Manifest
	g.Go(func() (err error) {
		defer close(work)
		defer close(ordered)
		m.Bytes, err = feedAll(gctx, from, limit, free, work, ordered)
		return err
	})
	for range workers {
		g.Go(func() error {
			for j := range work {
				j.done <- j.compress(enc)
			}
			return nil
		})
	}
	g.Go(func() (err error) {
		m.Chunks, err = writeAll(gctx, pack, free, ordered)
		return err
	})
	if err = g.Wait(); err != nil && ctx.Err() != nil {
		err = cancelled(ctx)
	}
	return m, err
}

// feedAll hands out chunks until the image ends, and returns its size.
func feedAll(ctx context.Context, from feeder, limit int64, free <-chan *job, work, ordered chan<- *job) (size int64, err error) {
	for {
		var j *job
		select {
		case j = <-free:
		case <-ctx.Done():
			return size, ctx.Err()
		}
		n, later, hole, err := from.next(j.buf[:images.ChunkSize])
		switch {
		case err != nil:
			return size, err
		case n == 0:
			return size, nil
		case size+int64(n) > limit:
			return size, tooLarge(limit)
		}
		j.chunk = images.Chunk{Offset: size, Bytes: int64(n)}
		j.later, j.hole = later, hole
		work <- j // neither blocks: both hold as many as there are jobs
		ordered <- j
		size += int64(n)
	}
}

// writeAll writes finished chunks in order.
func writeAll(ctx context.Context, pack io.Writer, free chan<- *job, ordered <-chan *job) (chunks []images.Chunk, err error) {
	chunks = []images.Chunk{}
	var at int64
	for j := range ordered {
		select {
		case err = <-j.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if !j.hole {
			if _, err := pack.Write(j.out); err != nil {
				return nil, err
			}
			j.chunk.PackOffset, j.chunk.PackBytes = at, int64(len(j.out))
			at += j.chunk.PackBytes
			chunks = append(chunks, j.chunk)
		}
		free <- j
	}
	return chunks, nil
}

// compress fills out and the chunk's digest; a chunk of zeros becomes a hole.
func (j *job) compress(enc *zstd.Encoder) error {
	if j.hole {
		return nil
	}
	plain := j.buf[:j.chunk.Bytes]
	if j.later != nil {
		if err := j.later(); err != nil {
			return err
		}
	}
	if j.hole = allZero(plain); j.hole {
		return nil
	}
	sum := sha256.Sum256(plain)
	j.chunk.SHA256 = hex.EncodeToString(sum[:])
	j.out = enc.EncodeAll(plain, j.out[:0])
	return nil
}

// allZero compares b with itself one byte on, which runs at the speed of memory.
func allZero(b []byte) bool {
	return len(b) == 0 || b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1])
}
