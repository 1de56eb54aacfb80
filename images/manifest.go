// Package images says which systems can be installed: name, format, size and the
// digests that prove every byte. It holds no bytes (images/blob does).
package images

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// ChunkSize is how many bytes of disk a chunk covers, except the last.
const ChunkSize = 4 << 20

// MaxChunks bounds a manifest: 64 TiB is 16 Mi chunks; images are far smaller.
const MaxChunks = 1 << 18 // 1 TiB

// Image is an installable system.
type Image struct {
	ID        string               `json:"id"`
	Name      string               `json:"name" doc:"Unique name, e.g. debian-12"`
	Digest    string               `json:"digest" doc:"sha256:... of the manifest; immutable"`
	Source    string               `json:"source_digest" doc:"sha256:... of the file as it was added"`
	Format    string               `json:"source_format" doc:"raw, qcow2; with gzip, xz or zstd around it"`
	Arch      string               `json:"arch" enum:"amd64,arm64"`
	Firmware  []inventory.Firmware `json:"firmware" nullable:"false" doc:"Boot modes it can boot in"`
	Bytes     int64                `json:"bytes" doc:"Size on disk when written"`
	Stored    int64                `json:"stored_bytes" doc:"Size as stored and sent"`
	CreatedAt time.Time            `json:"created_at"`
}

// Manifest lists the chunks of an image. A chunk that is all zeros is not listed:
// whoever writes the image makes those ranges zero.
type Manifest struct {
	Bytes  int64   `json:"bytes"` // size of the image on disk
	Chunks []Chunk `json:"chunks"`
}

// Chunk is a run of disk bytes, compressed alone (one zstd frame) at PackOffset of the
// image's pack, so that chunks can be fetched, checked and written in any order.
type Chunk struct {
	Offset     int64  `json:"offset"` // on disk; a multiple of ChunkSize
	Bytes      int64  `json:"bytes"`  // on disk
	SHA256     string `json:"sha256"` // of the bytes on disk, hexadecimal
	PackOffset int64  `json:"pack_offset"`
	PackBytes  int64  `json:"pack_bytes"`
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
	if m.Bytes <= 0 || len(m.Chunks) > MaxChunks {
		return fault.Invalidf("manifest of %d bytes and %d chunks", m.Bytes, len(m.Chunks))
	}
	var disk, pack int64
	for i, c := range m.Chunks {
		sound := c.Offset >= disk && c.Offset%ChunkSize == 0 && c.Bytes > 0 && c.Bytes <= ChunkSize &&
			c.Offset <= m.Bytes-c.Bytes && c.PackOffset == pack && c.PackBytes > 0 && c.PackBytes <= 2*ChunkSize && isSHA256(c.SHA256)
		if !sound {
			return fault.Invalidf("chunk %d of the manifest is out of order or out of bounds", i)
		}
		disk, pack = c.Offset+c.Bytes, c.PackOffset+c.PackBytes
	}
	return nil
}

func isSHA256(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == sha256.Size
}

// Data is how many bytes on disk the chunks cover: what a writer has to write.
func (m *Manifest) Data() (n int64) {
	for _, c := range m.Chunks {
		n += c.Bytes
	}
	return n
}

// PackBytes is the size of the pack.
func (m *Manifest) PackBytes() int64 {
	if len(m.Chunks) == 0 {
		return 0
	}
	last := m.Chunks[len(m.Chunks)-1]
	return last.PackOffset + last.PackBytes
}
