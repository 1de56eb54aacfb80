package blob

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzQCOW2: whatever header and tables claim, reading ends and nothing panics.
func FuzzQCOW2(f *testing.F) {
	registerZstd()
	good := tinyQCOW2()
	f.Add(good)
	for _, at := range []int{23, 39, 47, 103, 511 + 8, 1024, 1031} {
		b := bytes.Clone(good)
		b[at] ^= 0x41
		f.Add(b)
	}
	const limit = 1 << 20
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		if checkQCOW2(r, int64(len(b)), limit) != nil {
			return
		}
		feed, err := decodeQCOW2(r)
		if err != nil {
			return
		}
		for at, buf := 0, make([]byte, limit); ; {
			n, later, hole, err := feed.next(buf)
			if at += n; at > limit {
				t.Fatalf("%d bytes came out", at)
			}
			if n == 0 || err != nil || !hole && later() != nil {
				return
			}
		}
	})
}

func TestATinyQcow2IsReadWhole(t *testing.T) {
	b := tinyQCOW2()
	feed, err := decodeQCOW2(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	frames := 0
	m, err := cut(t.Context(), feed, MaxBytes, func(_ string, frame []byte) error { frames += len(frame); return nil })
	if err != nil || m.Bytes != 1024 || len(m.Chunks) != 1 || m.Packed() != int64(frames) {
		t.Errorf("got %+v, %v", m, err)
	}
}

// tinyQCOW2 is a version 3 image of two clusters of 512 bytes: one of data, one a hole.
func tinyQCOW2() []byte {
	b, be := make([]byte, 4*512), binary.BigEndian
	copy(b, "QFI\xfb\x00\x00\x00\x03")
	be.PutUint32(b[20:], 9)    // cluster bits
	be.PutUint64(b[24:], 1024) // size of the disk
	be.PutUint32(b[36:], 1)    // entries of the first table
	be.PutUint64(b[40:], 512)  // where it is
	be.PutUint32(b[100:], 104) // length of the header
	be.PutUint64(b[512:], 1024|1<<63)
	be.PutUint64(b[1024:], 1536|1<<63)
	copy(b[1536:], "data")
	return b
}
