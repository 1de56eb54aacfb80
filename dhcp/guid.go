package dhcp

import (
	"encoding/binary"
	"fmt"

	"rackwright/inventory"
)

// guid reads option 97 (RFC 4578 section 2.3): a zero byte and the SMBIOS system UUID,
// whose first three fields are little-endian (SMBIOS 3.7 section 7.2.1), and prints it
// as dmidecode does, in lower case. Placeholders and anything else are "".
func guid(b []byte) string {
	if len(b) != 17 || b[0] != 0 {
		return ""
	}
	u := b[1:]
	s := fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", binary.LittleEndian.Uint32(u), binary.LittleEndian.Uint16(u[4:]),
		binary.LittleEndian.Uint16(u[6:]), u[8:10], u[10:])
	if inventory.JunkUUID(s) {
		return ""
	}
	return s
}
