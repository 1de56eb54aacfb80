package ipmi

import (
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// Bounds of reading: a FRU's memory has 64 KiB at most, those of boards 2 KiB; BMCs
// answer so many bytes at once.
const (
	maxFRU  = 8 << 10
	fruPart = 16
)

// readFRU reads the board's own FRU, number 0 (IPMI 2.0, sections 34.1 and 34.2).
func readFRU(l Line) (*inventory.FRU, error) {
	info, err := ask(l, netFnStorage, 0x10, []byte{0}, 3)
	if err != nil {
		return nil, err
	}
	size := min(int(info[0])|int(info[1])<<8, maxFRU)
	unit := 1 + int(info[2]&1) // it counts in words
	var b []byte
	for len(b) < size {
		at := len(b) / unit
		part, err := ask(l, netFnStorage, 0x11, []byte{0, byte(at), byte(at >> 8), byte(min(fruPart, size-len(b)) / unit)}, 1)
		if err != nil {
			return nil, err
		}
		n := int(part[0]) * unit
		if n == 0 || len(part)-1 < n {
			break
		}
		b = append(b, part[1:1+n]...)
	}
	return parseFRU(b)
}

// parseFRU reads the areas of a FRU (Platform Management FRU Information Storage
// Definition 1.3, sections 8 to 12). An area that is damaged is left out.
func parseFRU(b []byte) (*inventory.FRU, error) {
	if len(b) < 8 || b[0]&0xf != 1 || !sumsToZero(b[:8]) {
		return nil, fault.Invalidf("the FRU has no header")
	}
	var f inventory.FRU
	if a := area(b, b[2]); a != nil {
		fields := tlvs(a[3:])
		f.ChassisPart, f.ChassisSerial = at(fields, 0), at(fields, 1)
	}
	if a := area(b, b[3]); len(a) > 6 {
		fields := tlvs(a[6:])
		f.BoardMade = made(a[3:6])
		f.BoardVendor, f.BoardName, f.BoardSerial, f.BoardPart = at(fields, 0), at(fields, 1), at(fields, 2), at(fields, 3)
	}
	if a := area(b, b[4]); a != nil {
		fields := tlvs(a[3:])
		f.Vendor, f.Product, f.Part, f.Version, f.Serial, f.AssetTag = at(fields, 0), at(fields, 1), at(fields, 2), at(fields, 3), at(fields, 4), at(fields, 5)
	}
	if f == (inventory.FRU{}) {
		return nil, fault.Invalidf("the FRU says nothing")
	}
	return &f, nil
}

// area returns the bytes of an area, without its checksum; nil when there is none or its
// checksum is wrong. The offset and the length count in multiples of eight bytes.
func area(b []byte, offset byte) []byte {
	start := int(offset) * 8
	if offset == 0 || start+8 > len(b) {
		return nil
	}
	size := int(b[start+1]) * 8
	if size < 8 || start+size > len(b) || !sumsToZero(b[start:start+size]) {
		return nil
	}
	return b[start : start+size-1]
}

func sumsToZero(b []byte) bool {
	var sum byte
	for _, v := range b {
		sum += v
	}
	return sum == 0
}

// made reads minutes since the beginning of 1996; zero is unknown.
func made(b []byte) time.Time {
	minutes := int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16
	if minutes == 0 {
		return time.Time{}
	}
	return time.Date(1996, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

// tlvs reads type/length fields up to the end mark (section 13).
func tlvs(b []byte) (fields []string) {
	for len(b) > 0 && b[0] != 0xc1 {
		size := int(b[0] & 0x3f)
		if size > len(b)-1 {
			break
		}
		fields = append(fields, text(b[0]>>6, b[1:1+size]))
		b = b[1+size:]
	}
	return fields
}

func at(fields []string, i int) string {
	if i < len(fields) {
		return fields[i]
	}
	return ""
}

// text reads a field by its type: BCD plus, 6-bit ASCII or characters. Binary says
// nothing to people.
func text(kind byte, b []byte) string {
	var s strings.Builder
	switch kind {
	case 1:
		for _, v := range b {
			s.WriteByte("0123456789 -.???"[v>>4])
			s.WriteByte("0123456789 -.???"[v&0xf])
		}
	case 2:
		for i := range len(b) * 8 / 6 {
			v := uint16(b[i*6/8])
			if i*6/8+1 < len(b) {
				v |= uint16(b[i*6/8+1]) << 8
			}
			s.WriteByte(' ' + byte(v>>(i*6%8)&0x3f))
		}
	case 3:
		for _, v := range b {
			if v >= ' ' && v <= '~' {
				s.WriteByte(v)
			}
		}
	}
	return strings.TrimSpace(s.String())
}
