package burn

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackwright/agent/direct"
)

// platter is a disk in memory that lies as it is told, and a clock that its work turns.
type platter struct {
	bytes []byte
	now   time.Time
	took  map[int64]time.Duration // of a block, else a millisecond
	bad   map[int64]bool          // reads of the block fail
	twist map[int64]bool          // the block keeps another byte than was written
	reads []int64
}

func newPlatter(blocks int) *platter {
	return &platter{bytes: make([]byte, blocks*readBlock), now: time.Unix(0, 0), took: map[int64]time.Duration{}, bad: map[int64]bool{}, twist: map[int64]bool{}}
}

func (p *platter) pass(n int64) {
	d := p.took[n]
	if d == 0 {
		d = time.Millisecond
	}
	p.now = p.now.Add(d)
}

func (p *platter) ReadAt(b []byte, off int64) (int, error) {
	n := off / readBlock
	p.reads = append(p.reads, n)
	if p.pass(n); p.bad[n] {
		return 512, errors.New("input/output error")
	}
	return copy(b, p.bytes[off:]), nil
}

func (p *platter) WriteAt(b []byte, off int64) (int, error) {
	n := off / readBlock
	p.pass(n)
	copy(p.bytes[off:], b)
	if p.twist[n] {
		p.bytes[off+77] ^= 4
	}
	return len(b), nil
}

func (p *platter) Flush() error { return nil }
func (p *platter) Close() error { return nil }

func (p *platter) surface() (*surface, *findings) {
	found := &findings{}
	return &surface{name: "S1", model: "HD", from: p, to: p, blocks: int64(len(p.bytes) / readBlock), found: found, now: func() time.Time { return p.now }}, found
}

func value(s *surface, name string) float64 {
	for _, f := range s.figures() {
		if f.Name == name {
			return f.Value
		}
	}
	return -1
}

func TestRandomOrderTouchesEveryBlockOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &surface{blocks: rapid.Int64Range(1, 5000).Draw(t, "blocks")}
		seen := map[int64]bool{}
		for n := range s.blocks {
			at := s.scatter(n)
			if at < 0 || at >= s.blocks || seen[at] {
				t.Fatalf("block %d of %d, again or not there", at, s.blocks)
			}
			seen[at] = true
		}
	})
}

func TestTheRatesAreThoseOfTheDisk(t *testing.T) {
	p := newPlatter(40)
	s, found := p.surface()
	for range 40 {
		s.inOrder(t.Context(), direct.Buffer(readBlock, 0))
	}
	if errs, notes := found.told(); len(errs)+len(notes) > 0 || value(s, "read_linear") != 1000 || value(s, "read") != 100 || value(s, "read_random") != -1 {
		t.Errorf("%q %q %+v", errs, notes, s.figures())
	}
}

func TestASlowSpotIsToldOnlyWhenItIsSlowTwice(t *testing.T) {
	p := newPlatter(60)
	p.took[30] = 400 * time.Millisecond
	s, found := p.surface()
	for range 60 {
		s.inOrder(t.Context(), direct.Buffer(readBlock, 0))
	}
	_, notes := found.told()
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "disk S1 is slow at 30 MiB: 400ms and 400ms, usually 1ms") || value(s, "slow_spots") != 1 {
		t.Errorf("%q", notes)
	}
	p.took[30] = 0
	p.took[31] = 99 * time.Millisecond // not worth a word
	for range 60 {
		s.inOrder(t.Context(), direct.Buffer(readBlock, 0))
	}
	if value(s, "slow_spots") != 1 {
		t.Error("it was told again")
	}
}

func TestABlockThatCannotBeReadIsNamedAndTheRestIsRead(t *testing.T) {
	p := newPlatter(20)
	p.bad[7] = true
	s, found := p.surface()
	for range 40 {
		s.inOrder(t.Context(), direct.Buffer(readBlock, 0))
	}
	errs, _ := found.told()
	if len(errs) != 1 || errs[0] != "disk S1: read failed at 7 MiB: input/output error; 2 times so far" || len(p.reads) != 40 || value(s, "failed") != 2 {
		t.Errorf("%q after %d reads", errs, len(p.reads))
	}
}

func TestADiskThatFailsWithoutEndIsLeftAlone(t *testing.T) {
	p := newPlatter(2)
	p.bad[0], p.bad[1] = true, true
	s, found := p.surface()
	for range mostFailed {
		s.inOrder(t.Context(), direct.Buffer(readBlock, 0))
	}
	s.slice(t.Context()) // would not end
	if errs, _ := found.told(); !s.given() || !strings.Contains(fmt.Sprint(errs), "left alone") {
		t.Errorf("%q", errs)
	}
}

func TestWhatIsWrittenIsReadBackAndALieIsFound(t *testing.T) {
	p := newPlatter(50)
	s, found := p.surface()
	for range 3 {
		s.rewrite(t.Context(), direct.Buffer(readBlock, 0))
	}
	if errs, _ := found.told(); len(errs) > 0 || value(s, "write") != 1000 {
		t.Fatalf("%q %+v", errs, s.figures())
	}
	p.twist[s.scatter(s.turn+int64(s.pass)*batch+3)] = true
	s.rewrite(t.Context(), direct.Buffer(readBlock, 0))
	errs, _ := found.told()
	if len(errs) != 1 || !strings.Contains(errs[0], "reads otherwise at byte 72") || value(s, "wrong_blocks") != 1 {
		t.Errorf("%q", errs)
	}
}
