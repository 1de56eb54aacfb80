package disk

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"rackwright/agent/direct"
)

// Linux RAID superblock, version 1.0: at the end of the disk, so that firmware and boot
// loaders see the partition table at its start as on any disk (include/uapi/linux/raid/md_p.h).
const (
	superblockMagic = 0xa92b4efc
	superblockBytes = 1024
	superblockRoles = (superblockBytes - 256) / 2
	superblockRoom  = 4 << 20
	sectorBytes     = 512
)

// superblockAt is where the superblock of a disk lies: 8 KiB before its end, at a multiple
// of 4 KiB. 0 if the disk is too small.
func superblockAt(size int64) int64 {
	if size < superblockRoom {
		return 0
	}
	return roundDown(size-8<<10, 4<<10)
}

// array is a RAID 1 of two disks whose contents agree.
type array struct {
	id      [16]byte
	name    string // at most 31 bytes
	created time.Time
	bytes   int64 // of the array
}

// superblock is that of one member of the array on a disk of so many bytes.
func (a array) superblock(role int, diskBytes int64) []byte {
	b := make([]byte, superblockBytes)
	le := binary.LittleEndian
	le.PutUint32(b, superblockMagic)
	le.PutUint32(b[4:], 1) // major version
	copy(b[16:32], a.id[:])
	copy(b[32:63], a.name)
	le.PutUint64(b[64:], uint64(a.created.Unix())&(1<<40-1))
	le.PutUint32(b[72:], 1) // level
	le.PutUint64(b[80:], uint64(a.bytes/sectorBytes))
	le.PutUint32(b[92:], 2)                                            // disks
	le.PutUint64(b[136:], uint64(superblockAt(diskBytes)/sectorBytes)) // data: all before the superblock
	le.PutUint64(b[144:], uint64(superblockAt(diskBytes)/sectorBytes))
	le.PutUint32(b[160:], uint32(role)) // device number
	device := sha256.Sum256(append(append([]byte("member"), byte(role)), a.id[:]...))
	copy(b[168:184], device[:])
	le.PutUint64(b[192:], uint64(a.created.Unix())&(1<<40-1)) // updated
	le.PutUint64(b[200:], 1)                                  // events
	le.PutUint64(b[208:], math.MaxUint64)                     // resync offset: in sync
	le.PutUint32(b[220:], superblockRoles)
	for i := range superblockRoles {
		le.PutUint16(b[256+2*i:], 0xffff) // spare: nobody
	}
	le.PutUint16(b[256:], 0)
	le.PutUint16(b[258:], 1)
	le.PutUint32(b[216:], superblockSum(b))
	return b
}

// superblockSum adds the superblock up with its own sum as zero, and folds the carry in.
func superblockSum(b []byte) uint32 {
	var sum uint64
	for i := 0; i < len(b); i += 4 {
		if i != 216 {
			sum += uint64(binary.LittleEndian.Uint32(b[i:]))
		}
	}
	return uint32(sum) + uint32(sum>>32)
}

// Seal makes the two disks a RAID 1 that is in sync: to be called when all else was
// written. The same seed gives the same array, so that doing it twice is doing it once.
func (m *Mirror) Seal(seed string, now time.Time) error {
	id := sha256.Sum256([]byte("array/" + seed))
	a := array{id: [16]byte(id[:16]), name: "rackwright:0", created: now, bytes: m.size}
	for role, d := range m.members {
		block := append(a.superblock(role, d.Size()), make([]byte, direct.Align-superblockBytes)...)
		end := roundDown(d.Size(), direct.Align) - direct.Align // where an older system's backup partition table may be
		if err := commit(d, []piece{{superblockAt(d.Size()), block}, {end, make([]byte, direct.Align)}}); err != nil {
			return err
		}
	}
	return nil
}
