package disk

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Sizes of a GUID partition table (UEFI specification 2.10, section 5.3).
const (
	headerBytes = 92
	maxEntries  = 1024
	minEntry    = 128
	maxEntry    = 1024
)

// table is a GUID partition table: its header's fields and its entries' bytes.
type table struct {
	guid        [16]byte
	firstUsable uint64
	lastUsable  uint64
	entryBytes  int
	entries     []byte
}

// entry is one partition in a table; it shares the table's bytes.
type entry []byte

func (e entry) used() bool          { return !bytes.Equal(e[:16], make([]byte, 16)) }
func (e entry) first() uint64       { return binary.LittleEndian.Uint64(e[32:]) }
func (e entry) last() uint64        { return binary.LittleEndian.Uint64(e[40:]) }
func (e entry) setLast(lba uint64)  { binary.LittleEndian.PutUint64(e[40:], lba) }
func (e entry) setFirst(lba uint64) { binary.LittleEndian.PutUint64(e[32:], lba) }

// name returns the partition's name, as far as it is ASCII.
func (e entry) name() string {
	var b []byte
	for i := 56; i+1 < 128 && (e[i] != 0 || e[i+1] != 0); i += 2 {
		b = append(b, e[i])
	}
	return string(b)
}

func (e entry) setName(name string) {
	clear(e[56:128])
	for i := range min(len(name), 36) {
		e[56+2*i] = name[i]
	}
}

func (t *table) entry(i int) entry { return t.entries[i*t.entryBytes : (i+1)*t.entryBytes] }
func (t *table) count() int        { return len(t.entries) / t.entryBytes }

// parseHeader reads the primary header, one block. It returns the table without its
// entries' contents, the block they start at and their checksum.
func parseHeader(b []byte) (t *table, entriesAt uint64, sum uint32, err error) {
	le := binary.LittleEndian
	if len(b) < 512 || string(b[:8]) != "EFI PART" {
		return nil, 0, 0, layoutProblem("the image has no GPT partition table")
	}
	size := le.Uint32(b[12:])
	if size < headerBytes || int(size) > len(b) || le.Uint32(b[16:]) != headerSum(b[:size]) {
		return nil, 0, 0, layoutProblem("the image's GPT header is damaged")
	}
	n, each := le.Uint32(b[80:]), le.Uint32(b[84:])
	if n == 0 || n > maxEntries || each < minEntry || each > maxEntry || each%minEntry != 0 {
		return nil, 0, 0, layoutProblem("the image's GPT has %d entries of %d bytes", n, each)
	}
	t = &table{guid: [16]byte(b[56:72]), firstUsable: le.Uint64(b[40:]), lastUsable: le.Uint64(b[48:]),
		entryBytes: int(each), entries: make([]byte, int(n*each))}
	if entriesAt = le.Uint64(b[72:]); entriesAt < 2 || entriesAt > t.firstUsable || t.firstUsable > 1<<40 {
		return nil, 0, 0, layoutProblem("the image's GPT entries are at block %d", entriesAt)
	}
	return t, entriesAt, le.Uint32(b[88:]), nil
}

// headerSum is the CRC-32 of a header whose own checksum field counts as zero.
func headerSum(h []byte) uint32 {
	sum := crc32.ChecksumIEEE(h[:16])
	sum = crc32.Update(sum, crc32.IEEETable, make([]byte, 4))
	return crc32.Update(sum, crc32.IEEETable, h[20:])
}

// fill takes over the entries' bytes and checks them.
func (t *table) fill(entries []byte, sum uint32) error {
	if copy(t.entries, entries) < len(t.entries) || crc32.ChecksumIEEE(t.entries) != sum {
		return layoutProblem("the image's GPT entries are damaged")
	}
	return nil
}

// header renders the header that stands at block at, its twin at block twin.
func (t *table) header(block int, at, twin, entriesAt uint64) []byte {
	le := binary.LittleEndian
	b := make([]byte, block)
	copy(b, "EFI PART")
	le.PutUint32(b[8:], 0x00010000)
	le.PutUint32(b[12:], headerBytes)
	le.PutUint64(b[24:], at)
	le.PutUint64(b[32:], twin)
	le.PutUint64(b[40:], t.firstUsable)
	le.PutUint64(b[48:], t.lastUsable)
	copy(b[56:], t.guid[:])
	le.PutUint64(b[72:], entriesAt)
	le.PutUint32(b[80:], uint32(t.count()))
	le.PutUint32(b[84:], uint32(t.entryBytes))
	le.PutUint32(b[88:], crc32.ChecksumIEEE(t.entries))
	le.PutUint32(b[16:], headerSum(b[:headerBytes]))
	return b
}

// entryBlocks is how many blocks the entries take.
func (t *table) entryBlocks(block int) uint64 {
	return uint64(roundUp(int64(len(t.entries)), int64(block))) / uint64(block)
}
