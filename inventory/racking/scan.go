package racking

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// Scanned is the source of identifiers that a person scanned.
const Scanned = "scan"

// MaxCodes bounds how many codes are scanned together.
const MaxCodes = 8

// Field is which identifier a hardware code is.
type Field string

// The fields.
const (
	Serial   Field = "serial"
	AssetTag Field = "asset-tag"
	UUID     Field = "uuid"
	BMCMAC   Field = "bmc-mac"
	NICMAC   Field = "mac"
	text     Field = "text" // a serial number or an asset tag: the form does not tell
)

// Reading is what one code is and to whom it belongs.
type Reading struct {
	Code  string          `json:"code"`
	Is    string          `json:"is" enum:"rack,machine,device,slot,cable,serial,asset-tag,uuid,bmc-mac,mac,text" doc:"text: a serial number or asset tag that nobody has yet"`
	Owner string          `json:"owner,omitempty" doc:"Machine, device or rack it belongs to"`
	Slot  *inventory.Slot `json:"slot,omitempty" doc:"Where its owner belongs"`
	Says  string          `json:"says"`

	field   Field
	value   string
	machine *inventory.Machine
	device  *inventory.Device
}

// Scan is what codes scanned together mean, and what binding them would do.
type Scan struct {
	Codes    []Reading `json:"codes" nullable:"false"`
	Place    *Standing `json:"place,omitempty" doc:"Where the person stands; absent when no code says it"`
	Binding  *Binding  `json:"binding,omitempty" doc:"What confirming records; absent without a place or without hardware codes"`
	Problems []string  `json:"problems,omitempty" nullable:"false" doc:"What contradicts the plan; nothing can be bound while there is any"`
	Bound    bool      `json:"bound" doc:"The binding was made"`

	machine *inventory.Machine
	device  *inventory.Device
}

// Standing is the machine or device of the place that was scanned.
type Standing struct {
	Owner string         `json:"owner"`
	ID    string         `json:"id"`
	Kind  inventory.Kind `json:"kind" enum:"machine,switch,pdu,chassis,panel,other"`
	Slot  inventory.Slot `json:"slot"`
}

// Binding is what is recorded when a person confirms.
type Binding struct {
	Set   []Setting       `json:"set,omitempty" nullable:"false" doc:"What the plan did not say and is learned"`
	Agree []Setting       `json:"agree,omitempty" nullable:"false" doc:"What is as planned"`
	Phase inventory.Phase `json:"phase,omitempty" doc:"Phase the machine moves to; absent when it stays"`
}

// Setting is one identifier and its value.
type Setting struct {
	Field Field  `json:"field" enum:"serial,asset-tag,uuid,bmc-mac,mac"`
	Value string `json:"value"`
}

// String is the identifier in words.
func (s Setting) String() string { return string(s.Field) + " " + s.Value }

// All lists every identifier of a binding.
func (b *Binding) All() []Setting { return slices.Concat(b.Agree, b.Set) }

// ReadCodes reads what a scanner typed, each code once.
func ReadCodes(codes []string) ([]inventory.Code, error) {
	if len(codes) == 0 || len(codes) > MaxCodes {
		return nil, fault.Invalidf("%d codes were scanned", len(codes)).WithHint("scan 1 to %d at a time", MaxCodes)
	}
	var out []inventory.Code
	for i, s := range codes {
		c, err := inventory.ParseCode(s)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Invalid, Message: err.Error(), Hint: fault.HintOf(err),
				Fields: []fault.Field{{Path: fmt.Sprintf("body.codes[%d]", i), Message: "cannot be read"}}}
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out, nil
}

// Scan says what codes mean where a person stands: at the spot, if it is not nil, else
// where the codes say. The view's inventory has everything that the codes may name.
func (v *View) Scan(codes []inventory.Code, spot *Spot) (*Scan, error) {
	s := &Scan{Codes: []Reading{}}
	if err := v.stand(s, codes, spot); err != nil {
		return nil, err
	}
	for _, c := range codes {
		s.Codes = append(s.Codes, v.read(c, s.Place))
	}
	v.checkLabels(s)
	v.bind(s)
	return s, nil
}

var uuidForm = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Hardware tells what a hardware code is by its form, and its value. A person may say it
// before a colon: serial:, asset:, mac:, uuid:. Twelve digits without a letter are rather a
// serial number than a MAC.
func Hardware(code string) (Field, string) {
	if kind, value, ok := strings.Cut(code, ":"); ok && value != "" {
		switch strings.ToLower(kind) {
		case "serial", "sn", "s/n":
			return Serial, strings.TrimSpace(value)
		case "asset", "asset-tag":
			return AssetTag, strings.TrimSpace(value)
		case "uuid":
			return UUID, strings.ToLower(strings.TrimSpace(value))
		case "mac":
			code = strings.TrimSpace(value)
		}
	}
	if uuidForm.MatchString(code) {
		return UUID, strings.ToLower(code)
	}
	if mac, err := inventory.ParseMAC(code); err == nil && strings.ContainsAny(code, "abcdefABCDEF:-.") {
		return BMCMAC, mac.String()
	}
	return text, code
}

