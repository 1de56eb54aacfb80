package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// Bounds of what is read to name what is on a disk.
const (
	endBytes      = 272 << 10 // of the start and the end of a disk or partition
	maxPartitions = 128
	maxSignatures = 64 // told of one disk
)

// Signatures names what is on a disk of that size: partition tables, file systems,
// volumes and RAID metadata, on the disk itself and in its partitions. No name means that
// none was found: data without any signature is not seen. It reads bounded areas only,
// and what it reads may be hostile.
func Signatures(r io.ReaderAt, size int64) ([]string, error) {
	disk := &volume{r: r, size: size}
	var found []string
	add := func(names []string, where string) {
		for _, name := range names {
			if name += where; len(found) < maxSignatures && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	table, parts := disk.partitions()
	add(table, "")
	add(disk.names(), "")
	err := disk.err
	for _, p := range parts {
		part := &volume{r: io.NewSectionReader(r, p.at, p.bytes), size: p.bytes}
		add(part.names(), fmt.Sprintf(" in partition %d", p.number))
		if err == nil {
			err = part.err
		}
	}
	return found, err
}

// volume is a disk or partition whose ends are read once.
type volume struct {
	r          io.ReaderAt
	size       int64
	head, tail []byte
	read       bool
	err        error // the first
}

// ends reads the start and the end.
func (v *volume) ends() {
	if v.read {
		return
	}
	v.read = true
	v.head = v.fetch(0, min(v.size, endBytes))
	v.tail = v.fetch(max(0, v.size-endBytes), min(v.size, endBytes))
}

func (v *volume) fetch(at, n int64) []byte {
	b := make([]byte, n)
	got, err := v.r.ReadAt(b, at)
	if err != nil && err != io.EOF && v.err == nil {
		v.err = err
	}
	return b[:got]
}

// at returns n bytes from an offset, counted from the end when it is negative; nil when
// the volume ends before.
func (v *volume) at(off, n int64) []byte {
	v.ends()
	if off < 0 {
		off += v.size
	}
	if off < 0 || off+n > v.size {
		return nil
	}
	if off+n <= int64(len(v.head)) {
		return v.head[off : off+n]
	}
	if from := v.size - int64(len(v.tail)); off >= from && off+n-from <= int64(len(v.tail)) {
		return v.tail[off-from : off-from+n]
	}
	if b := v.fetch(off, n); int64(len(b)) == n {
		return b
	}
	return nil
}

func (v *volume) is(off int64, magic string) bool {
	return bytes.Equal(v.at(off, int64(len(magic))), []byte(magic)) && magic != ""
}

func (v *volume) le16(off int64) uint32 {
	if b := v.at(off, 2); b != nil {
		return uint32(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (v *volume) le32(off int64) uint32 {
	if b := v.at(off, 4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// names are the signatures of what a volume holds, its partition table left out.
func (v *volume) names() (found []string) {
	for _, m := range magics() {
		if v.is(m.off, m.magic) && !slices.Contains(found, m.name) {
			found = append(found, m.name)
		}
	}
	for _, look := range []func() string{v.ext, v.fat, v.swap, v.lvm, v.md, v.zfs, v.raid, v.udf} {
		if name := look(); name != "" {
			found = append(found, name)
		}
	}
	return found
}
