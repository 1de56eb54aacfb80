package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"rackwright/fault"
	"rackwright/images"
)

// readChunk reads one chunk of a pack and proves it; buf is used when it is large enough.
func readChunk(pack io.ReaderAt, c images.Chunk, buf []byte) ([]byte, error) {
	packed := make([]byte, c.PackBytes)
	if n, err := pack.ReadAt(packed, c.PackOffset); n < len(packed) {
		return nil, fault.Internalf("the chunk for byte %d cannot be read: %w", c.Offset, err)
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(images.ChunkSize))
	if err != nil {
		return nil, fault.Internalf("zstd: %w", err)
	}
	defer d.Close()
	plain, err := d.DecodeAll(packed, slices.Grow(buf[:0], int(c.Bytes)))
	if err != nil {
		return nil, fault.Internalf("the chunk for byte %d does not decompress: %w", c.Offset, err)
	}
	if sum := sha256.Sum256(plain); int64(len(plain)) != c.Bytes || hex.EncodeToString(sum[:]) != c.SHA256 {
		return nil, fault.Internalf("the chunk for byte %d has other bytes than its manifest says", c.Offset)
	}
	return plain, nil
}

// packReader reads an image's bytes out of its pack. It keeps the last chunk; it is
// for one goroutine.
type packReader struct {
	m     *images.Manifest
	pack  io.ReaderAt
	at    int // index of the chunk in plain, -1 for none
	plain []byte
}

// ReadAt implements io.ReaderAt.
func (r *packReader) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off+int64(n) < r.m.Bytes {
		from := off + int64(n)
		end := min((from/images.ChunkSize+1)*images.ChunkSize, r.m.Bytes, off+int64(len(p)))
		part := p[n : n+int(end-from)]
		if err := r.fill(part, from); err != nil {
			return n, err
		}
		n += len(part)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// fill reads part, which lies inside one chunk.
func (r *packReader) fill(part []byte, from int64) error {
	i, ok := slices.BinarySearchFunc(r.m.Chunks, from/images.ChunkSize*images.ChunkSize,
		func(c images.Chunk, off int64) int { return int((c.Offset - off) / images.ChunkSize) })
	if !ok {
		clear(part)
		return nil
	}
	c := r.m.Chunks[i]
	if i != r.at {
		plain, err := readChunk(r.pack, c, r.plain)
		if err != nil {
			return err
		}
		r.at, r.plain = i, plain
	}
	copy(part, r.plain[from-c.Offset:])
	return nil
}
