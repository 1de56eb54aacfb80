// Package draw makes pictures of the inventory: the elevation of a rack as SVG, labels as
// SVG and PDF. It is pure: the same inventory gives the same bytes, and nothing in a
// picture refers to the outside but the links it was asked for.
package draw

import (
	"strconv"
	"unicode/utf8"
)

// pen writes SVG. Names and values are ours; text and attributes from the inventory go
// through text and attr, which escape.
type pen struct{ b []byte }

// raw writes markup of ours.
func (p *pen) raw(s string) *pen {
	p.b = append(p.b, s...)
	return p
}

// num writes a number with at most two decimals.
func (p *pen) num(v float64) *pen {
	if v == float64(int64(v)) {
		p.b = strconv.AppendInt(p.b, int64(v), 10)
		return p
	}
	p.b = strconv.AppendFloat(p.b, v, 'f', 2, 64)
	for p.b[len(p.b)-1] == '0' {
		p.b = p.b[:len(p.b)-1]
	}
	return p
}

// set writes an attribute that is a number.
func (p *pen) set(name string, v float64) *pen {
	p.raw(" ").raw(name).raw(`="`)
	return p.num(v).raw(`"`)
}

// box writes the attributes of a rectangle.
func (p *pen) box(r rect) *pen {
	return p.set("x", r.x).set("y", r.y).set("width", r.w).set("height", r.h)
}

// attr writes an attribute from the inventory.
func (p *pen) attr(name, value string) *pen {
	return p.raw(" ").raw(name).raw(`="`).text(value).raw(`"`)
}

// text writes escaped character data. What XML 1.0 (section 2.2) has no place for is left
// out.
func (p *pen) text(s string) *pen {
	for _, r := range s {
		switch {
		case r == '&':
			p.raw("&amp;")
		case r == '<':
			p.raw("&lt;")
		case r == '>':
			p.raw("&gt;")
		case r == '"':
			p.raw("&quot;")
		case r == '\'':
			p.raw("&#39;")
		case r == '\t' || r == '\n' || r == '\r':
			p.raw(" ")
		case r < ' ' || r == 0x7f || r == utf8.RuneError || r == 0xfffe || r == 0xffff:
		default:
			p.b = utf8.AppendRune(p.b, r)
		}
	}
	return p
}

// rect is a place on the page; x grows to the right, y down.
type rect struct{ x, y, w, h float64 }

// inset is the rectangle without a margin.
func (r rect) inset(by float64) rect {
	return rect{r.x + by, r.y + by, max(0, r.w-2*by), max(0, r.h-2*by)}
}

// fit cuts text to what a width has room for; per is the width of a character.
func fit(s string, width, per float64) string {
	room := int(width / per)
	if utf8.RuneCountInString(s) <= room {
		return s
	}
	if room < 2 {
		return ""
	}
	runes := []rune(s)
	return string(runes[:room-1]) + "…"
}

// tail is the end of a text, which tells serial numbers apart.
func tail(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	return "…" + string(runes[len(runes)-n:])
}
