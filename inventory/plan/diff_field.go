package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rackwright/inventory"
)

// differ collects the fields that are not the same before and after.
type differ struct{ list []FieldChange }

func (d *differ) add(field, old, now string) {
	if old != now {
		d.list = append(d.list, FieldChange{Field: field, Old: old, New: now})
	}
}

func (d *differ) number(field string, old, now float64) {
	if old != now {
		d.add(field, number(old), number(now))
	}
}

func (d *differ) flag(field string, old, now bool) {
	if old != now {
		d.add(field, flag(old), flag(now))
	}
}

// labels compares labels and tags, each by itself.
func (d *differ) labels(old, now map[string]string, oldTags, nowTags []string) {
	keys := map[string]bool{}
	for k := range old {
		keys[k] = true
	}
	for k := range now {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		d.add("label "+k, old[k], now[k])
	}
	if !slices.Equal(oldTags, nowTags) {
		d.add("tags", strings.Join(oldTags, ", "), strings.Join(nowTags, ", "))
	}
}

func (d *differ) waivers(old, now []inventory.Waiver) {
	if slices.Equal(old, now) {
		return
	}
	print := func(list []inventory.Waiver) string {
		return joined(list, func(w inventory.Waiver) string { return strings.TrimSpace(w.Rule+" "+w.On) + " (" + w.Reason + ")" })
	}
	d.add("waive", print(old), print(now))
}

// psus compares power supplies by name.
func (d *differ) psus(old, now []inventory.PSU) {
	pairs(old, now, func(p *inventory.PSU) string { return p.Name }, func(name string, a, b *inventory.PSU) { d.add("psu "+name, psuText(a), psuText(b)) })
	d.order("psu order", names(old, func(p *inventory.PSU) string { return p.Name }), names(now, func(p *inventory.PSU) string { return p.Name }))
}

// options compares DHCP options, each by its code.
func (d *differ) options(old, now []inventory.Option) {
	text := func(o *inventory.Option) string {
		if o == nil {
			return ""
		}
		if o.Always {
			return string(o.Type) + " " + o.Value + " (always)"
		}
		return string(o.Type) + " " + o.Value
	}
	pairs(old, now, func(o *inventory.Option) string { return o.String() },
		func(code string, a, b *inventory.Option) { d.add("option "+code, text(a), text(b)) })
}

// order tells when the same parts stand in another order.
func (d *differ) order(field string, old, now []string) {
	if len(old) == len(now) && !slices.Equal(old, now) && slices.Equal(slices.Sorted(slices.Values(old)), slices.Sorted(slices.Values(now))) {
		d.add(field, strings.Join(old, ", "), strings.Join(now, ", "))
	}
}

func names[T any](list []T, name func(*T) string) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = name(&list[i])
	}
	return out
}

// pairs calls f for each part by name: with nil for what was or is not there.
func pairs[T any](old, now []T, name func(*T) string, f func(name string, old, now *T)) {
	find := func(list []T, i int, n string) *T {
		if i < len(list) && name(&list[i]) == n {
			return &list[i]
		}
		for j := range list {
			if name(&list[j]) == n {
				return &list[j]
			}
		}
		return nil
	}
	for i := range now {
		n := name(&now[i])
		f(n, find(old, i, n), &now[i])
	}
	for i := range old {
		if n := name(&old[i]); find(now, i, n) == nil {
			f(n, &old[i], nil)
		}
	}
}

// psuText is never empty for a supply that is there.
func psuText(p *inventory.PSU) string {
	if p == nil {
		return ""
	}
	return words("inlet", string(p.Connector), unit(p.Watts, "W"), pair("serial", p.Serial), pair("model", p.Model), cableText(p.Cable))
}

func cableText(c *inventory.Cable) string {
	if c == nil {
		return ""
	}
	return words("-> "+c.To.String(), c.Type, unit(c.LengthM, "m"), pair("label", c.Label))
}

func portText(p *inventory.Port) string {
	return words(p.Name, string(p.Connector), pair("circuit", p.Circuit), cableText(p.Cable))
}

func words(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), " ")
}

func pair(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}

func unit(x float64, of string) string {
	if x == 0 {
		return ""
	}
	return number(x) + " " + of
}

func number(x float64) string {
	if x == 0 {
		return ""
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func flag(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func joined[T any](list []T, print func(T) string) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = print(x)
	}
	return strings.Join(parts, ", ")
}

// slotText is a place as people call it.
func slotText(s *inventory.Slot) string {
	switch {
	case s == nil:
		return ""
	case s.Chassis != "":
		return fmt.Sprintf("%s %s bay %s", s.Rack, s.Chassis, s.Bay)
	case s.U == 0:
		return words(s.Rack, "beside the units", string(s.Face))
	}
	return words(s.Rack, "u"+strconv.Itoa(s.U), "height", strconv.Itoa(s.Height), string(s.Face), string(s.Side))
}
