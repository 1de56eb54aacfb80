package blob

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"rackwright/images"
)

// chunks cuts an image in memory.
func chunks(t interface{ Fatal(...any) }, image []byte) (images.Manifest, map[string][]byte) {
	var mu sync.Mutex
	frames := map[string][]byte{}
	m, err := cut(context.Background(), &stream{r: bytes.NewReader(image)}, MaxBytes, func(blob string, frame []byte) error {
		mu.Lock()
		defer mu.Unlock()
		frames[blob] = bytes.Clone(frame)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, frames
}

// together puts an image together again.
func together(t interface{ Fatal(...any) }, m images.Manifest, frames map[string][]byte) []byte {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out := make([]byte, m.Bytes)
	for _, c := range m.Chunks {
		plain, err := d.DecodeAll(frames[c.Blob], nil)
		if err != nil || int64(len(plain)) != c.Bytes {
			t.Fatal("chunk", c.Offset, err)
		}
		copy(out[c.Offset:], plain)
	}
	return out
}

// noise is n bytes of which none compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// Whatever data and holes follow each other: the chunks are a sound manifest, and together
// they are the image.
func TestAnyImageIsItsChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var image []byte
		for range rapid.IntRange(0, 12).Draw(t, "runs") {
			blocks := rapid.SampledFrom([]int{1, 2, 15, 16, 17, 64, 300, 1100}).Draw(t, "blocks")
			if rapid.Bool().Draw(t, "hole") {
				image = append(image, make([]byte, blocks*images.Block)...)
			} else {
				image = append(image, noise(rapid.Uint64Range(0, 3).Draw(t, "seed"), blocks*images.Block)...)
			}
		}
		image = append(image, noise(9, rapid.IntRange(0, images.Block-1).Draw(t, "tail"))...)
		if len(image) == 0 {
			return
		}
		m, frames := chunks(t, image)
		text, digest, err := m.Encode()
		if err == nil {
			_, err = images.DecodeManifest(text, digest)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(together(t, m, frames), image) {
			t.Fatal("the chunks are another image")
		}
		end := int64(0)
		for _, c := range m.Chunks {
			if gap := c.Offset - end; gap > 0 && gap < images.MinHole && end > 0 {
				t.Fatalf("a hole of %d bytes at %d", gap, end)
			}
			end = c.Offset + c.Bytes
		}
	})
}

func TestABlockOfZerosEndsNoChunk(t *testing.T) {
	if xxhash.Sum64(zeroBlock[:])&0xff == 0 {
		t.Error("every zero in a chunk would end it")
	}
}

func TestARunOfZerosIsAHoleAndFewZerosAreNot(t *testing.T) {
	data := noise(1, 256<<10)
	for blocks, holes := range map[int]bool{1: false, 15: false, 16: true, 1000: true} {
		image := bytes.Join([][]byte{data, make([]byte, blocks*images.Block), data}, nil)
		m, _ := chunks(t, image)
		if hole := m.Data() < int64(len(image)); hole != holes {
			t.Errorf("%d blocks of zeros: hole %v", blocks, hole)
		}
	}
}

// A version of an image that differs in a twentieth, and in which everything behind the
// middle has moved by a block, has nearly all chunks of the other.
func TestAChangedImageAddsFewChunks(t *testing.T) {
	old := noise(1, 160<<20)
	half := len(old) / 2
	changed := bytes.Join([][]byte{old[:half], noise(2, images.Block), old[half:]}, nil)
	copy(changed[20<<20:], noise(3, len(old)/20))
	was, _ := chunks(t, old)
	is, frames := chunks(t, changed)
	known := map[string]bool{}
	for _, c := range was.Chunks {
		known[c.Blob] = true
	}
	added := 0
	for blob, frame := range frames {
		if !known[blob] {
			added += len(frame)
		}
	}
	share := float64(added) / float64(is.Packed())
	t.Logf("%d chunks of %d KiB; %.1f %% of the changed image are new", len(is.Chunks), is.Data()>>10/int64(len(is.Chunks)), 100*share)
	if share >= 0.10 {
		t.Errorf("%.1f %% of the bytes are new", 100*share)
	}
}
