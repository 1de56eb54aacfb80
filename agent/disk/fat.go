package disk

import (
	"encoding/binary"
	"fmt"
	"strings"

	"rackwright/fault"
)

// File is one file of the seed.
type File struct {
	Name    string // long name in ASCII, e.g. user-data
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
	root   []byte // what is left of the root directory
	data   int    // first byte of cluster 2
	next   int    // next free cluster
	number int    // of the next short name
}

// fatImage renders a FAT16 file system labelled CIDATA with the files in its root.
func fatImage(block int, id uint32, files []File) ([]byte, error) {
	fatBlocks := seedBlocks * 2 / block
	rootAt := (1 + 2*fatBlocks) * block
	v := &volume{block: block, bytes: make([]byte, seedBlocks*block), fat: make([]uint16, fatBlocks*block/2),
		data: rootAt + rootEntries*32, next: 2, number: 1}
	v.root = v.bytes[rootAt:v.data]
	v.fat[0], v.fat[1] = 0xfff8, 0xffff
	v.bootSector(id, fatBlocks)
	v.entry("CIDATA     ", 0x08, 0, 0)
	for _, f := range files {
		if err := v.add(f); err != nil {
			return nil, err
		}
	}
	for i, cluster := range v.fat {
		binary.LittleEndian.PutUint16(v.bytes[block+2*i:], cluster)
		binary.LittleEndian.PutUint16(v.bytes[block+fatBlocks*block+2*i:], cluster)
	}
	return v.bytes, nil
}

func (v *volume) bootSector(id uint32, fatBlocks int) {
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
	copy(b[43:], "CIDATA     FAT16   ")
	b[510], b[511] = 0x55, 0xaa
}

// add stores a file.
func (v *volume) add(f File) error {
	clusters := (len(f.Content) + v.block - 1) / v.block
	if v.data+(v.next-2+clusters)*v.block > len(v.bytes) {
		return &Problem{CauseTooSmall, fault.Invalidf("the seed does not fit: %s has %d bytes", f.Name, len(f.Content)).
			WithHint("shorten user-data; have it fetch what is large")}
	}
	if len(v.root) < 32*(2+len(f.Name)/13+1) || len(f.Name) == 0 || len(f.Name) > 64 {
		return fault.Invalidf("seed file name %q", f.Name)
	}
	first := v.next
	for i := range clusters {
		v.fat[first+i] = uint16(first + i + 1)
	}
	if clusters == 0 {
		first = 0
	} else {
		v.fat[first+clusters-1] = 0xffff
	}
	copy(v.bytes[v.data+(v.next-2)*v.block:], f.Content)
	v.next += clusters
	short := shortName(f.Name, v.number)
	v.number++
	v.longName(f.Name, short)
	v.entry(short, 0x20, first, len(f.Content))
	return nil
}

// entry appends a directory entry with an eleven character name.
func (v *volume) entry(name string, attributes byte, cluster, size int) {
	e, le := v.root[:32], binary.LittleEndian
	copy(e, name)
	e[11] = attributes
	le.PutUint16(e[16:], dosDate)
	le.PutUint16(e[18:], dosDate)
	le.PutUint16(e[24:], dosDate)
	le.PutUint16(e[26:], uint16(cluster))
	le.PutUint32(e[28:], uint32(size))
	v.root = v.root[32:]
}

// longName appends the entries that carry the long name, last part first.
func (v *volume) longName(name, short string) {
	var sum byte
	for i := range 11 {
		sum = sum>>1 | sum<<7
		sum += short[i]
	}
	parts := (len(name) + 12) / 13
	for part := parts; part > 0; part-- {
		e := v.root[:32]
		e[0], e[11], e[13] = byte(part), 0x0f, sum
		if part == parts {
			e[0] |= 0x40
		}
		for i, at := range [13]int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30} {
			binary.LittleEndian.PutUint16(e[at:], longChar(name, 13*(part-1)+i))
		}
		v.root = v.root[32:]
	}
}

// longChar is character i of a long name, then one NUL, then 0xffff.
func longChar(name string, i int) uint16 {
	switch {
	case i < len(name):
		return uint16(name[i])
	case i == len(name):
		return 0
	}
	return 0xffff
}

// shortName makes a unique 8.3 name of a long one.
func shortName(name string, number int) string {
	stem := strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
	tail := fmt.Sprintf("~%d", number)
	return fmt.Sprintf("%-8s   ", stem[:min(len(stem), 8-len(tail))]+tail)
}
