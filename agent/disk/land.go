package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"rackwright/fault"
	"rackwright/images"
)

// land fetches chunks and puts them on the disk: one stream, several workers that
// decode, check and write. Nothing is written that did not match its digest.
func (w *Write) land(ctx context.Context, chunks []images.Chunk, m *meter) error {
	if len(chunks) == 0 {
		return nil
	}
	workers := min(w.workers(), len(chunks))
	free := make(chan []byte, workers+1)
	for range cap(free) {
		free <- nil
	}
	arrived := make(chan packed)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(arrived)
		return w.stream(ctx, chunks, free, arrived)
	})
	for range workers {
		group.Go(func() error { return w.worker(ctx, arrived, free, m) })
	}
	return group.Wait()
}

func (w *Write) worker(ctx context.Context, arrived <-chan packed, free chan<- []byte, m *meter) error {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return fault.Internalf("zstd: %w", err)
	}
	defer dec.Close()
	out := buffer(images.MaxChunk, Align)
	for p := range arrived {
		data, err := w.unpack(ctx, dec, p, out)
		free <- p.pack
		if err != nil {
			return err
		}
		if err := writeFull(w.Medium, pad(data), p.Offset); err != nil {
			return err
		}
		m.add(p.Bytes)
	}
	return nil
}

// unpack decodes and checks a chunk, fetching it again once if it is not what the
// manifest names: a bit may have flipped on the way.
func (w *Write) unpack(ctx context.Context, dec *zstd.Decoder, p packed, out []byte) ([]byte, error) {
	data, err := decode(dec, p.Chunk, p.pack, out)
	if err == nil {
		return data, nil
	}
	pack, fetchErr := w.fetch(ctx, p.Chunk, nil)
	if fetchErr != nil {
		return nil, fetchErr
	}
	if data, err = decode(dec, p.Chunk, pack, out); err != nil {
		return nil, &Problem{CauseDigest, fault.Conflictf("image data for byte %d of the disk is damaged, twice: %w", p.Offset, err).
			WithHint("add the image to the server again; what is stored there is damaged")}
	}
	return data, nil
}

func decode(dec *zstd.Decoder, c images.Chunk, pack, out []byte) ([]byte, error) {
	if sum := sha256.Sum256(pack); hex.EncodeToString(sum[:]) != c.Blob {
		return nil, fmt.Errorf("SHA-256 of the chunk is %x instead of %s", sum, c.Blob)
	}
	data, err := dec.DecodeAll(pack, out[:0])
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != c.Bytes {
		return nil, fmt.Errorf("%d bytes instead of %d", len(data), c.Bytes)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != c.SHA256 {
		return nil, fmt.Errorf("SHA-256 is %x instead of %s", sum, c.SHA256)
	}
	return data, nil
}

// pad fills data with zeros up to Align; its buffer has the slack.
func pad(data []byte) []byte {
	n := int(roundUp(int64(len(data)), Align))
	clear(data[len(data):n])
	return data[:n]
}
