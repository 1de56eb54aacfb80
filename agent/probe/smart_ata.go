package probe

import (
	"encoding/binary"

	"rackwright/inventory"
)

// ATACommand is an ATA command by its registers (ACS-4). One with Sectors reads as many
// sectors of 512 bytes.
type ATACommand struct {
	Command, Feature byte
	Sectors          byte
	LBA              [3]byte // low, middle, high
}

// ATARegisters are the registers that tell a drive's verdict.
type ATARegisters struct{ LBAMid, LBAHigh byte }

// SMART and its subcommands (ACS-3, section 7.48), which want a key in the LBA.
const (
	ataSMART       = 0xb0
	smartData      = 0xd0
	smartStatus    = 0xda
	smartMid       = 0x4f
	smartHigh      = 0xc2
	failingMid     = 0xf4
	failingHigh    = 0x2c
	ataReadLogExt  = 0x2f
	deviceStats    = 0x04
	statsSolid     = 0x07
	attributeBytes = 12
)

// ataHealth asks for the verdict, the attributes, and the standard statistics where the
// drive has them.
func ataHealth(a Asker, path string) *inventory.DiskHealth {
	key := [3]byte{0, smartMid, smartHigh}
	_, r, err := a.ATA(path, ATACommand{Command: ataSMART, Feature: smartStatus, LBA: key})
	if err != nil {
		return nil
	}
	h := &inventory.DiskHealth{Passed: r != ATARegisters{failingMid, failingHigh}}
	if b, _, err := a.ATA(path, ATACommand{Command: ataSMART, Feature: smartData, Sectors: 1, LBA: key}); err == nil {
		parseAttributes(b, h)
	}
	if b, _, err := a.ATA(path, ATACommand{Command: ataReadLogExt, Sectors: 1, LBA: [3]byte{deviceStats, statsSolid, 0}}); err == nil {
		parseSolid(b, h)
	}
	return h
}

// parseAttributes reads the drive's table. Makers agree on the numbers of these few only.
func parseAttributes(b []byte, h *inventory.DiskHealth) {
	if len(b) < 512 || !sumsToZero(b[:512]) {
		return
	}
	for i := range 30 {
		e := b[2+i*attributeBytes:]
		raw := int64(binary.LittleEndian.Uint64(e[5:13]) & (1<<48 - 1))
		switch e[0] {
		case 5:
			h.Reallocated = raw & 0xffffffff
		case 9:
			h.PowerOnHours = raw & 0xffffffff
		case 187, 198:
			h.MediaErrors = max(h.MediaErrors, raw&0xffffffff)
		case 190, 194:
			if c := int(raw & 0xff); c > 0 && c < 120 {
				h.Temperature = c
			}
		case 197:
			h.Pending = raw & 0xffffffff
		}
	}
}

// parseSolid reads the percentage used of the solid state device statistics (ACS-4,
// section 9.5.8); bits 63 and 62 say that it is supported and valid.
func parseSolid(b []byte, h *inventory.DiskHealth) {
	if len(b) < 16 || b[2] != statsSolid {
		return
	}
	if v := binary.LittleEndian.Uint64(b[8:]); v>>62 == 3 {
		wear := int(v & 0xff)
		h.Wear = &wear
	}
}

func sumsToZero(b []byte) bool {
	var sum byte
	for _, v := range b {
		sum += v
	}
	return sum == 0
}
