package images_test

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/images"
)

// sound is an image of three and a half chunks, the second of them zero.
func sound() images.Manifest {
	sum := strings.Repeat("ab", 32)
	return images.Manifest{Bytes: 3*images.ChunkSize + 512, Chunks: []images.Chunk{
		{Offset: 0, Bytes: images.ChunkSize, SHA256: sum, PackOffset: 0, PackBytes: 100},
		{Offset: 2 * images.ChunkSize, Bytes: images.ChunkSize, SHA256: sum, PackOffset: 100, PackBytes: 50},
		{Offset: 3 * images.ChunkSize, Bytes: 512, SHA256: sum, PackOffset: 150, PackBytes: 7}}}
}

func TestAManifestIsReadBackByItsDigestAlone(t *testing.T) {
	m := sound()
	b, digest, err := m.Encode()
	if err != nil || !strings.HasPrefix(digest, "sha256:") {
		t.Fatal(digest, err)
	}
	got, err := images.DecodeManifest(b, digest)
	if err != nil || !reflect.DeepEqual(*got, m) || got.Data() != 2*images.ChunkSize+512 || got.PackBytes() != 157 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := images.DecodeManifest(append(b, ' '), digest); !fault.Is(err, fault.Invalid) {
		t.Errorf("another text with that digest: %v", err)
	}
}

func TestAManifestThatWouldWriteWhereItMustNotIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(m *images.Manifest){
		"no size":                    func(m *images.Manifest) { m.Bytes = 0 },
		"a negative size":            func(m *images.Manifest) { m.Bytes = -1 },
		"past the end":               func(m *images.Manifest) { m.Chunks[2].Bytes = 513 },
		"an end beyond all numbers":  func(m *images.Manifest) { m.Chunks[2].Offset = 1<<63 - images.ChunkSize },
		"before the start":           func(m *images.Manifest) { m.Chunks[0].Offset = -images.ChunkSize },
		"chunks that overlap":        func(m *images.Manifest) { m.Chunks[1].Offset = 0 },
		"chunks out of order":        func(m *images.Manifest) { m.Chunks[0], m.Chunks[1] = m.Chunks[1], m.Chunks[0] },
		"a chunk off the grid":       func(m *images.Manifest) { m.Chunks[1].Offset++ },
		"an empty chunk":             func(m *images.Manifest) { m.Chunks[2].Bytes = 0 },
		"a chunk too large":          func(m *images.Manifest) { m.Chunks[0].Bytes = images.ChunkSize + 1 },
		"a hole in the pack":         func(m *images.Manifest) { m.Chunks[1].PackOffset++ },
		"an empty pack":              func(m *images.Manifest) { m.Chunks[0].PackBytes = 0 },
		"a pack of endless zeros":    func(m *images.Manifest) { m.Chunks[2].PackBytes = 1 << 40 },
		"a digest that is not one":   func(m *images.Manifest) { m.Chunks[0].SHA256 = "ab" },
		"a digest of other letters":  func(m *images.Manifest) { m.Chunks[0].SHA256 = strings.Repeat("zz", 32) },
		"more chunks than any image": func(m *images.Manifest) { m.Chunks = make([]images.Chunk, images.MaxChunks+1) },
	} {
		m := sound()
		spoil(&m)
		b, digest, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := images.DecodeManifest(b, digest); !fault.Is(err, fault.Invalid) || got != nil {
			t.Errorf("%s: got %v, %v", name, got != nil, err)
		}
	}
}

func TestAnImageOfZerosHasNoPack(t *testing.T) {
	m := images.Manifest{Bytes: 512}
	if m.Data() != 0 || m.PackBytes() != 0 {
		t.Errorf("%d, %d", m.Data(), m.PackBytes())
	}
}

func FuzzDecodeManifest(f *testing.F) {
	m := sound()
	b, _, _ := m.Encode()
	f.Add(b)
	f.Add([]byte(`{"bytes":1,"chunks":[{}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		sum := sha256.Sum256(b)
		m, err := images.DecodeManifest(b, "sha256:"+hex.EncodeToString(sum[:]))
		if err != nil {
			return
		}
		end := int64(0)
		for _, c := range m.Chunks {
			if c.Offset < end || c.Offset+c.Bytes > m.Bytes {
				t.Fatalf("chunk at %d of %d bytes in an image of %d", c.Offset, c.Bytes, m.Bytes)
			}
			end = c.Offset + c.Bytes
		}
	})
}
