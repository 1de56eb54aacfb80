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

// sound is an image of three chunks with a hole before the second; the last is the first
// again, cut short.
func sound() images.Manifest {
	sum, blob := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	return images.Manifest{Bytes: 3<<20 + 512, Chunks: []images.Chunk{
		{Offset: 0, Bytes: 1 << 20, SHA256: sum, Packed: 100, Blob: blob},
		{Offset: 2 << 20, Bytes: 1 << 20, SHA256: sum, Packed: 50, Blob: strings.Repeat("ef", 32)},
		{Offset: 3 << 20, Bytes: 512, SHA256: sum, Packed: 100, Blob: blob}}}
}

func TestAManifestIsReadBackByItsDigestAlone(t *testing.T) {
	m := sound()
	b, digest, err := m.Encode()
	if err != nil || !strings.HasPrefix(digest, "sha256:") {
		t.Fatal(digest, err)
	}
	got, err := images.DecodeManifest(b, digest)
	if err != nil || !reflect.DeepEqual(*got, m) || got.Data() != 2<<20+512 || got.Packed() != 150 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := images.DecodeManifest(append(b, ' '), digest); !fault.Is(err, fault.Invalid) {
		t.Errorf("another text with that digest: %v", err)
	}
}

func TestAManifestThatWouldWriteWhereItMustNotIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(m *images.Manifest){
		"no size":                      func(m *images.Manifest) { m.Bytes = 0 },
		"a negative size":              func(m *images.Manifest) { m.Bytes = -1 },
		"a size beyond all images":     func(m *images.Manifest) { m.Bytes = images.MaxBytes + 1 },
		"past the end":                 func(m *images.Manifest) { m.Chunks[2].Bytes = 513 },
		"an end beyond all numbers":    func(m *images.Manifest) { m.Chunks[2].Offset = 1<<63 - images.Block },
		"before the start":             func(m *images.Manifest) { m.Chunks[0].Offset = -images.Block },
		"chunks that overlap":          func(m *images.Manifest) { m.Chunks[1].Offset = 0 },
		"chunks out of order":          func(m *images.Manifest) { m.Chunks[0], m.Chunks[1] = m.Chunks[1], m.Chunks[0] },
		"a chunk off the grid":         func(m *images.Manifest) { m.Chunks[1].Offset++ },
		"an odd length before the end": func(m *images.Manifest) { m.Chunks[1].Bytes-- },
		"an empty chunk":               func(m *images.Manifest) { m.Chunks[2].Bytes = 0 },
		"a chunk too large": func(m *images.Manifest) {
			m.Bytes, m.Chunks = 1<<30, []images.Chunk{m.Chunks[0]}
			m.Chunks[0].Bytes = images.MaxChunk + images.Block
		},
		"an empty frame":                func(m *images.Manifest) { m.Chunks[0].Packed = 0 },
		"a frame larger than its bytes": func(m *images.Manifest) { m.Chunks[2].Packed = 4096 },
		"a digest that is not one":      func(m *images.Manifest) { m.Chunks[0].SHA256 = "ab" },
		"a digest of other letters":     func(m *images.Manifest) { m.Chunks[0].SHA256 = strings.Repeat("zz", 32) },
		"a name that is a path":         func(m *images.Manifest) { m.Chunks[0].Blob = "../" + strings.Repeat("a", 61) },
		"a name in capitals":            func(m *images.Manifest) { m.Chunks[0].Blob = strings.Repeat("CD", 32) },
		"more chunks than any image":    func(m *images.Manifest) { m.Chunks = make([]images.Chunk, images.MaxChunks+1) },
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

func TestAnImageOfZerosHasNoChunk(t *testing.T) {
	m := images.Manifest{Bytes: 512}
	if m.Data() != 0 || m.Packed() != 0 {
		t.Errorf("%d, %d", m.Data(), m.Packed())
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
