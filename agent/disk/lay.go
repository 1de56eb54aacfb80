package disk

import (
	"crypto/sha256"
	"encoding/binary"
)

// Part is a partition to make. Bytes 0 takes what is left; only the last may.
type Part struct {
	Kind  [16]byte // type GUID as on disk: the first three fields little-endian
	Name  string   // ASCII, at most 36 characters
	Bytes int64
}

// Partition types (UEFI 2.10, table 5.7; the second spells "Hah!IdontNeedEFI"; the third is
// 0FC63DAF-8483-4772-8E79-3D69D8477DE4, Linux file system data).
func ESP() [16]byte {
	return [16]byte([]byte("\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b"))
}

// BIOSBoot is where GRUB keeps what it loads first on a BIOS machine.
func BIOSBoot() [16]byte { return [16]byte([]byte("Hah!IdontNeedEFI")) }

// Linux is a partition with a Linux file system.
func Linux() [16]byte {
	return [16]byte([]byte("\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4"))
}

// Lay writes a partition table of its own onto a disk, over whatever was there, and whose
// the disk is, and has the kernel read it. Partitions are aligned to 1 MiB; their GUIDs
// follow from the owner's operation, so that doing it twice is doing it once. Errors are
// Problems.
func Lay(m Medium, parts []Part, o Owner) error {
	seed := o.Operation
	block := int64(m.BlockSize())
	blocks := uint64(m.Size() / block)
	t := &table{guid: guidOf(seed), entryBytes: minEntry, entries: make([]byte, 128*minEntry)}
	overhead := t.entryBlocks(int(block)) + 1
	align := uint64(1<<20) / uint64(block)
	if m.Size() < 8*mark {
		return tooSmall(m.Size(), 8*mark)
	}
	t.firstUsable, t.lastUsable = overhead+1, uint64(markAt(m.Size())/block)-1 // our mark stands behind
	next := align
	for i, p := range parts {
		last := t.lastUsable/align*align - 1
		if p.Bytes > 0 {
			last = next + uint64(roundUp(p.Bytes, 1<<20)/block) - 1
		}
		if last > t.lastUsable || last < next {
			return tooSmall(m.Size(), int64(last+overhead+1)*block)
		}
		e := t.entry(i)
		copy(e, p.Kind[:])
		guid := guidOf(seed + "/" + p.Name)
		copy(e[16:], guid[:])
		e.setFirst(next)
		e.setLast(last)
		e.setName(p.Name)
		next = last + 1
	}
	if err := WipeEnds(m); err != nil {
		return err
	}
	if err := writeOwner(m, o); err != nil {
		return err
	}
	return commit(m, t.pieces(blocks, int(block), protective(int(block), blocks)))
}

// WipeEnds takes the signatures off a disk: where they stand at its start and its end. The
// start goes first: the owner stands until nothing is left that it would have to answer for.
func WipeEnds(m Medium) error {
	for _, off := range []int64{0, max(0, markAt(m.Size()))} {
		if err := m.Zero(off, min(m.Size()-off, 4*wiped)); err != nil {
			return ioProblem("wipe", off, err)
		}
		if err := m.Flush(); err != nil {
			return ioProblem("flush", off, err)
		}
	}
	return nil
}

// guidOf makes a version 4 GUID out of a text (in the mixed-endian form of the disk).
func guidOf(s string) [16]byte {
	sum := sha256.Sum256([]byte(s))
	g := [16]byte(sum[:16])
	g[7] = g[7]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

// protective is an MBR whose only partition covers the disk (UEFI 2.10, section 5.2.3).
func protective(block int, blocks uint64) []byte {
	b := make([]byte, block)
	copy(b[446:], []byte{0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0})
	binary.LittleEndian.PutUint32(b[458:], uint32(min(blocks-1, 0xffffffff)))
	b[510], b[511] = 0x55, 0xaa
	return b
}
