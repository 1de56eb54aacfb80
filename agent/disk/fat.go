package disk

import (
	"encoding/binary"
	"fmt"

	"rackwright/fault"
)

// File is one file of the seed.
type File struct {
	Name    string // long name in ASCII, e.g. user-data; it may have directories (a/b)
	Content string
}

// The seed's file system is FAT16 with one block per cluster: 8192 blocks are more than
// FAT12 may have and fewer than FAT32 must (Microsoft FAT specification 1.03, "FAT type
// determination"), with 512 and with 4096 bytes alike.
const (
	seedBlocks  = 8192
	rootEntries = 512
	dosDate     = 1<<5 | 1 // 1 January 1980
)

// volume is a FAT16 file system being filled.
type volume struct {
	block  int
	bytes  []byte
	fat    []uint16
	data   int // first byte of cluster 2
	next   int // next free cluster
	number int // of the next short name
}

// fatImage renders a FAT16 file system with the seed's label and files.
func fatImage(block int, id uint32, seed Seed) ([]byte, error) {
	tree, err := newFolder(seed.Files)
	if err != nil {
		return nil, err
	}
	label := fmt.Sprintf("%-11s", seed.Label)
	if len(label) != 11 {
		return nil, fault.Invalidf("seed label %q", seed.Label)
	}
	fatBlocks := seedBlocks * 2 / block
	rootAt := (1 + 2*fatBlocks) * block
	v := &volume{block: block, bytes: make([]byte, seedBlocks*block), fat: make([]uint16, fatBlocks*block/2),
		data: rootAt + rootEntries*32, next: 2, number: 1}
	v.fat[0], v.fat[1] = 0xfff8, 0xffff
	v.bootSector(id, fatBlocks, label)
	root := &directory{v: v, left: v.bytes[rootAt:v.data]}
	root.entry(label, 0x08, 0, 0)
	if err := root.fill(tree); err != nil {
		return nil, err
	}
	for i, cluster := range v.fat {
		binary.LittleEndian.PutUint16(v.bytes[block+2*i:], cluster)
		binary.LittleEndian.PutUint16(v.bytes[block+fatBlocks*block+2*i:], cluster)
	}
	return v.bytes, nil
}

func (v *volume) bootSector(id uint32, fatBlocks int, label string) {
	b, le := v.bytes, binary.LittleEndian
	copy(b, "\xeb\x3c\x90rackwrig")
	le.PutUint16(b[11:], uint16(v.block))
	b[13] = 1 // blocks per cluster
	le.PutUint16(b[14:], 1)
	b[16] = 2 // FATs
	le.PutUint16(b[17:], rootEntries)
	le.PutUint16(b[19:], seedBlocks)
	b[21] = 0xf8 // fixed disk
	le.PutUint16(b[22:], uint16(fatBlocks))
	le.PutUint16(b[24:], 63)
	le.PutUint16(b[26:], 255)
	b[36], b[38] = 0x80, 0x29
	le.PutUint32(b[39:], id)
	copy(b[43:], label+"FAT16   ")
	b[510], b[511] = 0x55, 0xaa
}

// take allots clusters for n bytes, one after the other, and returns the first, 0 for none.
func (v *volume) take(what string, n int) (first int, space []byte, err error) {
	clusters := (n + v.block - 1) / v.block
	at := v.data + (v.next-2)*v.block
	if at+clusters*v.block > len(v.bytes) {
		return 0, nil, &Problem{CauseTooSmall, fault.Invalidf("the seed does not fit: %s has %d bytes", what, n).
			WithHint("shorten user-data; have it fetch what is large")}
	}
	if clusters == 0 {
		return 0, nil, nil
	}
	first = v.next
	for i := range clusters {
		v.fat[first+i] = uint16(first + i + 1)
	}
	v.fat[first+clusters-1] = 0xffff
	v.next += clusters
	return first, v.bytes[at : at+clusters*v.block], nil
}
