package disk

import (
	"encoding/binary"
	"hash/crc32"

	"rackwright/agent/direct"
	"rackwright/images"
)

// record is how far the write of an image has come. It lies on the disk itself, twice, so
// that one is whole whenever the power goes. What it says to be there is compared with the
// manifest before it is believed.
type record struct {
	turn   uint64   // the higher is the newer
	digest [32]byte // of the manifest
	done   bitmap   // of the chunks that were on the disk when it was last flushed
}

// A record is its magic, turn, digest, number of chunks and CRC-32C of all, little-endian,
// then the bitmap.
const (
	recordMagic = "RWWRITE1"
	recordHead  = 64
	recordBytes = 64 << 10 // of one of the two places
)

// recordAt is where the record of that turn lies on a disk of so many bytes.
func recordAt(size int64, turn uint64) int64 { return markAt(size) + int64(1+turn%2)*recordBytes }

// bitmap is a set of chunks by their place in the manifest.
type bitmap []byte

func newBitmap(chunks int) bitmap { return make(bitmap, (chunks+7)/8) }
func (b bitmap) has(i int) bool   { return b[i/8]&(1<<(i%8)) != 0 }
func (b bitmap) set(i int)        { b[i/8] |= 1 << (i % 8) }
func (r *record) encode(chunks int) []byte {
	le := binary.LittleEndian
	b := direct.Buffer(int(roundUp(int64(recordHead+len(r.done)), direct.Align)), 0)
	copy(b, recordMagic)
	le.PutUint64(b[8:], r.turn)
	copy(b[16:48], r.digest[:])
	le.PutUint32(b[48:], uint32(chunks))
	copy(b[recordHead:], r.done)
	le.PutUint32(b[52:], crc32.Checksum(b[:recordHead+len(r.done)], castagnoli()))
	return b
}

// parseRecord reads a record; false for anything else.
func parseRecord(b []byte) (*record, int, bool) {
	le := binary.LittleEndian
	if len(b) < recordHead || string(b[:8]) != recordMagic {
		return nil, 0, false
	}
	chunks, sum := le.Uint32(b[48:]), le.Uint32(b[52:])
	n := recordHead + (int(chunks)+7)/8
	if chunks > images.MaxChunks || n > len(b) {
		return nil, 0, false
	}
	whole := append([]byte(nil), b[:n]...)
	clear(whole[52:56])
	if crc32.Checksum(whole, castagnoli()) != sum {
		return nil, 0, false
	}
	return &record{le.Uint64(b[8:]), [32]byte(b[16:48]), whole[recordHead:]}, int(chunks), true
}

// readRecord returns the newer of a disk's two records that is about this image of so many
// chunks, and the highest turn seen.
func readRecord(m Medium, digest [32]byte, chunks int) (newest *record, turn uint64) {
	b := direct.Buffer(recordBytes, 0)
	for place := range uint64(2) {
		if readFull(m, b, recordAt(m.Size(), place)) != nil {
			continue
		}
		r, n, ok := parseRecord(b)
		if !ok {
			continue
		}
		turn = max(turn, r.turn)
		if r.digest == digest && n == chunks && (newest == nil || r.turn > newest.turn) {
			newest = r
		}
	}
	return newest, turn
}