// read says what one code is.
func (v *View) read(c inventory.Code, at *Standing) Reading {
	r := Reading{Code: c.String(), Is: string(c.Kind)}
	switch c.Kind {
	case inventory.RackCode:
		r.Owner, r.Says = c.Value, "rack "+c.Value
		if v.Inventory.Rack(c.Value) == nil {
			r.Owner, r.Says = "", "there is no rack "+c.Value
		}
	case inventory.MachineCode:
		r.machine, r.device = v.Inventory.Machine(c.Value), v.Inventory.Device(c.Value)
		r.own("label")
	case inventory.SlotCode:
		s := inventory.Slot{Rack: c.Value, U: c.U, Height: 1, Face: c.Face, Side: c.Side}
		r.Slot, r.Says = &s, "slot "+place(s)
	case inventory.CableCode:
		v.readCable(&r, c.Value)
	case inventory.HardwareCode:
		v.readHardware(&r, c.Value, at)
	}
	return r
}

// own fills in whose a code is.
func (r *Reading) own(what string) {
	switch {
	case r.machine != nil:
		r.Owner, r.Slot = r.machine.Name, r.machine.Slot
	case r.device != nil:
		r.Owner, r.Slot = r.device.Name, r.device.Slot
		if r.Is == string(inventory.MachineCode) {
			r.Is = "device"
		}
	default:
		r.Says = "nothing has this " + what
		return
	}
	r.Says = r.Owner + "'s " + what
	if r.Slot != nil {
		r.Says += ", " + place(*r.Slot)
	}
}

func (v *View) readCable(r *Reading, label string) {
	try := func(owner string, s *inventory.Slot, run Run) {
		if r.Owner == "" && (run.Cable.Label == label || owner+":"+run.Port == label) {
			r.Owner, r.Slot, r.Says = owner, s, "cable "+owner+":"+run.String()
		}
	}
	for i := range v.Inventory.Machines {
		m := &v.Inventory.Machines[i]
		nics, psus := machineRuns(m)
		for _, run := range slices.Concat(nics, psus) {
			try(m.Name, m.Slot, run)
		}
	}
	for i := range v.Inventory.Devices {
		for _, run := range deviceRuns(&v.Inventory.Devices[i]) {
			try(v.Inventory.Devices[i].Name, v.Inventory.Devices[i].Slot, run)
		}
	}
	if r.Owner == "" {
		r.Says = "the plan has no cable " + label
	}
}

// readHardware finds who has an identifier in the plan. Of several the one at the place
// counts. Twelve hexadecimal digits may be a MAC and a serial number.
func (v *View) readHardware(r *Reading, code string, at *Standing) {
	r.field, r.value = Hardware(code)
	v.claim(r, at)
	if r.machine == nil && r.device == nil && r.field == BMCMAC && !strings.ContainsAny(code, ":-.") {
		other := Reading{Code: r.Code, field: text, value: code}
		if v.claim(&other, at); other.machine != nil || other.device != nil {
			*r = other
		}
	}
	r.Is = string(r.field)
	r.own(map[Field]string{Serial: "serial number", AssetTag: "asset tag", UUID: "system UUID", BMCMAC: "BMC", NICMAC: "NIC"}[r.field])
	if r.Owner == "" {
		r.Says = "nobody has " + r.value + " yet"
	}
}

// claim finds the machine or device that has the reading's value.
func (v *View) claim(r *Reading, at *Standing) {
	field := r.field
	for i := range v.Inventory.Machines {
		m := &v.Inventory.Machines[i]
		here := at != nil && at.ID == m.ID
		if f := has(m, field, r.value); f != "" && m.Phase != inventory.Retired && (r.machine == nil || here) {
			r.field, r.machine = f, m
		}
	}
	if r.machine != nil && (at == nil || at.Kind == inventory.KindMachine) {
		return
	}
	for i := range v.Inventory.Devices {
		d := &v.Inventory.Devices[i]
		here := at != nil && at.ID == d.ID
		f := has(&inventory.Machine{Serial: d.Serial, AssetTag: d.AssetTag}, field, r.value)
		if f != "" && (here || (r.machine == nil && r.device == nil)) {
			r.field, r.device, r.machine = f, d, nil
		}
	}
}

// has returns which identifier of a machine a value is, "" for none.
func has(m *inventory.Machine, f Field, value string) Field {
	is := func(own string, as Field) bool {
		return own != "" && strings.EqualFold(strings.TrimSpace(own), value) && (f == as || f == text)
	}
	switch {
	case is(m.Serial, Serial) && !inventory.JunkSerial(m.Serial):
		return Serial
	case is(m.AssetTag, AssetTag):
		return AssetTag
	case is(m.UUID, UUID) && !inventory.JunkUUID(m.UUID):
		return UUID
	}
	mac, err := inventory.ParseMAC(value)
	if err != nil || (f != BMCMAC && f != text) {
		return ""
	}
	if m.BMC != nil && m.BMC.MAC == mac {
		return BMCMAC
	}
	if slices.ContainsFunc(m.NICs, func(n inventory.NIC) bool { return n.MAC == mac }) {
		return NICMAC
	}
	return ""
}
