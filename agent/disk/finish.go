package disk

import (
	"bytes"
	"encoding/binary"
	"io"

	"golang.org/x/sys/unix"

	"rackwright/agent/direct"
)

// piece is bytes that go to one place of the disk.
type piece struct {
	off  int64
	data []byte
}

// Seed is the file system with first-boot configuration.
type Seed struct {
	Label string // of the file system, at most eleven characters; empty: there is none
	Files []File
}

// Finish fits the partition table of a written image to the disk: moves the backup
// table to the disk's end, adds the seed's partition there, and extends the last other
// partition up to it; then it writes down whose disk this is. Doing it twice is doing it
// once. Errors are Problems.
func Finish(m Medium, seed Seed, o Owner) error {
	pieces, err := fit(m, seed)
	if err != nil {
		return err
	}
	if err := commit(m, pieces); err != nil {
		return err
	}
	if err := m.Zero(markAt(m.Size()), mark); err != nil { // records of the write
		return ioProblem("zero", markAt(m.Size()), err)
	}
	o.Whole = true
	return writeOwner(m, o)
}

// fit renders what Finish writes.
func fit(m Medium, seed Seed) ([]piece, error) {
	t, err := readTable(m)
	if err != nil {
		return nil, err
	}
	block := m.BlockSize()
	blocks := uint64(m.Size()) / uint64(block)
	start, err := t.grow(blocks, block, seed.Label)
	if err != nil {
		return nil, err
	}
	protect, err := protectiveMBR(m, blocks)
	if err != nil {
		return nil, err
	}
	pieces := t.pieces(blocks, block, protect)
	if seed.Label == "" {
		return pieces, nil
	}
	fat, err := fatImage(block, uint32(start), seed)
	if err != nil {
		return nil, err
	}
	return append([]piece{{int64(start) * int64(block), fat}}, pieces...), nil
}

// readTable reads the primary table of the image.
func readTable(m Medium) (*table, error) {
	block := int64(m.BlockSize())
	head := direct.Buffer(int(block), 0)
	if err := readFull(m, head, block); err != nil {
		return nil, err
	}
	t, at, sum, err := parseHeader(head)
	if err != nil {
		return nil, err
	}
	entries := direct.Buffer(int(t.entryBlocks(int(block))*uint64(block)), 0)
	if int64(at)*block > m.Size()-int64(len(entries)) {
		return nil, layoutProblem("the image's GPT entries are at block %d", at)
	}
	if err := readFull(m, entries, int64(at)*block); err != nil {
		return nil, err
	}
	return t, t.fill(entries, sum)
}

// pieces lays the table out: the backup first, so that one of the two is whole at any time.
func (t *table) pieces(blocks uint64, block int, mbr []byte) []piece {
	n := t.entryBlocks(block)
	entries := make([]byte, n*uint64(block))
	copy(entries, t.entries)
	at := func(lba uint64) int64 { return int64(lba) * int64(block) }
	return []piece{
		{at(blocks - 1 - n), entries},
		{at(blocks - 1), t.header(block, blocks-1, 1, blocks-1-n)},
		{at(2), entries},
		{at(1), t.header(block, 1, blocks-1, 2)},
		{0, mbr},
	}
}

// protectiveMBR returns block 0 with its protective partition covering the disk (UEFI
// 2.10, section 5.2.3); boot code and hybrid entries of the image stay.
func protectiveMBR(m Medium, blocks uint64) ([]byte, error) {
	b := direct.Buffer(m.BlockSize(), 0)
	if err := readFull(m, b, 0); err != nil {
		return nil, err
	}
	if b[510] != 0x55 || b[511] != 0xaa {
		return nil, layoutProblem("the image has no protective MBR")
	}
	for e := b[446:510]; len(e) > 0; e = e[16:] {
		if e[4] == 0xee {
			binary.LittleEndian.PutUint32(e[12:], uint32(min(blocks-1, 0xffffffff)))
		}
	}
	return b, nil
}

// put writes the pieces in order, each safe before the next, and reads them back.
func put(m Medium, pieces []piece) error {
	for _, p := range pieces {
		out := direct.Buffer(len(p.data), 0)
		copy(out, p.data)
		if err := writeFull(m, out, p.off); err != nil {
			return err
		}
		if err := m.Flush(); err != nil {
			return ioProblem("flush", p.off, err)
		}
	}
	for _, p := range pieces {
		got := direct.Buffer(len(p.data), 0)
		if err := readFull(m, got, p.off); err != nil {
			return err
		}
		if !bytes.Equal(got, p.data) {
			return readBack(p.off)
		}
	}
	return nil
}

// commit puts pieces of a partition table on the disk and has the kernel read it.
func commit(m Medium, pieces []piece) error {
	if err := put(m, pieces); err != nil {
		return err
	}
	// The written system reads the table itself when it boots: a kernel here that holds
	// the old one (EBUSY), or a medium that has none to read (EINVAL), does no harm.
	if err := m.Reread(); err != nil && err != unix.EBUSY && err != unix.EINVAL && err != io.EOF {
		return ioProblem("read the partition table", 0, err)
	}
	return nil
}
