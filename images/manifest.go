package images

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"rackwright/fault"
)

// How an image is cut (docs/decisions/0004-image-chunks.md). All are bytes.
const (
	Block    = 4 << 10   // chunks begin and end at multiples of it; the last may end with the image
	MinChunk = 256 << 10 // a chunk is not ended by its content before this
	MaxChunk = 4 << 20   // a chunk ends here at the latest
	MinHole  = 64 << 10  // a run of zeros of this size or more is left out
)

// MaxChunks bounds a manifest. With chunks of about 1 MiB that is 256 GiB of data; holes
// are not counted.
const MaxChunks = 1 << 18

// MaxBytes bounds the size of an image, holes and all: 1 TiB.
const MaxBytes = int64(1) << 40

// Manifest lists the chunks of an image. What no chunk covers is zero: whoever writes the
// image makes those ranges zero.
type Manifest struct {
	Bytes  int64   `json:"bytes"` // size of the image on disk
	Chunks []Chunk `json:"chunks"`
}

// Chunk is a run of disk bytes that is compressed alone, into one zstd frame (RFC 8878),
// so that chunks can be fetched, checked and written in any order and from anywhere. The
// same bytes in two images are one chunk.
type Chunk struct {
	Offset int64  `json:"offset"` // on disk; a multiple of Block
	Bytes  int64  `json:"bytes"`  // on disk
	SHA256 string `json:"sha256"` // of the bytes on disk, hexadecimal
	Packed int64  `json:"packed"` // size of the frame
	Blob   string `json:"blob"`   // SHA-256 of the frame, hexadecimal: its name in every store and cache
}

// Encode returns the canonical JSON of the manifest and its digest "sha256:...".
func (m *Manifest) Encode() ([]byte, string, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, "", fault.Internalf("encode manifest: %w", err)
	}
	sum := sha256.Sum256(b)
	return b, "sha256:" + hex.EncodeToString(sum[:]), nil
}

// DecodeManifest parses a manifest and checks that it is the one of that digest and
// that its chunks are in order, do not overlap and stay inside the image.
func DecodeManifest(b []byte, digest string) (*Manifest, error) {
	sum := sha256.Sum256(b)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != digest {
		return nil, fault.Invalidf("manifest has digest %s, expected %s", got, digest)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fault.Invalidf("manifest is not JSON: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &m, nil
}

func (m *Manifest) check() error {
	if m.Bytes <= 0 || m.Bytes > MaxBytes || len(m.Chunks) > MaxChunks {
		return fault.Invalidf("manifest of %d bytes and %d chunks", m.Bytes, len(m.Chunks))
	}
	var end int64
	for i, c := range m.Chunks {
		if c.Offset < end || !c.sound(m.Bytes) {
			return fault.Invalidf("chunk %d of the manifest is out of order or out of bounds", i)
		}
		end = c.Offset + c.Bytes
	}
	return nil
}

// sound checks a chunk alone, of an image of so many bytes.
func (c *Chunk) sound(image int64) bool {
	return c.Offset >= 0 && c.Offset%Block == 0 && c.Bytes > 0 && c.Bytes <= MaxChunk && c.Offset <= image-c.Bytes &&
		(c.Bytes%Block == 0 || c.Offset+c.Bytes == image) &&
		c.Packed > 0 && c.Packed <= maxPacked(c.Bytes) && isHash(c.SHA256) && isHash(c.Blob)
}

// maxPacked is more than a frame of n bytes takes that do not compress.
func maxPacked(n int64) int64 { return n + n/64 + 512 }

func isHash(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 2*sha256.Size && s == strings.ToLower(s)
}

// Data is how many bytes on disk the chunks cover: what a writer has to write.
func (m *Manifest) Data() (n int64) {
	for _, c := range m.Chunks {
		n += c.Bytes
	}
	return n
}

// Packed is the size of the chunks' frames, each counted once.
func (m *Manifest) Packed() (n int64) {
	seen := make(map[string]bool, len(m.Chunks))
	for _, c := range m.Chunks {
		if !seen[c.Blob] {
			seen[c.Blob] = true
			n += c.Packed
		}
	}
	return n
}
