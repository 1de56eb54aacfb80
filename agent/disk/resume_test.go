package disk

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"rackwright/agent/direct"
)

// volatile is a disk with a write cache: what was not flushed may be lost, block by block,
// when the power goes, which it does before the operation number cut.
type volatile struct {
	mu     sync.Mutex
	bytes  []byte         // what reads return
	stable []byte         // what is there after a power cut
	dirty  map[int64]bool // blocks in which the two may differ, by number
	left   int            // operations until the power goes; negative: never
	chance *rand.Rand
}

var errPower = errors.New("the power went")

func newVolatile(old []byte) *volatile {
	return &volatile{bytes: bytes.Clone(old), stable: bytes.Clone(old), dirty: map[int64]bool{}, left: -1, chance: rand.New(rand.NewPCG(1, 2))}
}

// does counts an operation and is false once the power is gone.
func (v *volatile) does() bool {
	if v.left == 0 {
		return false
	}
	v.left--
	return true
}

func (v *volatile) ReadAt(p []byte, off int64) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return copy(p, v.bytes[off:]), nil
}

func (v *volatile) WriteAt(p []byte, off int64) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.does() {
		return 0, errPower
	}
	for at := off / direct.Align; at*direct.Align < off+int64(len(p)); at++ {
		v.dirty[at] = true
	}
	return copy(v.bytes[off:], p), nil
}

func (v *volatile) Zero(off, n int64) error {
	_, err := v.WriteAt(make([]byte, n), off)
	return err
}

func (v *volatile) Flush() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.does() {
		return errPower
	}
	v.settle()
	return nil
}

// settle makes what is written last.
func (v *volatile) settle() {
	for at := range v.dirty {
		copy(v.stable[at*direct.Align:(at+1)*direct.Align], v.bytes[at*direct.Align:])
	}
	clear(v.dirty)
}

func (v *volatile) Reread() error  { return nil }
func (v *volatile) Size() int64    { return int64(len(v.bytes)) }
func (v *volatile) BlockSize() int { return 512 }

// cut takes the power: each block that was not flushed is the old or the new one.
func (v *volatile) cut() {
	for _, at := range slices.Sorted(maps.Keys(v.dirty)) {
		if v.chance.IntN(2) == 0 {
			copy(v.bytes[at*direct.Align:], v.stable[at*direct.Align:(at+1)*direct.Align])
		}
	}
	v.settle()
	v.left = -1
}

func TestAWriteThatIsCutAnywhereGoesOnAndEndsRight(t *testing.T) {
	image := noise(11)
	m, s := pack(t, image)
	rapid.Check(t, func(t *rapid.T) {
		d := newVolatile(bytes.Repeat([]byte("old data"), 20<<17))
		d.chance = rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "luck"), 0))
		cuts := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 4).Draw(t, "operations before each cut")
		for _, left := range cuts {
			d.left = left
			w := write(m, s, d)
			w.every = 2 << 20
			_, err := w.Run(t.Context())
			if err == nil {
				break
			}
			if !errors.Is(err, errPower) {
				t.Fatal(err)
			}
			d.cut()
			if d.bytes[510] == image[510] && d.bytes[0] == image[0] && !bytes.Contains(d.bytes, image[1<<20:10<<20]) {
				t.Fatal("a half-written disk has the image's first block")
			}
		}
		d.left = -1
		if _, err := write(m, s, d).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(d.bytes[:len(image)], image) {
			t.Fatal("the disk does not hold the image")
		}
	})
}

func TestAfterACutOnlyWhatWasNotFlushedIsFetched(t *testing.T) {
	m, s := pack(t, noise(48))
	d := newVolatile(make([]byte, 64<<20))
	before, err := write(m, s, newVolatile(make([]byte, 64<<20))).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const every = 4 << 20
	w := write(m, s, d)
	w.every, w.Hands = every, 1
	var landed int64
	w.Progress = func(p Pass, done, _ int64) {
		if landed = done; done >= 24<<20 {
			d.mu.Lock()
			d.left = 0
			d.mu.Unlock()
		}
	}
	if _, err = w.Run(t.Context()); !errors.Is(err, errPower) {
		t.Fatal(err)
	}
	d.cut()
	after, err := write(m, s, d).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The newest record itself may have been in the disk's cache.
	if after.Kept < landed-2*every-1<<20 || after.Written+after.Kept != before.Written {
		t.Errorf("of %d bytes, %d on the disk at the cut, %d were kept and %d written", before.Written, landed, after.Kept, after.Written)
	}
}

func TestAChangedImageFetchesOnlyWhatChanged(t *testing.T) {
	old := noise(48)
	m, s := pack(t, old)
	d := newVolatile(make([]byte, 64<<20))
	first, err := write(m, s, d).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(old)
	changed[20<<20] ^= 1
	changed[21<<20] ^= 1
	m2, s2 := pack(t, changed)
	second, err := write(m2, s2, d).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.bytes[:len(changed)], changed) {
		t.Error("the disk does not hold the changed image")
	}
	// The chunks at the ends are always written, and two changed.
	if second.Fetched > first.Fetched*12/100 || second.Kept == 0 {
		t.Errorf("%d of %d bytes were fetched", second.Fetched, first.Fetched)
	}
}

func TestADiskThatIsNotOursIsNotLookedAt(t *testing.T) {
	image := noise(20)
	m, s := pack(t, image)
	d := newVolatile(make([]byte, 32<<20))
	copy(d.bytes, image) // by somebody else
	tally, err := write(m, s, d).Run(t.Context())
	if err != nil || tally.Kept != 0 || tally.Written != m.Data() {
		t.Errorf("%+v %v", tally, err)
	}
}
