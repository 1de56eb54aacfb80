package images

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"rackwright/fault"
)

// Partition type GUIDs as they stand on disk: first three fields little-endian (UEFI
// 2.10, section 5.3.3). The second spells "Hah!IdontNeedEFI".
const (
	espType      = "\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b"
	biosBootType = "Hah!IdontNeedEFI"
)

const (
	sector     = 512
	maxEntries = 1024 // the usual table has 128
)

// partition is an entry of the table; start and bytes lie inside the image.
type partition struct {
	number       int    // from 1, as Linux counts
	name         string // may be empty
	kind         string // type GUID as on disk
	start, bytes int64
	legacyBoot   bool // attribute bit 2: legacy BIOS bootable
}

// readGPT reads the primary table (UEFI 2.10, section 5.3.2) and proves it by both of its
// checksums.
func readGPT(r io.ReaderAt, size int64) ([]partition, error) {
	h := make([]byte, sector)
	if size < 34*sector {
		return nil, fault.Invalidf("the image has %d bytes: too short for a partition table", size)
	}
	if err := readFull(r, h, sector); err != nil {
		return nil, err
	}
	if string(h[:8]) != "EFI PART" {
		return nil, notGPT(r, size)
	}
	le := binary.LittleEndian
	length, count, width := le.Uint32(h[12:]), le.Uint32(h[80:]), le.Uint32(h[84:])
	if length < 92 || length > sector || count == 0 || count > maxEntries || width < 128 || width > 1024 || width%8 != 0 {
		return nil, damaged("header of %d bytes, %d entries of %d bytes", length, count, width)
	}
	want := le.Uint32(h[16:])
	clear(h[16:20])
	if crc32.ChecksumIEEE(h[:length]) != want {
		return nil, damaged("its header checksum is wrong")
	}
	return readEntries(r, size, int64(le.Uint64(h[72:])), int(count), int(width), le.Uint32(h[88:]))
}

func readEntries(r io.ReaderAt, size, lba int64, count, width int, sum uint32) ([]partition, error) {
	table := make([]byte, count*width)
	if lba < 2 || lba > (size-int64(len(table)))/sector {
		return nil, damaged("its entries lie at sector %d, outside the image", lba)
	}
	if err := readFull(r, table, lba*sector); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(table) != sum {
		return nil, damaged("the checksum of its entries is wrong")
	}
	var parts []partition
	for i := range count {
		p, err := readEntry(table[i*width:], size)
		if err != nil {
			return nil, err
		}
		if p.kind != "" {
			p.number = i + 1
			parts = append(parts, p)
		}
	}
	return parts, nil
}

func readEntry(e []byte, size int64) (partition, error) {
	le := binary.LittleEndian
	first, last := le.Uint64(e[32:]), le.Uint64(e[40:])
	if string(e[:16]) == string(make([]byte, 16)) {
		return partition{}, nil // unused
	}
	if first > last || first < 2 {
		return partition{}, damaged("a partition runs from sector %d to %d", first, last)
	}
	if last >= uint64(size)/sector {
		return partition{}, fault.Invalidf("the image is cut short: a partition ends at sector %d, the image has %d", last, size/sector).
			WithHint("fetch or build the image again and compare its SHA-256 with the publisher's")
	}
	return partition{name: entryName(e[56:128]), kind: string(e[:16]), start: int64(first) * sector, bytes: int64(last-first+1) * sector,
		legacyBoot: le.Uint64(e[48:])&4 != 0}, nil
}

// entryName decodes a partition's name: UTF-16LE, padded with zeros.
func entryName(b []byte) string {
	var units []uint16
	for ; len(b) >= 2 && (b[0] != 0 || b[1] != 0); b = b[2:] {
		units = append(units, binary.LittleEndian.Uint16(b))
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(utf16.Decode(units)))
}

// Place says in words where byte off of a disk image lies: in which partition. It reads
// the partition table.
func Place(r io.ReaderAt, size, off int64) string {
	switch {
	case off < 34*sector:
		return "the partition table"
	case off >= size-34*sector:
		return "the backup partition table"
	}
	parts, err := readGPT(r, size)
	if err != nil {
		return "a place that is not known: the partition table cannot be read"
	}
	for _, p := range parts {
		if off >= p.start && off < p.start+p.bytes {
			if p.name == "" {
				return fmt.Sprintf("partition %d", p.number)
			}
			return fmt.Sprintf("partition %d (%s)", p.number, p.name)
		}
	}
	return "no partition"
}

// notGPT says what stands where the GPT should be.
func notGPT(r io.ReaderAt, size int64) error {
	h := make([]byte, 8)
	if size >= 8192 && readFull(r, h, 4096) == nil && string(h) == "EFI PART" {
		return fault.Invalidf("the image is laid out for 4096-byte sectors").
			WithHint("build it for 512-byte sectors, which every disk can present")
	}
	return fault.Invalidf("the image has an MBR partition table, not a GPT").
		WithHint("convert it with sgdisk --mbrtogpt and install a boot loader again, or add the publisher's GPT (uefi) image")
}

func damaged(format string, args ...any) error {
	e := fault.Invalidf(format, args...)
	e.Message = "the partition table of the image is damaged: " + e.Message
	return e.WithHint("fetch or build the image again and compare its SHA-256 with the publisher's")
}
