package burn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever bit turns between two passes of whatever pattern, it is found, told with its
// word, and put right.
func TestAFlippedBitIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pass := rapid.IntRange(0, 12*passes).Draw(t, "pass")
		first := rapid.Uint64Range(0, 1<<40).Draw(t, "first") * pageWords
		part := make([]byte, rapid.IntRange(1, 4).Draw(t, "pages")*pageBytes)
		none := func(word int, got, want uint64) { t.Fatalf("word %d is wrong already: %x, %x", word, got, want) }
		at := pass - pass%passes
		for ; at <= pass; at++ {
			passOver(part, first, at, none)
		}
		if at%passes == 0 {
			return // the pattern is over; the next one only writes
		}
		bit := rapid.IntRange(0, len(part)*8-1).Draw(t, "bit")
		part[bit/8] ^= 1 << (bit % 8)
		told := 0
		wrong, _ := passOver(part, first, at, func(word int, got, want uint64) {
			told++
			if word != bit/64 || got == want {
				t.Fatalf("bit %d: told word %d, %x instead of %x", bit, word, got, want)
			}
		})
		if wrong != 1 || told != 1 {
			t.Fatalf("%d wrong, %d told", wrong, told)
		}
		for at++; at%passes != 0; at++ {
			if again, _ := passOver(part, first, at, none); again != 0 {
				t.Fatal("it was not put right")
			}
		}
	})
}

func TestTwoWordsOfMemoryNeverHoldTheSameAddress(t *testing.T) {
	var a, b [pageWords]uint64
	pattern(0, 0, &a)
	pattern(0, pageWords, &b)
	seen := map[uint64]bool{}
	for _, w := range append(a[:], b[:]...) {
		if seen[w] {
			t.Fatalf("%x twice", w)
		}
		seen[w] = true
	}
}

func TestARestOfTheMemoryIsLeft(t *testing.T) {
	root, free := t.TempDir(), int64(1000<<20)
	put := func() {
		lay(t, root, "proc/meminfo", fmt.Sprintf("MemTotal: %d kB\nMemAvailable: %d kB\n", 4096<<10, free>>10))
	}
	put()
	w := World{Root: root, CPUs: 1, Now: time.Now, Memory: func(n int) (Memory, error) {
		free -= int64(n)
		put()
		return Memory{Bytes: make([]byte, pageBytes), Release: func() {}}, nil
	}}
	m := newMemory(w, &findings{})
	m.grow(t.Context())
	for !m.full {
		m.grow(t.Context())
	}
	if free < 256<<20 || free > 257<<20 { // a sixteenth of 4 GiB
		t.Errorf("%d MiB are left", free>>20)
	}
}

func TestNoMemoryIsANote(t *testing.T) {
	found := &findings{}
	m := newMemory(World{Root: t.TempDir(), CPUs: 1, Now: time.Now, Memory: func(int) (Memory, error) { return Memory{}, errors.New("none") }}, found)
	if _, notes := found.told(); m.work(t.Context()) || len(notes) != 0 {
		t.Error("it worked")
	}
	if _, notes := found.told(); len(notes) != 1 {
		t.Error("it is not said")
	}
}

func TestAWrongWordIsToldWithItsPlace(t *testing.T) {
	found := &findings{}
	m := newMemory(World{CPUs: 1, Now: time.Now}, found)
	part := Memory{Bytes: make([]byte, 2*pageBytes), Release: func() {}, Physical: func(offset int) (uint64, bool) { return 0x1_0000_0000 + uint64(offset), true }}
	m.parts, m.bases = []Memory{part}, []uint64{0}
	m.onePass(t.Context())
	w := binary.NativeEndian.Uint64(part.Bytes[4096+16:])
	binary.NativeEndian.PutUint64(part.Bytes[4096+16:], w^1<<5)
	m.onePass(t.Context())
	errs, _ := found.told()
	if len(errs) != 2 || !strings.Contains(errs[0], "physical address 0x100001010") || !strings.Contains(errs[0], "bits 0000000000000020 differ") || m.wrong.Load() != 1 {
		t.Errorf("%q", errs)
	}
}
