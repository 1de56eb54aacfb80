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
	Phase inventory.Phase `json:"phase,omitempty" enum:"planned,racked,discovered,verified,ready,active,maintenance,retired" doc:"Phase the machine moves to; absent when it stays"`
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
