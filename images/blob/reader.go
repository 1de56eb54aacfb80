package blob

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/zstd"

	"rackwright/fault"
	"rackwright/images"
)

// readChunk reads a chunk and proves it; buf is used when it is large enough.
func readChunk(c images.Chunk, open func(blob string) (*os.File, error), buf []byte) ([]byte, error) {
	f, err := open(c.Blob)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	frame := make([]byte, c.Packed+1)
	n, err := io.ReadFull(f, frame)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fault.Internalf("it cannot be read: %w", err)
	}
	if name := sha256.Sum256(frame[:n]); hex.EncodeToString(name[:]) != c.Blob {
		return nil, fault.Internalf("it has other bytes than its name says")
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(images.MaxChunk))
	if err != nil {
		return nil, fault.Internalf("zstd: %w", err)
	}
	defer d.Close()
	plain, err := d.DecodeAll(frame[:n], slices.Grow(buf[:0], int(c.Bytes)))
	if err != nil {
		return nil, fault.Internalf("it does not decompress: %w", err)
	}
	if sum := sha256.Sum256(plain); int64(len(plain)) != c.Bytes || hex.EncodeToString(sum[:]) != c.SHA256 {
		return nil, fault.Internalf("it has other bytes than its manifest says")
	}
	return plain, nil
}

// reader reads an image's bytes out of its chunks. It keeps the last chunk; it is for one
// goroutine.
type reader struct {
	m     *images.Manifest
	open  func(blob string) (*os.File, error)
	at    int // index of the chunk in plain, -1 for none
	plain []byte
}

// ReadAt implements io.ReaderAt.
func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off+int64(n) < r.m.Bytes {
		k, err := r.some(p[n:], off+int64(n))
		if err != nil {
			return n, err
		}
		n += k
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// some reads up to the end of the chunk or hole that holds off.
func (r *reader) some(p []byte, off int64) (int, error) {
	chunks := r.m.Chunks
	i, _ := slices.BinarySearchFunc(chunks, off, func(c images.Chunk, off int64) int { return cmp.Compare(c.Offset+c.Bytes-1, off) })
	if i == len(chunks) || off < chunks[i].Offset {
		end := r.m.Bytes
		if i < len(chunks) {
			end = chunks[i].Offset
		}
		n := int(min(int64(len(p)), end-off))
		clear(p[:n])
		return n, nil
	}
	if i != r.at {
		plain, err := readChunk(chunks[i], r.open, r.plain)
		if err != nil {
			return 0, fault.Internalf("the chunk for byte %d: %w", chunks[i].Offset, err)
		}
		r.at, r.plain = i, plain
	}
	return copy(p, r.plain[off-chunks[i].Offset:]), nil
}
