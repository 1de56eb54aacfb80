// Package efi keeps the firmware's boot entries: it adds one for a disk that was just
// written and puts it where a machine that boots by itself finds it. It reads and writes
// UEFI variables through efivarfs and knows nothing of images.
package efi

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"

	"rackwright/fault"
)

// Option is a load option: what one Boot#### variable holds (UEFI 2.10, section 3.1.3).
type Option struct {
	Attributes  uint32
	Description string
	Path        []byte // packed device path list
	Data        []byte // for the loaded program
}

const active = 1 // LOAD_OPTION_ACTIVE

// maxVariable bounds a variable: firmware keeps far smaller ones.
const maxVariable = 64 << 10

// Encode lays the option out as the firmware keeps it.
func (o Option) Encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, o.Attributes)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(o.Path)))
	b = appendText(b, o.Description)
	b = append(b, o.Path...)
	return append(b, o.Data...)
}

// ParseOption reads a load option. Invalid if lengths do not fit.
func ParseOption(b []byte) (o Option, err error) {
	if len(b) < 8 || len(b) > maxVariable {
		return o, fault.Invalidf("a boot entry of %d bytes", len(b))
	}
	o.Attributes = binary.LittleEndian.Uint32(b)
	n := int(binary.LittleEndian.Uint16(b[4:]))
	text, rest, ok := cutText(b[6:])
	if !ok || n > len(rest) {
		return o, fault.Invalidf("a boot entry whose parts do not fit")
	}
	o.Description, o.Path, o.Data = text, slices.Clone(rest[:n]), slices.Clone(rest[n:])
	return o, nil
}

// appendText appends UTF-16 with its closing zero.
func appendText(b []byte, s string) []byte {
	for _, u := range append(utf16.Encode([]rune(s)), 0) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func cutText(b []byte) (text string, rest []byte, ok bool) {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			return string(utf16.Decode(units)), b[2:], true
		}
		units = append(units, u)
	}
	return "", nil, false
}

// Device path node types (UEFI 2.10, section 10.3).
const (
	typeMessaging, subMAC        = 3, 11
	typeMedia, subDrive, subFile = 4, 1, 4
	typeEnd, subEntire           = 0x7f, 0xff
	signatureGUID, formatGPT     = 2, 2
	driveNodeBytes, headBytes    = 42, 4
)

// Partition is a GPT partition as a device path names it.
type Partition struct {
	Number        uint32   // from 1
	First, Blocks uint64   // in logical blocks of the disk
	GUID          [16]byte // unique partition GUID as on disk
}

// Loader returns the device path of a program on a partition, a short form that the
// firmware expands to whichever disk carries the partition (section 3.1.2). file is a
// path with backslashes.
func Loader(p Partition, file string) []byte {
	le := binary.LittleEndian
	b := []byte{typeMedia, subDrive, driveNodeBytes, 0}
	b = le.AppendUint32(b, p.Number)
	b = le.AppendUint64(b, p.First)
	b = le.AppendUint64(b, p.Blocks)
	b = append(b, p.GUID[:]...)
	b = append(b, formatGPT, signatureGUID)
	name := appendText(nil, file)
	b = append(b, typeMedia, subFile)
	b = le.AppendUint16(b, uint16(headBytes+len(name)))
	b = append(b, name...)
	return append(b, typeEnd, subEntire, headBytes, 0)
}

// node is one element of a device path.
type node struct {
	kind, sub byte
	body      []byte
}

// nodes walks a device path; a damaged one ends where it is damaged.
func nodes(path []byte) (list []node) {
	for len(path) >= headBytes {
		n := int(binary.LittleEndian.Uint16(path[2:]))
		if n < headBytes || n > len(path) {
			return list
		}
		list = append(list, node{path[0], path[1], path[headBytes:n]})
		path = path[n:]
	}
	return list
}

// network reports whether the option boots from a network port.
func (o Option) network() bool {
	return slices.ContainsFunc(nodes(o.Path), func(n node) bool { return n.kind == typeMessaging && n.sub == subMAC })
}
