package netbox

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Choice is a value of a fixed list. NetBox writes {"value": "front", "label": "Front"},
// or the value alone.
type Choice string

// UnmarshalJSON reads either form; null is "".
func (c *Choice) UnmarshalJSON(text []byte) error {
	text = bytes.TrimSpace(text)
	var v struct {
		Value any `json:"value"`
	}
	if len(text) > 0 && text[0] == '{' {
		if err := json.Unmarshal(text, &v); err != nil {
			return err
		}
	} else if err := json.Unmarshal(text, &v.Value); err != nil {
		return err
	}
	switch v := v.Value.(type) {
	case string:
		*c = Choice(v)
	case float64:
		*c = Choice(strconv.FormatFloat(v, 'g', -1, 64))
	case bool:
		*c = Choice(strconv.FormatBool(v))
	}
	return nil
}

// Number is a number that NetBox may write as text ("2.50").
type Number float64

// UnmarshalJSON reads either form; null is 0.
func (n *Number) UnmarshalJSON(text []byte) error {
	s := strings.Trim(string(bytes.TrimSpace(text)), `"`)
	if s == "null" || s == "" {
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	*n = Number(v)
	return err
}
