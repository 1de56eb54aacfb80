package inventory

import (
	"cmp"
	"fmt"
	"slices"

	"rackwright/fault"
)

// What is replaced.
const (
	PartMachine = "machine"
	PartBoard   = "board" // the main board; chassis and disks stay
)

// Replacement is new hardware in the place of a machine, as a person confirms it.
type Replacement struct {
	Part    string         `json:"part" enum:"machine,board"`
	Reason  string         `json:"reason" minLength:"1" maxLength:"1000"`
	Serial  string         `json:"serial,omitempty" maxLength:"128" doc:"Of the new hardware; absent: learned when it is seen"`
	UUID    string         `json:"uuid,omitempty" maxLength:"36"`
	MACs    map[string]MAC `json:"macs,omitempty" doc:"By name of the network port; absent: learned when it is seen"`
	BMCMAC  MAC            `json:"bmc_mac,omitzero"`
	KeepBMC bool           `json:"keep_bmc_credentials,omitempty" doc:"The new BMC has the password of the old one"`
}

// Check returns Invalid for what no replacement of the machine can be.
func (r Replacement) Check(m *Machine) error {
	var bad []fault.Field
	fail := func(path, format string, args ...any) {
		bad = append(bad, fault.Field{Path: "body." + path, Message: fmt.Sprintf(format, args...)})
	}
	if r.Part != PartMachine && r.Part != PartBoard {
		fail("part", "is machine or board")
	}
	if r.Reason == "" || len(r.Reason) > MaxWords {
		fail("reason", "is missing, or longer than %d characters", MaxWords)
	}
	if r.Serial != "" && JunkSerial(r.Serial) {
		fail("serial", "%q is a placeholder and identifies nothing", r.Serial)
	}
	if r.UUID != "" && JunkUUID(r.UUID) {
		fail("uuid", "%q is a placeholder and identifies nothing", r.UUID)
	}
	for name := range r.MACs {
		if !slices.ContainsFunc(m.NICs, func(n NIC) bool { return n.Name == name }) {
			fail("macs", "%s has no port %q", m.Name, name)
		}
	}
	if !r.BMCMAC.IsZero() && m.BMC == nil {
		fail("bmc_mac", "%s has no BMC in the plan", m.Name)
	}
	if len(bad) > 0 {
		slices.SortFunc(bad, func(a, b fault.Field) int { return cmp.Compare(a.Path+a.Message, b.Path+b.Message) })
		return &fault.Error{Kind: fault.Invalid, Message: "this is no replacement of " + m.Name, Fields: bad, Hint: "correct what is named"}
	}
	if m.Phase == Retired || m.Slot == nil {
		return fault.Conflictf("%s is in no slot that another could take", m.Name).WithHint("plan the new machine")
	}
	return nil
}

// Successor is the planned machine that takes the place of m: its name and slot, what the
// plan says of its kind, ports and networks, its labels and project. Nothing that was
// seen of the old hardware, or waived for it, is its own; a new board keeps the chassis'
// serial number, the disks and their proof of being empty.
func (r Replacement) Successor(m *Machine) *Machine {
	next := &Machine{Name: m.Name, Phase: Planned, Slot: m.Slot, Firmware: m.Firmware, Netboot: m.Netboot, Arch: m.Arch, Vendor: m.Vendor, Model: m.Model,
		Serial: r.Serial, UUID: r.UUID, PSUs: m.PSUs, Bonds: m.Bonds, RootDisk: m.RootDisk, Batch: m.Batch, Project: m.Project, Labels: m.Labels, Tags: m.Tags,
		Replaces: m.ID, Power: PowerUnknown}
	if r.Part == PartBoard {
		next.Erased, next.AssetTag = m.Erased, m.AssetTag
		if next.Serial == "" {
			next.Serial = m.Serial
		}
	} else {
		next.Batch = ""
		next.RootDisk.Serial, next.RootDisk.WWN = "", ""
	}
	for _, n := range m.NICs {
		n.MAC = r.MACs[n.Name]
		next.NICs = append(next.NICs, n)
	}
	if m.BMC != nil {
		next.BMC = &BMC{Address: m.BMC.Address, Username: m.BMC.Username, MAC: r.BMCMAC}
	}
	return next
}
