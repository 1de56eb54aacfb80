package sheet

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// entry is one row: what its cells say, before it becomes a machine or a device.
type entry struct {
	line            int
	rack, room, row string
	units           int
	kind            inventory.Kind
	feed, lldp      string
	m               plan.Machine
	bmc             plan.BMC
	disk            plan.Disk
	nics            map[int]*nic
	psus            map[int]*plug
	cells           map[string]string // path in the plan (with numbers) -> title of its column
}

// plug is one end of a cable that a row plans.
type plug struct {
	to, port string // of the other end
	cable    inventory.Cable
}

// nic is a network port of a row.
type nic struct {
	plan.NIC
	plug
	prefix netip.Prefix // that the address was written with
}

func (e *entry) nic(n int) *nic {
	if e.nics == nil {
		e.nics = map[int]*nic{}
	}
	if e.nics[n] == nil {
		e.nics[n] = &nic{}
	}
	return e.nics[n]
}

func (e *entry) psu(n int) *plug {
	if e.psus == nil {
		e.psus = map[int]*plug{}
	}
	if e.psus[n] == nil {
		e.psus[n] = &plug{}
	}
	return e.psus[n]
}

func text(of func(*entry) *string) func(*entry, *column, string) string {
	return func(e *entry, _ *column, s string) string { *of(e) = s; return "" }
}

// number reads a whole number, which spreadsheets also write as 2.0; a U behind it is
// left out.
func number(of func(*entry) *int) func(*entry, *column, string) string {
	return func(e *entry, _ *column, s string) string {
		n, err := strconv.Atoi(whole(s))
		if err != nil || n < 1 || n > 100 {
			return fmt.Sprintf("%.40q is not a whole number from 1 to 100", s)
		}
		*of(e) = n
		return ""
	}
}

func whole(s string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(strings.TrimRight(strings.ToUpper(s), "U")), ".00"), ".0")
}

var unit = regexp.MustCompile(`^R?U?\s*([0-9]{1,3})(?:\.0+)?\s*U?(?:\s*-\s*R?U?\s*([0-9]{1,3})\s*U?)?$`)

// setU reads 10, U10, 10U or a range like 10-11, in any order.
func (e *entry) setU(_ *column, s string) string {
	m := unit.FindStringSubmatch(strings.ToUpper(s))
	if m == nil {
		return fmt.Sprintf("%.40q is not a unit: write its number, or the lowest and highest as 10-11", s)
	}
	e.m.U, _ = strconv.Atoi(m[1])
	if m[2] == "" {
		return ""
	}
	other, _ := strconv.Atoi(m[2])
	low, high := min(e.m.U, other), max(e.m.U, other)
	if e.m.Height > 0 && e.m.Height != high-low+1 {
		return fmt.Sprintf("%s are %d units, but the height is %d", s, high-low+1, e.m.Height)
	}
	e.m.U, e.m.Height = low, high-low+1
	return ""
}

var kinds = map[string]inventory.Kind{
	"machine": inventory.KindMachine, "server": inventory.KindMachine, "node": inventory.KindMachine, "compute": inventory.KindMachine, "storage": inventory.KindMachine,
	"switch": inventory.KindSwitch, "leaf": inventory.KindSwitch, "spine": inventory.KindSwitch, "tor": inventory.KindSwitch,
	"pdu": inventory.KindPDU, "chassis": inventory.KindChassis, "enclosure": inventory.KindChassis,
	"panel": inventory.KindPanel, "patchpanel": inventory.KindPanel, "blank": inventory.KindPanel, "other": inventory.KindOther,
}

func (e *entry) setKind(_ *column, s string) string {
	k, known := kinds[squeeze(s)]
	if !known {
		return fmt.Sprintf("%.40q is none of machine, switch, pdu, chassis, panel, other", s)
	}
	e.kind = k
	return ""
}

// oneOf finds what a word means.
func oneOf(s string, words map[string]string, allowed string) (string, string) {
	if to, known := words[squeeze(s)]; known {
		return to, ""
	}
	return "", fmt.Sprintf("%.40q is none of %s", s, allowed)
}

func (e *entry) setFace(_ *column, s string) string {
	to, wrong := oneOf(s, map[string]string{"front": "front", "f": "front", "rear": "rear", "back": "rear", "r": "rear", "both": "both", "full": "both", "fulldepth": "both"}, "front, rear, both")
	e.m.Face = inventory.Face(to)
	return wrong
}

func (e *entry) setSide(_ *column, s string) string {
	to, wrong := oneOf(s, map[string]string{"left": "left", "l": "left", "right": "right", "r": "right", "full": "", "both": ""}, "left, right")
	e.m.Side = inventory.Side(to)
	return wrong
}

func (e *entry) setFirmware(_ *column, s string) string {
	to, wrong := oneOf(s, map[string]string{"uefi": "uefi", "efi": "uefi", "bios": "bios", "legacy": "bios"}, "uefi, bios")
	e.m.Firmware = inventory.Firmware(to)
	return wrong
}

func (e *entry) setArch(_ *column, s string) (wrong string) {
	e.m.Arch, wrong = oneOf(s, map[string]string{"amd64": "amd64", "x8664": "amd64", "x64": "amd64", "arm64": "arm64", "aarch64": "arm64"}, "amd64, arm64")
	return wrong
}

func (e *entry) setTags(_ *column, s string) string {
	e.m.Tags = strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '|' })
	return ""
}

func (e *entry) setLabel(c *column, s string) string {
	if e.m.Labels == nil {
		e.m.Labels = map[string]string{}
	}
	e.m.Labels[c.key] = s
	return ""
}

// setBMC reads an address, a host name or the whole URL.
func (e *entry) setBMC(_ *column, s string) string {
	if strings.Contains(s, "://") {
		e.bmc.Address = s
		return ""
	}
	host, _, _ := strings.Cut(s, "/") // 10.0.0.5/24
	if host == "" || strings.ContainsAny(host, " ,;@?#") {
		return fmt.Sprintf("%.60q is not the address of a BMC", s)
	}
	e.bmc.Address = "https://" + host
	return ""
}

// setAddress reads 10.0.0.5, or 10.0.0.5/24 which also says the network.
func (e *entry) setAddress(c *column, s string) string {
	n := e.nic(c.n)
	if p, err := netip.ParsePrefix(s); err == nil && p.Addr().Is4() {
		n.Address, n.prefix = p.Addr().String(), p.Masked()
		return ""
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return fmt.Sprintf("%.60q is not an IPv4 address", s)
	}
	n.Address = a.String()
	return ""
}

func (e *entry) setLength(c *column, s string) string {
	v, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.ToLower(s), "m")), 64)
	if err != nil || !(v > 0) || v > 10000 {
		return fmt.Sprintf("%.40q is not a length in metres, e.g. 2.5", s)
	}
	e.nic(c.n).cable.LengthM = v
	return ""
}

func badMAC(s string) string {
	if _, err := inventory.ParseMAC(s); err != nil {
		return err.Error()
	}
	return ""
}
