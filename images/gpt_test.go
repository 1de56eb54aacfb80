package images

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// FuzzInspect gives the table right checksums, so that what they guard is reached; the
// bytes after it are what partitions hold.
func FuzzInspect(f *testing.F) {
	esp := gptEntry(espType, 4, 20)
	f.Add([]byte{}, uint16(1), uint16(128), uint64(2), esp, loopingFAT())
	f.Add([]byte{0xeb}, uint16(2), uint16(128), uint64(2), append(gptEntry(biosBootType, 4, 4), esp...), loopingFAT())
	f.Add([]byte{0xeb}, uint16(1), uint16(128), uint64(1<<63), esp, []byte{})
	f.Fuzz(func(t *testing.T, code []byte, count, width uint16, lba uint64, entries, data []byte) {
		b := make([]byte, 64*sector)
		copy(b[:440], code)
		copy(b[510:], "\x55\xaa")
		copy(b[2*sector:], entries)
		copy(b[4*sector:], data)
		gptHeader(b, count, width, lba)
		if l, err := Inspect(bytes.NewReader(b), int64(len(b))); err == nil && len(l.Firmware) == 0 {
			t.Fatal("an image without boot mode passed")
		}
	})
}

func gptEntry(kind string, first, last uint64) []byte {
	e := make([]byte, 128)
	copy(e, kind)
	binary.LittleEndian.PutUint64(e[32:], first)
	binary.LittleEndian.PutUint64(e[40:], last)
	return e
}

func gptHeader(b []byte, count, width uint16, lba uint64) {
	h, le := b[sector:2*sector], binary.LittleEndian
	copy(h, "EFI PART\x00\x00\x01\x00")
	le.PutUint32(h[12:], 92)
	le.PutUint64(h[72:], lba)
	le.PutUint32(h[80:], uint32(count))
	le.PutUint32(h[84:], uint32(width))
	if n := int(count) * int(width); lba == 2 && n <= len(b)-2*sector {
		le.PutUint32(h[88:], crc32.ChecksumIEEE(b[2*sector:2*sector+n]))
	}
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
}
