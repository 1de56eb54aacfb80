package agent

import (
	"context"
	"io"

	"github.com/klauspost/compress/zstd"

	"rackwright/agent/fetch"
	"rackwright/fault"
	"rackwright/images"
)

// tape is an image read from its first byte to its last. The next chunk is fetched while
// one is read.
type tape struct {
	ready   chan piece // in their order; closed at the end
	cancel  context.CancelFunc
	plain   []byte // of the chunk that is read
	holes   int64  // bytes of zeros before it
	at      int64  // where the reader is
	size    int64
	err     error
	decoder *zstd.Decoder
	moved   func(at int64)
}

// piece is a chunk that arrived, or why there are no more.
type piece struct {
	chunk images.Chunk
	frame []byte
	err   error
}

// play opens an image for reading. moved is told how far it is read.
func play(ctx context.Context, m *images.Manifest, from *fetch.Pool, moved func(at int64)) (*tape, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fault.Internalf("zstd: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	t := &tape{ready: make(chan piece, 1), cancel: cancel, size: m.Bytes, decoder: decoder, moved: moved}
	go t.wind(ctx, m.Chunks, from)
	return t, nil
}

// wind fetches one chunk after the other.
func (t *tape) wind(ctx context.Context, chunks []images.Chunk, from *fetch.Pool) {
	defer close(t.ready)
	for _, c := range chunks {
		p := piece{chunk: c, frame: make([]byte, c.Packed)}
		p.err = from.Fetch(ctx, c, p.frame)
		select {
		case t.ready <- p:
		case <-ctx.Done():
			return
		}
		if p.err != nil {
			return
		}
	}
}

// Close lets go of what the tape holds.
func (t *tape) Close() error {
	t.cancel()
	for range t.ready { // what is still under way
	}
	t.decoder.Close()
	return nil
}

// Read reads on. Errors are faults.
func (t *tape) Read(p []byte) (n int, err error) {
	for t.err == nil && t.holes == 0 && len(t.plain) == 0 {
		t.err = t.next()
	}
	switch {
	case t.holes > 0:
		n = int(min(int64(len(p)), t.holes))
		clear(p[:n])
		t.holes -= int64(n)
	case len(t.plain) > 0:
		n = copy(p, t.plain)
		t.plain = t.plain[n:]
	default:
		return 0, t.err
	}
	t.at += int64(n)
	return n, nil
}

// Broke reports whether the image could not be read to its end, whatever was made of what
// came.
func (t *tape) Broke() bool { return t.err != nil && t.err != io.EOF }

// next takes the next chunk in; zeros come before it where the manifest has a hole.
func (t *tape) next() error {
	t.moved(t.at)
	p, some := <-t.ready
	switch {
	case !some && t.at < t.size:
		t.holes = t.size - t.at
		return nil
	case !some:
		return io.EOF
	case p.err != nil:
		return p.err
	}
	plain, err := t.decoder.DecodeAll(p.frame, make([]byte, 0, p.chunk.Bytes))
	if err == nil && int64(len(plain)) != p.chunk.Bytes {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fault.Conflictf("image data for byte %d is damaged: %w", p.chunk.Offset, err).WithHint("add the image to the server again")
	}
	t.holes, t.plain = p.chunk.Offset-t.at, plain
	return nil
}
