package draw

import (
	"strconv"
	"unicode/utf8"

	"rackwright/inventory"
)

// styles are the colours, for light and for dark surroundings, and the hatch of what
// takes the depth behind something. Every state is also written out: nothing is told by
// colour alone.
const styles = `<style>
svg{background:#fff;font:11px ui-sans-serif,system-ui,sans-serif}
text{fill:#111}.head{font-size:14px;font-weight:bold}.u text{text-anchor:middle;font-size:10px;fill:#555}
.bay{fill:#f6f6f6;stroke:#444;stroke-width:2}.line{stroke:#d9d9d9;fill:none}.h{fill:url(#hatch)}
.b{stroke:#555;fill:#e4e4ec}.n{font-weight:bold}.m{fill:#333}.s{fill:#333;text-anchor:end}
.planned{fill:#fff;stroke-dasharray:4 3}.racked{fill:#ececf8}.discovered{fill:#d8e6fb}.verified{fill:#d3edf0}.ready{fill:#d6f0d3}
.active{fill:#a9dfb0}.maintenance{fill:#fbe3ab}.reserved{fill:url(#hatch);stroke-dasharray:2 3}.empty{fill:none;stroke-dasharray:1 3}
.c{fill:#b3261e}.ct{fill:#fff;font-weight:bold;text-anchor:middle;font-size:10px}.hl{stroke:#999}
a:focus .b,a:hover .b{stroke:#000;stroke-width:2}
@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#f2f2f2}.u text{fill:#aaa}.m,.s{fill:#d8d8d8}
.bay{fill:#1f2227;stroke:#999}.line{stroke:#33373e}.b{stroke:#9aa;fill:#3a3d46}.planned{fill:#1f2227}.racked{fill:#34344e}.discovered{fill:#1f3a5f}
.verified{fill:#17474d}.ready{fill:#23502a}.active{fill:#1d6b33}.maintenance{fill:#6b4e0c}.reserved{fill:url(#hatch)}.empty{fill:none}.hl{stroke:#777}
a:focus .b,a:hover .b{stroke:#fff}}
</style>
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hl" d="M0 0v6"/></pattern></defs>
`

// item draws one thing: its box, its words, its conditions. From behind it is hatched.
func (e *elevation) item(it *item, r rect, behind bool) {
	end := e.begin(it)
	e.raw(`<rect class="b`)
	switch {
	case it.kind == reservation:
		e.raw(" reserved")
	case it.state != "" && inventory.Phase(it.state).Known():
		e.raw(" ").raw(it.state)
	case it.name == "":
		e.raw(" empty")
	}
	e.raw(`" rx="2"`).box(r).raw("/>")
	if behind && it.kind != reservation {
		e.raw(`<rect class="h"`).box(r).raw("/>")
	}
	switch {
	case it.kind == reservation:
		e.line("m", r.x+6, r.y+15, fit("reserved: "+it.name, r.w-12, charWidth))
	case len(it.nodes) > 0:
		e.raw(end) // a link has no links in it
		e.nodes(it, r, behind)
		return
	default:
		e.words(it, r)
	}
	e.raw(end)
}

// begin opens the group of an item, or its link, and returns what closes it.
func (e *elevation) begin(it *item) string {
	href := ""
	if e.options.Link != nil && it.kind != reservation && it.name != "" {
		href = e.options.Link(it.kind, it.name)
	}
	open, end := "<g>", "</g>\n"
	if href != "" {
		open, end = "<a", "</a>\n"
	}
	e.raw(open)
	if href != "" {
		e.attr("href", href).raw(">")
	}
	e.raw("<title>").text(it.whole()).raw("</title>")
	return end
}

// words writes name, model, and the state with the end of the serial number.
func (e *elevation) words(it *item, r rect) {
	y := r.y + 15
	right := r.x + r.w - 5
	if n := len(it.conditions); n > 0 {
		right -= 22
		e.raw(`<rect class="c" rx="7"`).box(rect{right + 4, r.y + 4, 20, 14}).raw(`/><text class="ct"`).
			set("x", right+14).set("y", y).raw(">").raw(strconv.Itoa(min(n, 99))).raw("!</text>")
	}
	state := it.state
	if it.held {
		state = "held"
	}
	if it.serial != "" {
		if state != "" {
			state += " "
		}
		state += tail(it.serial, 6)
	}
	room := right - r.x - 10
	name := fit(it.name, room, charWidth*1.1)
	e.line("n", r.x+5, y, name)
	taken := float64(utf8.RuneCountInString(name)+1) * charWidth * 1.1
	room -= taken
	if s := fit(state, room, charWidth); s != "" {
		e.line("s", right, y, s)
		room -= float64(utf8.RuneCountInString(s)+1) * charWidth
	}
	if m := fit(it.model, room, charWidth); m != "" {
		e.line("m", r.x+5+taken, y, m)
	}
}

func (e *elevation) line(class string, x, y float64, s string) {
	e.raw(`<text class="`).raw(class).raw(`"`).set("x", x).set("y", y).raw(">").text(s).raw("</text>")
}

// nodes draws the bays of a chassis, as many rows as it has units; its own name stands on
// the left.
func (e *elevation) nodes(it *item, r rect, behind bool) {
	const own = 70.0
	e.line("n", r.x+5, r.y+15, fit(it.name, own-6, charWidth*1.1))
	rows := min(max(1, it.slot.Height), len(it.nodes))
	columns := (len(it.nodes) + rows - 1) / rows
	w, h := (r.w-own)/float64(columns), r.h/float64(rows)
	for i := range it.nodes {
		n := &it.nodes[i]
		at := i % columns
		if behind {
			at = columns - 1 - at
		}
		cell := rect{r.x + own + w*float64(at), r.y + h*float64(i/columns), w, h}.inset(1)
		e.item(n, cell, behind)
	}
}

// upright draws what stands beside the units, its words along it.
func (e *elevation) upright(it *item, r rect) {
	end := e.begin(it)
	e.raw(`<rect class="b" rx="2"`).box(r).raw("/>")
	x, y := r.x+r.w/2+4, r.y+r.h-6
	e.raw(`<text class="n"`).set("x", x).set("y", y).raw(` transform="rotate(-90 `).num(x).raw(" ").num(y).raw(`)">`).
		text(fit(it.name+" "+it.model, r.h-12, charWidth*1.1)).raw("</text>")
	e.raw(end)
}
