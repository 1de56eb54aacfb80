package inventory

import (
	"fmt"
	"strings"
)

// Evidence is identifiers seen together in one place: a DHCP packet, an agent's
// check-in, a BMC's answer. Empty fields were not seen.
type Evidence struct {
	Source string // where it was seen: dhcp, agent, redfish
	Serial string
	UUID   string
	MACs   []MAC
}

// Match compares evidence with what the plan says of a machine and returns the names
// of the identifiers that agree and a sentence for each that disagrees. A junk serial
// or UUID is neither. MACs disagree only when the plan names some and none was seen.
func (e Evidence) Match(m *Machine) (agree, disagree []string) {
	compare := func(name, planned, seen string, junk func(string) bool) {
		switch {
		case planned == "" || seen == "" || junk(planned) || junk(seen):
		case strings.EqualFold(planned, strings.TrimSpace(seen)):
			agree = append(agree, name)
		default:
			disagree = append(disagree, fmt.Sprintf("%s: plan has %s, %s saw %s", name, planned, e.Source, seen))
		}
	}
	compare("serial", m.Serial, e.Serial, JunkSerial)
	compare("uuid", m.UUID, e.UUID, JunkUUID)
	if len(e.MACs) > 0 && len(m.NICs) > 0 {
		if n := e.sharedMAC(m); n != nil {
			agree = append(agree, "mac "+n.MAC.String())
		} else {
			disagree = append(disagree, fmt.Sprintf("mac: plan has %s, %s saw %s", m.NICs[0].MAC, e.Source, e.MACs[0]))
		}
	}
	return agree, disagree
}

func (e Evidence) sharedMAC(m *Machine) *NIC {
	for i := range m.NICs {
		for _, mac := range e.MACs {
			if m.NICs[i].MAC == mac {
				return &m.NICs[i]
			}
		}
	}
	return nil
}

// junkSerials are placeholders that vendors leave in SMBIOS; they identify nothing.
var junkSerials = []string{"", "0", "na", "n/a", "none", "unknown", "default string", "not specified",
	"to be filled by o.e.m.", "system serial number", "0123456789", "123456789", "not applicable", "chassis serial number"}

// JunkSerial reports whether a serial number is a placeholder.
func JunkSerial(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, j := range junkSerials {
		if s == j {
			return true
		}
	}
	return strings.Trim(s, "0") == "" || strings.Trim(s, "x") == "" || strings.Trim(s, ".-") == ""
}

// SerialKey is what makes a serial number one machine's own: vendor/serial in lower case,
// "" when the serial is junk.
func (m *Machine) SerialKey() string {
	if JunkSerial(m.Serial) {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(m.Vendor) + "/" + strings.TrimSpace(m.Serial))
}

// JunkUUID reports whether a system UUID is a placeholder: all zeros or ones, or the
// 03000200-0400-0500-0006-000700080009 that many boards ship with.
func JunkUUID(s string) bool {
	plain := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
	return strings.Trim(plain, "0") == "" || strings.Trim(plain, "f") == "" || plain == "03000200040005000006000700080009"
}
