package qemu

import (
	"bytes"
	"encoding/binary"
)

// Sizes of ArmVirtPkg's flash for variables, in bytes: equal blocks, of which the first holds
// the variables and the next two let the firmware write without fear of a power cut.
const (
	flashBlock   = 256 << 10
	volumeBlocks = 3
)

// volumeHeader is EFI_FIRMWARE_VOLUME_HEADER (PI 1.7 vol. 3, 3.2.1) of one run of blocks, and
// VARIABLE_STORE_HEADER (EDK II MdeModulePkg/Include/Guid/VariableFormat.h) behind it.
type volumeHeader struct {
	Zero                [16]byte
	Kind                [16]byte // EFI_SYSTEM_NV_DATA_FV_GUID
	Length              uint64
	Signature           [4]byte
	Attributes          uint32 // read, write, memory mapped, erased are ones
	HeaderLength        uint16
	Checksum            uint16 // makes the sum of the header's words zero
	Extended            uint16
	Reserved            uint8
	Revision            uint8
	Blocks, BlockLength uint32
	End                 [8]byte

	Store     [16]byte
	StoreSize uint32
	Formatted uint8
	Healthy   uint8
	Unused    [6]byte
}

// formatted is flash with an empty variable store, when it has none: Debian's for arm64 is all
// zeros, and the firmware formats it at its first start, which is too late for a boot entry.
func formatted(flash []byte) []byte {
	if len(flash) < volumeBlocks*flashBlock || len(bytes.TrimLeft(flash, "\x00")) > 0 {
		return flash
	}
	h := volumeHeader{
		Kind: guid("fff12b8d-7696-4c8b-a985-2747075b4f50"), Length: volumeBlocks * flashBlock, Signature: [4]byte([]byte("_FVH")),
		Attributes: 0xe36, HeaderLength: 72, Revision: 2, Blocks: uint32(len(flash) / flashBlock), BlockLength: flashBlock,
		Store: authenticatedStore, StoreSize: flashBlock - 72, Formatted: 0x5a, Healthy: 0xfe,
	}
	h.Checksum = -words(h.encode()[:h.HeaderLength])
	out := bytes.Clone(flash)
	copy(out, bytes.Repeat([]byte{0xff}, volumeBlocks*flashBlock))
	copy(out, h.encode())
	return out
}

func (h volumeHeader) encode() []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, h) // its size is fixed
	return b
}

// words is the sum of 16-bit words.
func words(b []byte) (sum uint16) {
	for ; len(b) >= 2; b = b[2:] {
		sum += binary.LittleEndian.Uint16(b)
	}
	return sum
}
