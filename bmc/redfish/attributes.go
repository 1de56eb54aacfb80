package redfish

import (
	"encoding/json"
	"strconv"

	"github.com/stmcginnis/gofish/schemas"
)

// maxAttributes bounds the BIOS attributes kept; a PowerEdge has about 500, and Intel's
// reference BIOS with every knob open about 1,800.
const maxAttributes = 2000

// bios is what we use of the Bios schema.
type bios struct {
	resource
	Attributes        map[string]json.RawMessage
	AttributeRegistry string
}

// attributes reads the BIOS settings in force, as text; a BMC without them is no error.
func attributes(client schemas.Client, s *system) (map[string]string, error) {
	if s.Bios.URI == "" {
		return nil, nil
	}
	b, err := get[bios](client, s.Bios.URI)
	if err != nil {
		return nil, err
	}
	return b.text(), nil
}

// plainText is an attribute's value: strings, numbers and booleans only (DMTF
// AttributeRegistry types). A null is a value that is not known.
func plainText(raw json.RawMessage) (string, bool) {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return "", false
	}
	switch v := value.(type) {
	case string:
		return tidy(v), true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return tidy(string(raw)), true
	}
	return "", false
}
