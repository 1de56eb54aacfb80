package disk

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"rackwright/agent/direct"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/imagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store holds the frames of an image in memory.
type store struct {
	mu     sync.Mutex
	frames map[string][]byte
	asked  int
	err    error
}

func (s *store) Fetch(ctx context.Context, c images.Chunk, frame []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.asked++
	copy(frame, s.frames[c.Blob])
	return ctx.Err()
}

// pack makes the manifest and the chunks of an image.
func pack(t testing.TB, image []byte) (*images.Manifest, *store) {
	t.Helper()
	m, frames, err := imagetest.Pack(image)
	if err != nil {
		t.Fatal(err)
	}
	return m, &store{frames: frames}
}

// noise is an image of n MiB of which every fourth MiB is zeros, and one chunk is.
func noise(mib int) []byte {
	b := make([]byte, mib<<20)
	r := rand.NewChaCha8([32]byte{1})
	for i := range mib {
		if i%4 != 3 && i/4 != 2 {
			_, _ = r.Read(b[i<<20 : (i+1)<<20])
		}
	}
	return b
}

// oldDisk is a file of so many MiB filled with what a former system left.
func oldDisk(t testing.TB, mib int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, bytes.Repeat([]byte("old data"), mib<<17), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openDisk(t testing.TB, path string) *Device {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// write is a Write of an image to a disk.
func write(m *images.Manifest, s *store, d Medium) *Write {
	return &Write{Manifest: m, Owner: ownerOf(m), Chunks: s, Medium: d, Hands: 2, Deep: true}
}

// ownerOf is the owner that a write of an image leaves.
func ownerOf(m *images.Manifest) Owner {
	_, digest, _ := m.Encode()
	return Owner{Machine: "u", Operation: "op", Image: digest}
}

// spoiled is a medium that fails in one way.
type spoiled struct {
	*Device
	write func(p []byte, off int64) (int, error)
	read  func(p []byte, off int64) (int, error)
}

func (s spoiled) WriteAt(p []byte, off int64) (int, error) {
	if s.write != nil {
		return s.write(p, off)
	}
	return s.Device.WriteAt(p, off)
}

func (s spoiled) ReadAt(p []byte, off int64) (int, error) {
	if s.read != nil {
		return s.read(p, off)
	}
	return s.Device.ReadAt(p, off)
}

func TestAnImageReplacesEverythingThatWasOnTheDisk(t *testing.T) {
	image := append(noise(23), bytes.Repeat([]byte{7}, 1000)...) // the last chunk is no multiple of a block
	m, s := pack(t, image)
	path := oldDisk(t, 40)
	last := map[Pass]int64{}
	w := write(m, s, openDisk(t, path))
	w.Progress = func(p Pass, done, total int64) {
		if done < last[p] || done > total {
			t.Errorf("pass %d went from %d to %d of %d", p, last[p], done, total)
		}
		last[p] = done
	}
	if _, err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	if !bytes.Equal(got[:len(image)], image) {
		t.Error("the disk does not hold the image")
	}
	if bytes.Contains(got[len(got)-wiped:], []byte("old")) {
		t.Error("the end of the disk still has old data")
	}
	if last[Writing] != m.Data() || last[Verifying] < m.Bytes {
		t.Errorf("progress ended at %v, data %d, image %d", last, m.Data(), m.Bytes)
	}
}

func TestWhatStopsAWrite(t *testing.T) {
	hide := func(d *Device) Medium { return d }
	cases := []struct {
		name  string
		disk  int // MiB
		spoil func(m *images.Manifest, s *store)
		wrap  func(d *Device) Medium
		want  Cause
	}{
		{"damage in every source", 40, func(_ *images.Manifest, s *store) { s.err = fault.Conflictf("damaged") }, hide, CauseDigest},
		{"a frame of other bytes", 40, func(m *images.Manifest, s *store) {
			m.Chunks[0].Bytes, m.Chunks[0].Blob = m.Chunks[0].Bytes-direct.Align, m.Chunks[1].Blob
		}, hide, CauseDigest},
		{"a manifest that names other bytes", 40, func(m *images.Manifest, s *store) { m.Chunks[0].SHA256 = m.Chunks[1].SHA256 }, hide, CauseDigest},
		{"a small disk", 20, func(*images.Manifest, *store) {}, hide, CauseTooSmall},
		{"an image that is gone", 40, func(_ *images.Manifest, s *store) { s.err = fault.NotFoundf("no such pack") }, hide, CauseFetch},
		{"a server that stays away", 40, func(_ *images.Manifest, s *store) { s.err = fault.Unreachablef("refused") }, hide, CauseFetch},
		{"a short write", 40, func(*images.Manifest, *store) {}, func(d *Device) Medium {
			return spoiled{Device: d, write: func(p []byte, off int64) (int, error) { return d.WriteAt(p[:len(p)/2], off) }}
		}, CauseIO},
		{"a disk that vanished", 40, func(*images.Manifest, *store) {}, func(d *Device) Medium {
			return spoiled{Device: d, read: func([]byte, int64) (int, error) { return 0, os.ErrClosed }}
		}, CauseIO},
		{"a disk that forgets", 40, func(*images.Manifest, *store) {}, func(d *Device) Medium {
			return spoiled{Device: d, write: func(p []byte, _ int64) (int, error) { return len(p), nil }}
		}, CauseReadBack},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, s := pack(t, noise(16))
			c.spoil(m, s)
			path := oldDisk(t, c.disk)
			_, err := write(m, s, c.wrap(openDisk(t, path))).Run(t.Context())
			if CauseOf(err) != c.want {
				t.Fatalf("cause %q (%v), want %q", CauseOf(err), err, c.want)
			}
			if got, _ := os.ReadFile(path); c.want != CauseTooSmall && bytes.Count(got[:512], []byte{0}) != 512 {
				t.Error("the disk could still boot")
			}
		})
	}
}

func TestADiskThatIsTooSmallKeepsItsData(t *testing.T) {
	m, s := pack(t, noise(16))
	path := oldDisk(t, 20)
	before, _ := os.ReadFile(path)
	if _, err := write(m, s, openDisk(t, path)).Run(t.Context()); CauseOf(err) != CauseTooSmall {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("a refused disk was changed")
	}
}

func TestACancelledWriteStops(t *testing.T) {
	m, s := pack(t, noise(16))
	ctx, cancel := context.WithCancel(t.Context())
	w := write(m, s, openDisk(t, oldDisk(t, 40)))
	w.Progress = func(Pass, int64, int64) { cancel() }
	if _, err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
