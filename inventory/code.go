package inventory

import (
	"strconv"
	"strings"

	"rackwright/fault"
)

// CodeKind is what a label stands for.
type CodeKind string

// The kinds. A code without our prefix is hardware's own: a serial number, an asset tag, a
// MAC, a UUID.
const (
	RackCode     CodeKind = "rack"     // rw:rack:RACK
	MachineCode  CodeKind = "machine"  // rw:machine:NAME, a machine or a device
	SlotCode     CodeKind = "slot"     // rw:slot:RACK:U, with :FACE and :SIDE behind it where they matter
	CableCode    CodeKind = "cable"    // rw:cable:LABEL, or rw:cable:OWNER:PORT of the end that plans it
	HardwareCode CodeKind = "hardware" // as the vendor printed it
)

// codePrefix begins every label of ours, so that it is not taken for a serial number.
const codePrefix = "rw:"

// maxCode bounds a scanned text; a QR code can hold thousands.
const maxCode = 256

// Code is what a label says in its QR code.
type Code struct {
	Kind  CodeKind
	Value string // name of the rack, machine or cable; the hardware's text
	U     int    // of a slot: lowest unit
	Face  Face   // of a slot, "" when the label does not say
	Side  Side
}

// String is the text in the QR code.
func (c Code) String() string {
	if c.Kind == HardwareCode {
		return c.Value
	}
	s := codePrefix + string(c.Kind) + ":" + c.Value
	if c.Kind != SlotCode {
		return s
	}
	s += ":" + strconv.Itoa(c.U)
	if c.Face != "" || c.Side != "" {
		s += ":" + string(c.Face)
	}
	if c.Side != "" {
		s += ":" + string(c.Side)
	}
	return s
}

// ParseCode reads what a scanner typed. Text without our prefix is a HardwareCode.
func ParseCode(s string) (Code, error) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxCode || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return Code{}, fault.Invalidf("%.40q is not a code", s).WithHint("scan one label at a time: 1 to %d printable characters", maxCode)
	}
	if len(s) < len(codePrefix) || !strings.EqualFold(s[:len(codePrefix)], codePrefix) {
		return Code{Kind: HardwareCode, Value: s}, nil
	}
	kind, value, _ := strings.Cut(s[len(codePrefix):], ":")
	c := Code{Kind: CodeKind(strings.ToLower(kind)), Value: value}
	switch c.Kind {
	case RackCode, MachineCode:
		if value != "" && !strings.Contains(value, ":") {
			return c, nil
		}
	case CableCode:
		if value != "" {
			return c, nil
		}
	case SlotCode:
		if c.slot(strings.Split(value, ":")) {
			return c, nil
		}
	}
	return Code{}, fault.Invalidf("%.60q is not a label of Rackwright", s).
		WithHint("labels say rw:rack:NAME, rw:machine:NAME, rw:slot:RACK:U or rw:cable:LABEL")
}

// slot fills a slot's code from RACK, U and perhaps FACE and SIDE.
func (c *Code) slot(parts []string) bool {
	if len(parts) < 2 || len(parts) > 4 || parts[0] == "" {
		return false
	}
	u, err := strconv.Atoi(parts[1])
	c.Value, c.U = parts[0], u
	if len(parts) > 2 {
		c.Face = Face(strings.ToLower(parts[2]))
	}
	if len(parts) > 3 {
		c.Side = Side(strings.ToLower(parts[3]))
	}
	faces := c.Face == "" || c.Face == Front || c.Face == Rear || c.Face == Both
	sides := c.Side == FullWidth || c.Side == LeftHalf || c.Side == RightHalf
	return err == nil && u >= 0 && u <= 100 && faces && sides
}
