package plan

import (
	"fmt"
	"net/netip"
	"strings"

	"rackwright/inventory"
)

// claim is something that one thing alone may hold: a half unit, a MAC, a name.
type claim struct {
	what string // slot, bay, mac, address, bmc, serial, asset tag, name
	text string // of a slot its rack, of an address its network, else what is claimed
	mac  inventory.MAC
	addr netip.Addr
	cell inventory.Cell
}

func (c claim) String() string {
	switch c.what {
	case "slot":
		return strings.TrimSpace(fmt.Sprintf("slot %s/u%d %s %s", c.text, c.cell.U, c.cell.Face, c.cell.Side))
	case "mac":
		return "mac " + c.mac.String()
	case "address":
		return "address " + c.addr.String()
	}
	return c.what + " " + c.text
}

// holders says who holds what.
type holders map[claim]string

// take gives c to owner, unless somebody has it already, who is returned.
func (h holders) take(c claim, owner string) (by string, taken bool) {
	if by, taken = h[c]; taken {
		return by, true
	}
	h[c] = owner
	return "", false
}

// clash is a claim that another holds.
type clash struct {
	claim claim
	by    string
}

// seat takes the cells of a slot and returns those that others hold: one for a unit and
// face, however much of the width is meant.
func (h holders) seat(s inventory.Slot, owner string) (out []clash) {
	for _, cell := range s.Cells() {
		c := claim{what: "slot", text: s.Rack, cell: cell}
		by, taken := h.take(c, owner)
		if !taken {
			continue
		}
		if s.Side == inventory.FullWidth {
			c.cell.Side = inventory.FullWidth
		}
		if n := len(out); n == 0 || out[n-1].claim != c {
			out = append(out, clash{c, by})
		}
	}
	return out
}

// machineClaims lists what the machine holds beside its cells. One without a slot was only
// seen, never planned: it claims nothing, and the plan adopts it.
func machineClaims(m *inventory.Machine) []claim {
	if m.Slot == nil {
		return nil
	}
	out := make([]claim, 0, 2*len(m.NICs)+5)
	if m.Slot.Chassis != "" {
		out = append(out, claim{what: "bay", text: m.Slot.Chassis + "/" + m.Slot.Bay})
	}
	for i := range m.NICs {
		n := &m.NICs[i]
		if !n.MAC.IsZero() {
			out = append(out, claim{what: "mac", mac: n.MAC})
		}
	}
	for _, h := range m.Addresses() {
		out = append(out, claim{what: "address", text: h.Network, addr: h.Address})
	}
	if m.BMC != nil {
		out = append(out, claim{what: "bmc", text: m.BMC.Address})
		if !m.BMC.MAC.IsZero() {
			out = append(out, claim{what: "mac", mac: m.BMC.MAC})
		}
	}
	if key := m.SerialKey(); key != "" {
		out = append(out, claim{what: "serial", text: key})
	}
	if m.AssetTag != "" {
		out = append(out, claim{what: "asset tag", text: m.AssetTag})
	}
	return out
}

// deviceClaims lists what the device holds beside its cells.
func deviceClaims(d *inventory.Device) (out []claim) {
	if !inventory.JunkSerial(d.Serial) {
		out = append(out, claim{what: "device serial", text: strings.ToLower(d.Model + "/" + d.Serial)})
	}
	if d.AssetTag != "" {
		out = append(out, claim{what: "asset tag", text: d.AssetTag})
	}
	return out
}
