package probe

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rackwright/inventory"
)

// maxStructures bounds a table; real ones have a few hundred.
const maxStructures = 4096

// structure is one SMBIOS structure (DSP0134, section 6): formatted bytes and strings.
type structure struct {
	kind    byte
	body    []byte // with its four byte header
	strings []string
}

// parseSMBIOS reads a DMI table as the kernel exports it. It takes what it can: tables of
// real boards end early, lie about lengths and point at strings that are not there.
func parseSMBIOS(b []byte) (sys inventory.System, cpus []inventory.CPU, dimms []inventory.DIMM) {
	for range maxStructures {
		s, rest, ok := nextStructure(b)
		if !ok {
			break
		}
		switch s.kind {
		case 0:
			sys.BIOSVersion = first(sys.BIOSVersion, s.text(5))
		case 1:
			sys.Vendor, sys.Product, sys.Serial, sys.UUID = s.text(4), s.text(5), s.text(7), s.uuid(8)
		case 2: // the board speaks where the system says nothing
			sys.Vendor, sys.Product = first(sys.Vendor, s.text(4)), first(sys.Product, s.text(5))
		case 3:
			sys.AssetTag = first(sys.AssetTag, s.text(8))
			if inventory.JunkSerial(sys.Serial) && !inventory.JunkSerial(s.text(7)) {
				sys.Serial = s.text(7)
			}
		case 4:
			if c, ok := s.cpu(); ok {
				cpus = append(cpus, c)
			}
		case 17:
			if d, ok := s.dimm(); ok {
				dimms = append(dimms, d)
			}
		case 127:
			return sys, cpus, dimms
		}
		b = rest
	}
	return sys, cpus, dimms
}

// nextStructure takes one structure off b.
func nextStructure(b []byte) (s structure, rest []byte, ok bool) {
	if len(b) < 4 || int(b[1]) < 4 || int(b[1]) > len(b) {
		return s, nil, false
	}
	s.kind, s.body = b[0], b[:b[1]]
	b = b[b[1]:]
	for len(b) > 0 && b[0] != 0 {
		end := strings.IndexByte(string(b[:min(len(b), 1024)]), 0)
		if end < 0 {
			return s, nil, true
		}
		s.strings = append(s.strings, clean(string(b[:end])))
		b = b[end+1:]
	}
	if len(s.strings) == 0 && len(b) > 0 { // no strings: two NULs
		b = b[1:]
	}
	if len(b) > 0 {
		b = b[1:]
	}
	return s, b, true
}

func (s structure) byte(at int) byte {
	if at >= len(s.body) {
		return 0
	}
	return s.body[at]
}

func (s structure) word(at int) int {
	if at+2 > len(s.body) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(s.body[at:]))
}

// text returns the string whose number stands at an offset.
func (s structure) text(at int) string {
	if n := int(s.byte(at)); n > 0 && n <= len(s.strings) {
		return s.strings[n-1]
	}
	return ""
}

// uuid prints a system UUID; its first three fields are little endian since SMBIOS 2.6.
func (s structure) uuid(at int) string {
	if at+16 > len(s.body) {
		return ""
	}
	u, le := s.body[at:at+16], binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(u), le.Uint16(u[4:]), le.Uint16(u[6:]), u[8:10], u[10:16])
}

// cpu reads type 4, if the socket is populated (bit 6 of Status).
func (s structure) cpu() (inventory.CPU, bool) {
	c := inventory.CPU{Socket: s.text(4), Model: s.text(16), Cores: int(s.byte(35)), Threads: int(s.byte(37))}
	if c.Cores == 0xff {
		c.Cores = s.word(42)
	}
	if c.Threads == 0xff {
		c.Threads = s.word(46)
	}
	return c, s.byte(24)&0x40 != 0
}

// dimm reads type 17, if a module is in the slot.
func (s structure) dimm() (inventory.DIMM, bool) {
	d := inventory.DIMM{Slot: s.text(16), SizeMiB: int64(s.word(12)), SpeedMTs: s.word(21), Vendor: s.text(23), Serial: s.text(24), Part: s.text(26)}
	switch {
	case d.SizeMiB == 0x7fff && len(s.body) >= 32:
		d.SizeMiB = int64(binary.LittleEndian.Uint32(s.body[28:]) & 0x7fffffff)
	case d.SizeMiB == 0xffff: // unknown
		d.SizeMiB = 0
	case d.SizeMiB&0x8000 != 0: // in KiB
		d.SizeMiB = d.SizeMiB & 0x7fff / 1024
	}
	if speed := s.word(32); speed != 0 { // as configured
		d.SpeedMTs = speed
	}
	return d, d.SizeMiB > 0
}

// cpuinfo is the poor substitute where there is no SMBIOS: one entry a socket. In
// proc/cpuinfo the lines of a thread come in this order: model, socket, cores.
func (t Tree) cpuinfo() []inventory.CPU {
	var cpus []inventory.CPU
	model, at := "", -1
	for line := range strings.Lines(string(t.read("proc/cpuinfo"))) {
		name, value, _ := strings.Cut(line, ":")
		value = clean(value)
		switch strings.TrimSpace(name) {
		case "model name":
			model = value
		case "physical id":
			at = slices.IndexFunc(cpus, func(c inventory.CPU) bool { return c.Socket == value })
			if at < 0 {
				cpus = append(cpus, inventory.CPU{Socket: value, Model: model})
				at = len(cpus) - 1
			}
			cpus[at].Threads++
		case "cpu cores":
			if at >= 0 {
				cpus[at].Cores, _ = strconv.Atoi(value)
			}
		}
	}
	return cpus
}
