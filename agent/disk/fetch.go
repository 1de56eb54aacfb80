package disk

import (
	"context"
	"io"

	"rackwright/fault"
	"rackwright/images"
)

// Fetcher returns n bytes of an image's pack from off on. An error of kind Denied,
// NotFound or Invalid is final; after any other, and after a body that ends early,
// the same or a later range is asked for again.
type Fetcher interface {
	Fetch(ctx context.Context, off, n int64) (io.ReadCloser, error)
}

// packed is a chunk and its compressed bytes.
type packed struct {
	images.Chunk
	pack []byte
}

// stream sends chunks with their bytes to out, fetching runs of them with one request.
// When the network drops it goes on with the first chunk that did not arrive whole.
// Buffers come from free.
func (w *Write) stream(ctx context.Context, chunks []images.Chunk, free <-chan []byte, out chan<- packed) error {
	for failures := 0; len(chunks) > 0; {
		run := contiguous(chunks)
		n, err := w.streamRun(ctx, run, free, out)
		chunks = chunks[n:]
		if err == nil {
			failures = 0
			continue
		}
		if n > 0 {
			failures = 0
		}
		failures++
		if err := w.again(ctx, failures, err); err != nil {
			return err
		}
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

// contiguous returns the leading chunks whose packs follow each other.
func contiguous(chunks []images.Chunk) []images.Chunk {
	n := 1
	for n < len(chunks) && chunks[n].PackOffset == chunks[n-1].PackOffset+chunks[n-1].PackBytes {
		n++
	}
	return chunks[:n]
}

// streamRun fetches one run and returns how many of its chunks arrived.
func (w *Write) streamRun(ctx context.Context, run []images.Chunk, free <-chan []byte, out chan<- packed) (int, error) {
	first, last := run[0], run[len(run)-1]
	body, err := w.Pack.Fetch(ctx, first.PackOffset, last.PackOffset+last.PackBytes-first.PackOffset)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	for i, c := range run {
		pack, err := takeBuffer(ctx, free, c.PackBytes)
		if err != nil {
			return i, err
		}
		if _, err := io.ReadFull(body, pack); err != nil {
			giveBack(ctx, out, pack)
			return i, fault.Unreachablef("the connection ended at byte %d of the pack: %w", c.PackOffset, err)
		}
		select {
		case out <- packed{c, pack}:
		case <-ctx.Done():
			return i, ctx.Err()
		}
	}
	return len(run), nil
}

func takeBuffer(ctx context.Context, free <-chan []byte, n int64) ([]byte, error) {
	select {
	case b := <-free:
		if int64(cap(b)) < n {
			b = make([]byte, n)
		}
		return b[:n], nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// giveBack returns a buffer that holds no whole chunk to whoever frees buffers.
func giveBack(ctx context.Context, out chan<- packed, pack []byte) {
	select {
	case out <- packed{pack: pack}:
	case <-ctx.Done():
	}
}

// fetchOne fetches a single chunk's bytes again.
func (w *Write) fetchOne(ctx context.Context, c images.Chunk) ([]byte, error) {
	for failures := 1; ; failures++ {
		pack, err := w.tryOne(ctx, c)
		if err == nil {
			return pack, nil
		}
		if err := w.again(ctx, failures, err); err != nil {
			return nil, err
		}
	}
}

func (w *Write) tryOne(ctx context.Context, c images.Chunk) ([]byte, error) {
	body, err := w.Pack.Fetch(ctx, c.PackOffset, c.PackBytes)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	pack := make([]byte, c.PackBytes)
	if _, err := io.ReadFull(body, pack); err != nil {
		return nil, fault.Unreachablef("the connection ended in a chunk: %w", err)
	}
	return pack, nil
}
