package netbox

import (
	"slices"
	"strings"
)

// clean makes foreign text one line of bounded length.
func clean(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return ' '
		}
		return r
	}, s))
	if len(s) > 255 {
		s = strings.ToValidUTF8(s[:255], "")
	}
	return strings.TrimSpace(s)
}

// tags are the slugs of tags, each once.
func tags(list []Ref) (out []string) {
	for _, t := range list {
		if t.Slug != "" && !slices.Contains(out, t.Slug) {
			out = append(out, t.Slug)
		}
	}
	slices.Sort(out)
	return out
}

// labels leaves out what is empty.
func labels(pairs ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		if v := clean(pairs[i+1]); v != "" {
			out[pairs[i]] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// kilograms converts a weight of NetBox.
func kilograms(n Number, unit Choice) float64 {
	factor := map[Choice]float64{"kg": 1, "g": 0.001, "lb": 0.45359237, "oz": 0.028349523125}[unit]
	return round(float64(n) * factor)
}

// round keeps two decimals.
func round(f float64) float64 { return float64(int64(f*100+0.5)) / 100 }
