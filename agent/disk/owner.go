package disk

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"time"

	"rackwright/agent/direct"
	"rackwright/fault"
)

// Owner is what this service leaves on a disk that it writes, outside every partition, to
// know its own work again.
type Owner struct {
	Machine   string    `json:"machine,omitempty"`   // SMBIOS system UUID in lower case
	Operation string    `json:"operation,omitempty"` // id of the operation that wrote the disk
	Image     string    `json:"image,omitempty"`     // digest of the manifest, sha256:...
	At        time.Time `json:"at,omitzero"`         // by the machine's clock, which may be wrong
	Whole     bool      `json:"whole"`               // the order was done; else it began and did not end
}

// The last whole MiB of a disk but one is ours: no partition has it. The owner stands at
// its start and the two places of the progress record behind it.
const (
	mark       = 1 << 20
	ownerBytes = 4 << 10
)

// markAt is where the mark of a disk of so many bytes begins. At least a MiB stays behind it
// for the backup partition table.
func markAt(size int64) int64 { return roundDown(size, mark) - 2*mark }

// ownerMagic begins an owner's block: then the length and the CRC-32C of the JSON behind it,
// both little-endian.
const ownerMagic = "RWOWNER1"

// castagnoli is the polynomial of the records' checksums.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// ReadOwner returns the owner of a disk of so many bytes, alone or half of a Mirror; false if
// it has none, or none that can be read.
func ReadOwner(r io.ReaderAt, size int64) (Owner, bool) {
	block := direct.Buffer(ownerBytes, 0)
	for _, size := range []int64{size, roundDown(superblockAt(size), 1<<20)} {
		if size < 4*mark {
			continue
		}
		if n, _ := r.ReadAt(block, markAt(size)); n < len(block) {
			continue
		}
		if o, ok := parseOwner(block); ok {
			return o, true
		}
	}
	return Owner{}, false
}

func parseOwner(b []byte) (Owner, bool) {
	const head = len(ownerMagic) + 8
	if len(b) < head || string(b[:len(ownerMagic)]) != ownerMagic {
		return Owner{}, false
	}
	n, sum := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	if int64(n) > int64(len(b)-head) || crc32.Checksum(b[head:head+int(n)], castagnoli()) != sum {
		return Owner{}, false
	}
	var o Owner
	if json.Unmarshal(b[head:head+int(n)], &o) != nil {
		return Owner{}, false
	}
	return o, true
}

func (o Owner) block() ([]byte, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fault.Internalf("encode the owner: %w", err)
	}
	b := direct.Buffer(ownerBytes, 0)
	if len(text) > len(b)-16 {
		return nil, fault.Invalidf("the owner's record has %d bytes", len(text))
	}
	copy(b, ownerMagic)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(text)))
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(text, castagnoli()))
	copy(b[16:], text)
	return b, nil
}

// writeOwner puts the owner on the disk and makes it last.
func writeOwner(m Medium, o Owner) error {
	b, err := o.block()
	if err != nil {
		return err
	}
	return put(m, []piece{{markAt(m.Size()), b}})
}
