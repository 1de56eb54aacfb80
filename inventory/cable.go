package inventory

import "strings"

// Connector is the form of a socket.
type Connector string

// The connectors. Speeds are not told apart: sfp is every SFP cage (SFP+, SFP28, ...).
const (
	RJ45 Connector = "rj45"
	SFP  Connector = "sfp"
	QSFP Connector = "qsfp"
	OSFP Connector = "osfp"
	C13  Connector = "c13" // outlet (IEC 60320)
	C14  Connector = "c14" // inlet
	C19  Connector = "c19" // outlet
	C20  Connector = "c20" // inlet
)

// Cable is a planned cable, seen from the end that plans it.
type Cable struct {
	To      End     `json:"to" yaml:"to" doc:"The other end, OWNER:PORT, e.g. leaf-1:14 or pdu-a:7"`
	Type    string  `json:"type,omitempty" yaml:"type,omitempty" doc:"cat5e, cat6, cat6a, dac, aoc, mmf, smf, breakout; c14-c13, c20-c19 or c20-c13. Default: the one that fits, where only one does"`
	LengthM float64 `json:"length_m,omitempty" yaml:"length_m,omitempty"`
	Label   string  `json:"label,omitempty" yaml:"label,omitempty"`
}

// End is where a cable ends.
type End struct {
	Owner string // name of the machine or device
	Port  string
}

// String is OWNER:PORT.
func (e End) String() string { return e.Owner + ":" + e.Port }

// MarshalText writes OWNER:PORT.
func (e End) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads OWNER:PORT. A name has no colon, a port may have some.
func (e *End) UnmarshalText(text []byte) error {
	e.Owner, e.Port, _ = strings.Cut(string(text), ":")
	return nil
}
