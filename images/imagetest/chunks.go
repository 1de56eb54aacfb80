package imagetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"github.com/klauspost/compress/zstd"

	"rackwright/images"
)

// Pack makes the manifest of an image in memory and its chunks' frames by name: pieces of a
// MiB, those of zeros left out.
func Pack(image []byte) (*images.Manifest, map[string][]byte, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
	if err != nil {
		return nil, nil, err
	}
	m, frames := &images.Manifest{Bytes: int64(len(image)), Chunks: []images.Chunk{}}, map[string][]byte{}
	for off := 0; off < len(image); off += mib {
		piece := image[off:min(off+mib, len(image))]
		if bytes.Count(piece, []byte{0}) == len(piece) {
			continue
		}
		frame := enc.EncodeAll(piece, nil)
		sum, name := sha256.Sum256(piece), sha256.Sum256(frame)
		c := images.Chunk{Offset: int64(off), Bytes: int64(len(piece)), SHA256: hex.EncodeToString(sum[:]),
			Packed: int64(len(frame)), Blob: hex.EncodeToString(name[:])}
		frames[c.Blob], m.Chunks = frame, append(m.Chunks, c)
	}
	return m, frames, enc.Close()
}
