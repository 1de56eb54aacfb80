package racking

import (
	"fmt"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// SignOff is the record of a rack that is done: who says so, and on what grounds. It is
// never changed.
type SignOff struct {
	ID       string          `json:"id"`
	Rack     string          `json:"rack"`
	At       time.Time       `json:"at"`
	By       string          `json:"by"`
	Note     string          `json:"note,omitempty"`
	Machines []SignedMachine `json:"machines" nullable:"false"`
	Devices  []SignedDevice  `json:"devices,omitempty" nullable:"false"`
}

// SignedMachine is one machine as it stood when the rack was signed off.
type SignedMachine struct {
	Name     string              `json:"name"`
	ID       string              `json:"id"`
	Slot     inventory.Slot      `json:"slot"`
	Phase    inventory.Phase     `json:"phase" enum:"planned,racked,discovered,verified,ready,active,maintenance,retired"`
	Vendor   string              `json:"vendor,omitempty"`
	Model    string              `json:"model,omitempty"`
	Serial   string              `json:"serial,omitempty"`
	AssetTag string              `json:"asset_tag,omitempty"`
	UUID     string              `json:"uuid,omitempty"`
	BMC      inventory.MAC       `json:"bmc_mac,omitzero"`
	MACs     []PortMAC           `json:"macs,omitempty" nullable:"false"`
	Firmware []inventory.Version `json:"firmware,omitempty" nullable:"false"`
	Cables   []RunPlace          `json:"cables,omitempty" nullable:"false"`
	Waivers  []SignedWaiver      `json:"waivers,omitempty" nullable:"false" doc:"Conditions and rules that were let pass"`
	Steps    []Task              `json:"steps" nullable:"false"`
}

// SignedDevice is one device as it stood when the rack was signed off.
type SignedDevice struct {
	Name     string         `json:"name"`
	ID       string         `json:"id"`
	Kind     inventory.Kind `json:"kind" enum:"switch,pdu,chassis,panel,other"`
	Slot     inventory.Slot `json:"slot"`
	Model    string         `json:"model,omitempty"`
	Serial   string         `json:"serial,omitempty"`
	AssetTag string         `json:"asset_tag,omitempty"`
	Cables   []RunPlace     `json:"cables,omitempty" nullable:"false"`
	Steps    []Task         `json:"steps" nullable:"false"`
}

// SignedWaiver is something that was let pass.
type SignedWaiver struct {
	What   string    `json:"what" doc:"Condition or rule, with its part"`
	Reason string    `json:"reason"`
	By     string    `json:"by,omitempty" doc:"Absent: the plan"`
	At     time.Time `json:"at,omitzero"`
}

// SignOff makes the record of the view's rack. While a step is open or held it is a
// Conflict that names what is.
func (v *View) SignOff(by, note string, now time.Time) (*SignOff, error) {
	if len(note) > MaxReason {
		return nil, fault.Invalidf("the note is longer than %d bytes", MaxReason).WithHint("say it shorter")
	}
	sheet := v.Sheet(now)
	if len(sheet.Items) == 0 {
		return nil, fault.Conflictf("rack %s is empty", v.Rack).WithHint("there is nothing to sign off before something is planned in it")
	}
	if err := sheet.closed(); err != nil {
		return nil, err
	}
	out := &SignOff{Rack: v.Rack, At: now, By: by, Note: note, Machines: []SignedMachine{}}
	for _, it := range sheet.Items {
		if it.Kind == inventory.KindMachine {
			out.Machines = append(out.Machines, v.signMachine(v.Inventory.Machine(it.Owner), it))
		} else {
			out.Devices = append(out.Devices, signDevice(v.Inventory.Device(it.Owner), it))
		}
	}
	return out, nil
}

// maxOpen bounds how many open steps a refusal names.
const maxOpen = 8

func (s *Sheet) closed() error {
	if s.Open == 0 {
		return nil
	}
	var list []string
	for _, it := range s.Items {
		for _, st := range it.Steps {
			if !st.closed() && len(list) < maxOpen {
				list = append(list, fmt.Sprintf("%s %s (%s)", it.Owner, st.Name, st.State))
			}
		}
	}
	more := ""
	if s.Open > len(list) {
		more = fmt.Sprintf(" and %d more", s.Open-len(list))
	}
	return fault.Conflictf("rack %s has %d open steps: %s%s", s.Rack, s.Open, strings.Join(list, ", "), more).
		WithHint("'rackwright rack tasks %s' says what to do; what has to pass as it is can be waived with a reason", s.Rack)
}

func (v *View) signMachine(m *inventory.Machine, it Item) SignedMachine {
	e := v.expectedMachine(m)
	out := SignedMachine{Name: m.Name, ID: m.ID, Slot: it.Slot, Phase: m.Phase, Vendor: m.Vendor, Model: m.Model, Serial: m.Serial,
		AssetTag: m.AssetTag, UUID: m.UUID, MACs: e.MACs, Cables: e.Cables, Steps: it.Steps}
	if m.BMC != nil {
		out.BMC = m.BMC.MAC
	}
	if m.Facts != nil {
		out.Firmware = m.Facts.Versions
		if len(out.Firmware) == 0 && m.Facts.System.BIOSVersion != "" {
			out.Firmware = []inventory.Version{{Component: "bios", Version: m.Facts.System.BIOSVersion}}
		}
	}
	for _, c := range m.Conditions {
		if c.Waived.By != "" {
			out.Waivers = append(out.Waivers, SignedWaiver{What: conditionName(c), Reason: c.Waived.Reason, By: c.Waived.By, At: c.Waived.At})
		}
	}
	for _, w := range m.Waivers {
		out.Waivers = append(out.Waivers, SignedWaiver{What: strings.TrimSuffix(w.Rule+"/"+w.On, "/"), Reason: w.Reason})
	}
	return out
}

func signDevice(d *inventory.Device, it Item) SignedDevice {
	return SignedDevice{Name: d.Name, ID: d.ID, Kind: d.Kind, Slot: it.Slot, Model: d.Model, Serial: d.Serial, AssetTag: d.AssetTag,
		Cables: runPlaces(deviceRuns(d)), Steps: it.Steps}
}
