package qemu

import (
	"encoding/binary"
	"unicode/utf16"
)

// Variables are the global variables (UEFI 2.10, 3.3) of a variable store file, by name:
// the boot entries and their order among them. The file may be read while the machine runs.
func Variables(image []byte) (map[string][]byte, error) {
	s, err := parseStore(image)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, v := range s.variables {
		if v.guid() == globalVariable {
			out[decodeUTF16(v.name)] = v.data
		}
	}
	return out, nil
}

// decodeUTF16 reads UTF-16LE up to a NUL.
func decodeUTF16(b string) string {
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		u := binary.LittleEndian.Uint16([]byte(b[i : i+2]))
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}
