package probe

import (
	"encoding/binary"
	"fmt"

	"rackwright/inventory"
)

// Log pages and commands (SPC-5, section 7.3; SBC-4, section 6.4 and 5.20).
const (
	scsiLogSense    = 0x4d
	scsiReadDefects = 0xb7
	pageReadErrors  = 0x03
	pageSolid       = 0x11
	pageBackground  = 0x15
	pageExceptions  = 0x2f
)

// scsiHealth asks for the informational exceptions, and for what else there is.
func scsiHealth(a Asker, path string) *inventory.DiskHealth {
	page := func(n byte) map[uint16][]byte {
		b, err := a.SCSI(path, []byte{scsiLogSense, 0, 0x40 | n, 0, 0, 0, 0, 2, 0, 0}, 512)
		if err != nil {
			return nil
		}
		return parameters(n, b)
	}
	said := page(pageExceptions)[0]
	if len(said) < 2 {
		return nil
	}
	h := &inventory.DiskHealth{Passed: said[0] == 0}
	if !h.Passed {
		h.Warnings = append(h.Warnings, fmt.Sprintf("it predicts its failure (code %02x/%02x)", said[0], said[1]))
	}
	if len(said) > 2 && said[2] > 0 && said[2] < 120 {
		h.Temperature = int(said[2])
	}
	if p := page(pageSolid)[1]; len(p) >= 4 {
		wear := int(p[3])
		h.Wear = &wear
	}
	h.MediaErrors = number(page(pageReadErrors)[6])
	if p := page(pageBackground)[0]; len(p) >= 4 {
		h.PowerOnHours = int64(binary.BigEndian.Uint32(p)) / 60
	}
	if b, err := a.SCSI(path, []byte{scsiReadDefects, 0x0d, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0}, 8); err == nil && len(b) >= 8 && b[1]&0x18 == 0x08 {
		h.Reallocated = int64(binary.BigEndian.Uint32(b[4:])) / 8
	}
	return h
}

// parameters reads a log page's parameters by their codes.
func parameters(page byte, b []byte) map[uint16][]byte {
	if len(b) < 4 || b[0]&0x3f != page {
		return nil
	}
	b = b[4:min(len(b), 4+int(binary.BigEndian.Uint16(b[2:])))]
	found := map[uint16][]byte{}
	for len(b) >= 4 && len(b) >= 4+int(b[3]) {
		found[binary.BigEndian.Uint16(b)] = b[4 : 4+int(b[3])]
		b = b[4+int(b[3]):]
	}
	return found
}

// number reads a counter of up to seven bytes.
func number(b []byte) (n int64) {
	if len(b) > 8 || len(b) == 8 && b[0] != 0 {
		return 0
	}
	for _, v := range b {
		n = n<<8 | int64(v)
	}
	return n
}
