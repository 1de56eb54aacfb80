package probe

import (
	"bytes"
	"encoding/binary"
)

// partition is a part of a disk as its table has it.
type partition struct {
	number    int
	at, bytes int64
}

// partitions reads the disk's table and names it: a GPT (UEFI 2.10, section 5.3) with
// blocks of 512 or 4096 bytes, at the start or at the end of the disk, else an MBR.
func (v *volume) partitions() (names []string, parts []partition) {
	for _, block := range []int64{512, 4096} {
		for _, at := range []int64{block, -block} {
			if !v.is(at, "EFI PART") {
				continue
			}
			parts = v.gpt(at, block)
			name := "GPT with " + counted(len(parts), "partition")
			if at < 0 {
				name += " (its copy at the end)"
			}
			return []string{name}, parts
		}
	}
	if parts, ok := v.mbr(); ok {
		return []string{"MBR with " + counted(len(parts), "partition")}, parts
	}
	return nil, nil
}

// gpt reads the entries of a header. Its checksums are not looked at: a damaged table is
// somebody's as well.
func (v *volume) gpt(header, block int64) (parts []partition) {
	h := v.at(header, 96)
	if h == nil {
		return nil
	}
	le := binary.LittleEndian
	first, count, each := le.Uint64(h[72:]), int64(le.Uint32(h[80:])), int64(le.Uint32(h[84:]))
	if each < 128 || each > 4096 || first > uint64(v.size/block) {
		return nil
	}
	entries := v.at(int64(first)*block, min(count, maxPartitions)*each)
	for i := int64(0); (i+1)*each <= int64(len(entries)); i++ {
		e := entries[i*each:]
		from, to := le.Uint64(e[32:]), le.Uint64(e[40:])
		if bytes.Equal(e[:16], make([]byte, 16)) || to < from || to >= uint64(v.size/block) {
			continue
		}
		parts = append(parts, partition{int(i) + 1, int64(from) * block, int64(to-from+1) * block})
	}
	return parts
}

// mbr reads the four entries of a boot sector and the chain of logical partitions. A boot
// sector of a file system has the same mark and no entries that make sense.
func (v *volume) mbr() (parts []partition, ok bool) {
	sector := v.at(0, 512)
	if sector == nil || sector[510] != 0x55 || sector[511] != 0xaa || v.fat() != "" || v.is(3, "NTFS    ") || v.is(3, "EXFAT   ") || v.is(3, "-FVE-FS-") {
		return nil, false
	}
	for i := range 4 {
		e := entryOf(sector, i)
		if e.flag != 0 && e.flag != 0x80 {
			return nil, false
		}
		if e.kind == 0 || e.sectors == 0 {
			continue
		}
		ok = true
		if p, inside := e.part(i+1, 0, v.size); inside {
			parts = append(parts, p)
		}
		if e.extended() {
			parts = append(parts, v.logical(int64(e.first))...)
		}
	}
	return parts, ok
}

// logical follows the chain of an extended partition, from its first sector.
func (v *volume) logical(base int64) (parts []partition) {
	at := base
	for number := 5; number < 5+60; number++ {
		sector := v.at(at*512, 512)
		if sector == nil || sector[510] != 0x55 || sector[511] != 0xaa {
			return parts
		}
		if p, inside := entryOf(sector, 0).part(number, at, v.size); inside {
			parts = append(parts, p)
		}
		next := entryOf(sector, 1)
		if !next.extended() || next.first == 0 {
			return parts
		}
		at = base + int64(next.first)
	}
	return parts
}

// entry is one of the four of a boot sector.
type entry struct {
	flag, kind     byte
	first, sectors uint32
}

func entryOf(sector []byte, i int) entry {
	e := sector[446+16*i:]
	return entry{e[0], e[4], binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])}
}

func (e entry) extended() bool { return e.kind == 0x05 || e.kind == 0x0f || e.kind == 0x85 }

// part is the partition of an entry, counted from a sector; false for one that is none, or
// that reaches beyond the disk.
func (e entry) part(number int, base, size int64) (partition, bool) {
	p := partition{number, (base + int64(e.first)) * 512, int64(e.sectors) * 512}
	return p, e.kind != 0 && e.sectors != 0 && !e.extended() && p.at > 0 && p.at+p.bytes <= size
}
