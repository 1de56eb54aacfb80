package probe

import (
	"encoding/binary"

	"rackwright/inventory"
)

// nvmeHealth reads the SMART / Health Information log (NVM Express Base Specification 2.0,
// section 5.16.1.3).
func nvmeHealth(a Asker, controller string) *inventory.DiskHealth {
	b, err := a.NVMe(controller, 0x02, 512)
	if err != nil {
		return nil
	}
	return parseNVMe(b)
}

func parseNVMe(b []byte) *inventory.DiskHealth {
	if len(b) < 512 {
		return nil
	}
	wear, spare := int(b[5]), int(b[3])
	h := &inventory.DiskHealth{Passed: b[0] == 0, Wear: &wear, Spare: &spare, PowerOnHours: count(b[128:144]), MediaErrors: count(b[160:176])}
	if kelvin := int(binary.LittleEndian.Uint16(b[1:])); kelvin > 200 && kelvin < 500 {
		h.Temperature = kelvin - 273
	}
	for bit, words := range []string{"spare blocks run out", "too hot or too cold", "unreliable", "it takes no more writes", "its cache's power backup failed", "persistent memory is unreliable"} {
		if b[0]&(1<<bit) != 0 {
			h.Warnings = append(h.Warnings, words)
		}
	}
	return h
}

// count reads a counter of 16 bytes, of which no disk uses more than seven.
func count(b []byte) int64 {
	return int64(binary.LittleEndian.Uint64(b) & (1<<56 - 1))
}
