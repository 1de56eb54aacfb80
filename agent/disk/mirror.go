package disk

import (
	"bytes"
	"sync"

	"golang.org/x/sync/errgroup"

	"rackwright/agent/direct"
	"rackwright/fault"
)

// Mirror is two disks that hold the same: what is written goes to both, what is read is
// read from both and must agree. Together with RAID's superblocks, which Seal writes when
// the image is proven, they are a RAID 1 that the written system assembles by itself. No
// md driver runs here.
type Mirror struct {
	members [2]Medium
	size    int64
	spare   sync.Pool // of *[]byte for the second member's bytes
}

// NewMirror joins two disks of the same block size; the smaller decides the size.
func NewMirror(a, b Medium) (*Mirror, error) {
	if a.BlockSize() != b.BlockSize() {
		return nil, layoutProblem("the two disks of the mirror have blocks of %d and %d bytes", a.BlockSize(), b.BlockSize())
	}
	room := min(superblockAt(a.Size()), superblockAt(b.Size()))
	if room <= 0 {
		return nil, tooSmall(min(a.Size(), b.Size()), superblockRoom)
	}
	m := &Mirror{members: [2]Medium{a, b}, size: roundDown(room, 1<<20)}
	m.spare.New = func() any { return new([]byte) }
	return m, nil
}

// each does the same to both at once; the error names the member that has it.
func (m *Mirror) each(do func(Medium) error) error {
	var g errgroup.Group
	for i, member := range m.members {
		g.Go(func() error {
			if err := do(member); err != nil {
				return fault.Unreachablef("disk %d of the mirror: %w", i+1, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// ReadAt reads from both; a difference is an error.
func (m *Mirror) ReadAt(p []byte, off int64) (int, error) {
	spare := m.spare.Get().(*[]byte)
	defer m.spare.Put(spare)
	if cap(*spare) < len(p) {
		*spare = direct.Buffer(len(p), 0)
	}
	second := (*spare)[:len(p)]
	var g errgroup.Group
	g.Go(func() error { return readFull(m.members[1], second, off) })
	n, err := m.members[0].ReadAt(p, off)
	if other := g.Wait(); err == nil {
		err = other
	}
	if err == nil && !bytes.Equal(p[:n], second[:n]) {
		err = readBack(off)
	}
	if err != nil {
		return 0, err // not even a part of it can be believed
	}
	return n, nil
}

// WriteAt writes to both.
func (m *Mirror) WriteAt(p []byte, off int64) (int, error) {
	if err := m.each(func(d Medium) error { return writeFull(d, p, off) }); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Zero zeroes a range of both.
func (m *Mirror) Zero(off, n int64) error {
	return m.each(func(d Medium) error { return d.Zero(off, n) })
}

// Flush flushes both.
func (m *Mirror) Flush() error { return m.each(Medium.Flush) }

// Reread has the kernel read the partition tables of both again.
func (m *Mirror) Reread() error {
	for _, d := range m.members {
		if err := d.Reread(); err != nil {
			return err
		}
	}
	return nil
}

// Size is what the array offers.
func (m *Mirror) Size() int64 { return m.size }

// BlockSize is that of both disks.
func (m *Mirror) BlockSize() int { return m.members[0].BlockSize() }
