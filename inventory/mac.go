package inventory

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"

	"rackwright/fault"
)

// MAC is an EUI-48 address, comparable and printed as aa:bb:cc:dd:ee:ff.
type MAC [6]byte

// ParseMAC reads aa:bb:cc:dd:ee:ff, aa-bb-cc-dd-ee-ff, aabb.ccdd.eeff or aabbccddeeff.
// The zero, broadcast and multicast addresses are Invalid: no NIC has one.
func ParseMAC(s string) (MAC, error) {
	s = strings.TrimSpace(s)
	hw, err := net.ParseMAC(s)
	if len(s) == 12 {
		hw, err = hex.DecodeString(s)
	}
	m, ok := MACFrom(hw)
	if err != nil || !ok {
		return MAC{}, fault.Invalidf("%.40q is not a MAC address", s).WithHint("write it as aa:bb:cc:dd:ee:ff")
	}
	if m == (MAC{}) || m[0]&1 == 1 {
		return MAC{}, fault.Invalidf("%s is a zero, multicast or broadcast address, not a NIC's", m)
	}
	return m, nil
}

// MACFrom returns the address in hw, and false if hw is not six bytes long.
func MACFrom(hw net.HardwareAddr) (MAC, bool) {
	if len(hw) != 6 {
		return MAC{}, false
	}
	return MAC(hw), true
}

// String prints the address in lower case with colons.
func (m MAC) String() string {
	text := [17]byte{2: ':', 5: ':', 8: ':', 11: ':', 14: ':'}
	for i := range m {
		hex.Encode(text[3*i:], m[i:i+1])
	}
	return string(text[:])
}

// Plain prints the twelve hexadecimal digits alone, as file names and labels have them.
func (m MAC) Plain() string { return hex.EncodeToString(m[:]) }

// Number is the address as a number, the order of numbers being that of addresses.
func (m MAC) Number() uint64 {
	return uint64(binary.BigEndian.Uint16(m[:2]))<<32 | uint64(binary.BigEndian.Uint32(m[2:]))
}

// IsZero reports whether there is no address.
func (m MAC) IsZero() bool { return m == MAC{} }

// MarshalText prints the address; the zero address is empty.
func (m MAC) MarshalText() ([]byte, error) {
	if m.IsZero() {
		return nil, nil
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads the address; empty text is the zero address.
func (m *MAC) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*m = MAC{}
		return nil
	}
	*m, err = ParseMAC(string(text))
	return err
}
