package disk

import (
	"context"
	"io"

	"rackwright/fault"
	"rackwright/images"
)

// Fetcher returns the frame of one chunk. An error of kind Denied, NotFound or Invalid is
// final; after any other, and after a body that ends early, the chunk is asked for again.
type Fetcher interface {
	Fetch(ctx context.Context, c images.Chunk) (io.ReadCloser, error)
}

// packed is a chunk and its frame.
type packed struct {
	images.Chunk
	pack []byte
}

// stream sends chunks with their frames to out. When the network drops it goes on with the
// chunk that did not arrive whole. Buffers come from free.
func (w *Write) stream(ctx context.Context, chunks []images.Chunk, free <-chan []byte, out chan<- packed) error {
	for _, c := range chunks {
		var pack []byte
		select {
		case pack = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		pack, err := w.fetch(ctx, c, pack)
		if err != nil {
			return err
		}
		select {
		case out <- packed{c, pack}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fetch fetches a chunk's frame, in buf when it is large enough.
func (w *Write) fetch(ctx context.Context, c images.Chunk, buf []byte) ([]byte, error) {
	if int64(cap(buf)) < c.Packed {
		buf = make([]byte, c.Packed)
	}
	for failures := 1; ; failures++ {
		err := w.tryFetch(ctx, c, buf[:c.Packed])
		if err == nil {
			return buf[:c.Packed], nil
		}
		if err := w.again(ctx, failures, err); err != nil {
			return nil, err
		}
	}
}

func (w *Write) tryFetch(ctx context.Context, c images.Chunk, frame []byte) error {
	body, err := w.Pack.Fetch(ctx, c)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.ReadFull(body, frame); err != nil {
		return fault.Unreachablef("the connection ended in the chunk for byte %d: %w", c.Offset, err)
	}
	return nil
}

// again waits before the next attempt, or says why there will be none.
func (w *Write) again(ctx context.Context, failures int, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	final := fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid)
	if final || w.Backoff(ctx, failures) != nil {
		return &Problem{CauseFetch, fault.New(fault.KindOf(err), "image data cannot be fetched: %w", err).
			WithHint("see the server's log and the machine's link, then deploy again")}
	}
	return nil
}
