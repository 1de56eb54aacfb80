package draw

import (
	"strconv"

	"rackwright/fault"
	"rackwright/inventory"
)

// Sizes of an elevation, in SVG's user units (pixels at 96 dpi).
const (
	unitHeight = 24.0
	inner      = 360.0 // width between the rails
	rail       = 26.0  // for the unit's number, on both sides
	lane       = 22.0  // for a vertical PDU
	heading    = 30.0
	margin     = 10.0
	between    = 26.0 // front and rear
	charWidth  = 6.2  // of 11 px sans-serif, on average
)

// Bounds of an elevation.
const (
	maxUnits = 100
	maxItems = 2000
	maxLanes = 8
)

// Options of an elevation.
type Options struct {
	// Link gives the address behind a machine or device; nil or "": no link.
	Link func(kind inventory.Kind, name string) string
}

// elevation draws one rack.
type elevation struct {
	pen
	options Options
	rack    *inventory.Rack
	scene   scene
}

// Elevation draws the front, the rear, or both side by side (inventory.Both) of a rack as
// SVG. The rear is seen from the rear: what is left in front is right there.
func Elevation(inv *inventory.Inventory, rack string, face inventory.Face, o Options) ([]byte, error) {
	r := inv.Rack(rack)
	if r == nil {
		return nil, fault.NotFoundf("no rack %q", rack).WithHint("'rackwright rack list' shows the racks")
	}
	if r.Units < 1 || r.Units > maxUnits {
		return nil, fault.Invalidf("rack %s has %d units; 1 to %d can be drawn", rack, r.Units, maxUnits)
	}
	faces := []inventory.Face{face}
	switch face {
	case inventory.Both, "":
		faces = []inventory.Face{inventory.Front, inventory.Rear}
	case inventory.Front, inventory.Rear:
	default:
		return nil, fault.Invalidf("a rack has no face %q", face).WithHint("ask for front, rear or both")
	}
	s, err := sceneOf(inv, r)
	if err != nil {
		return nil, err
	}
	e := &elevation{options: o, rack: r, scene: s}
	e.b = make([]byte, 0, 8<<10+len(faces)*len(s.items)*700)
	e.draw(faces)
	return e.b, nil
}

func (e *elevation) draw(faces []inventory.Face) {
	widths := make([]float64, len(faces))
	width := 2*margin + between*float64(len(faces)-1)
	for i, f := range faces {
		widths[i] = 2*rail + inner + lane*float64(len(e.scene.lanes(f)))
		width += widths[i]
	}
	height := 2*margin + heading + unitHeight*float64(e.rack.Units)
	e.raw(`<svg xmlns="http://www.w3.org/2000/svg" role="graphics-document" aria-labelledby="t d"`).
		set("width", width).set("height", height).raw(` viewBox="0 0 `).num(width).raw(" ").num(height).raw(`">` + "\n")
	e.raw(`<title id="t">Rack `).text(e.rack.Name).raw("</title>\n<desc id=\"d\">").text(e.describe()).raw("</desc>\n")
	e.raw(styles)
	x := margin
	for i, f := range faces {
		e.face(f, x)
		x += widths[i] + between
	}
	e.raw("</svg>\n")
}

// describe is the picture in a sentence.
func (e *elevation) describe() string {
	machines, devices := 0, 0
	for i := range e.scene.items {
		switch e.scene.items[i].kind {
		case inventory.KindMachine:
			machines++
		case reservation:
		default:
			devices++
		}
	}
	from := "unit 1 at the bottom"
	if e.rack.Numbering == inventory.NumberedDown {
		from = "unit 1 at the top"
	}
	return e.rack.Site + ": " + strconv.Itoa(e.rack.Units) + " units, " + from + "; " +
		strconv.Itoa(machines) + " machines, " + strconv.Itoa(devices) + " devices"
}

// face draws one side of the rack, its left edge at x.
func (e *elevation) face(f inventory.Face, x float64) {
	left := x + rail
	top := margin + heading
	height := unitHeight * float64(e.rack.Units)
	e.raw(`<g role="group"`).attr("aria-label", e.rack.Name+" "+string(f)).raw(">\n")
	e.raw(`<text class="head"`).set("x", left).set("y", margin+18).raw(">").text(e.rack.Name).raw(" ").raw(string(f)).raw("</text>\n")
	e.raw(`<rect class="bay"`).box(rect{left, top, inner, height}).raw("/>\n")
	e.grid(left, top)
	for i := range e.scene.items {
		it := &e.scene.items[i]
		if it.slot.U >= 1 && it.seen(f) {
			e.item(it, e.place(it, f, left, top), f == inventory.Rear && it.slot.Face != inventory.Rear)
		}
	}
	for i, it := range e.scene.lanes(f) {
		e.upright(it, rect{left + inner + rail + lane*float64(i), top, lane, height}.inset(1))
	}
	e.raw("</g>\n")
}

// grid draws the lines between units as one path, and the numbers on both rails.
func (e *elevation) grid(left, top float64) {
	e.raw(`<path class="line" d="`)
	for row := 1; row < e.rack.Units; row++ {
		e.raw("M").num(left).raw(" ").num(top + unitHeight*float64(row)).raw("h").num(inner)
	}
	e.raw("\"/>\n")
	for _, at := range []float64{left - rail/2, left + inner + rail/2} {
		e.raw(`<g class="u">`)
		for row := range e.rack.Units {
			e.raw("<text").set("x", at).set("y", top+unitHeight*float64(row)+16).raw(">").num(float64(e.unit(row))).raw("</text>")
		}
		e.raw("</g>\n")
	}
}

// unit is the number of the row, counted from the top, 0 first.
func (e *elevation) unit(row int) int {
	if e.rack.Numbering == inventory.NumberedDown {
		return row + 1
	}
	return e.rack.Units - row
}

// place is where an item is drawn. A side is as seen from the front.
func (e *elevation) place(it *item, f inventory.Face, left, top float64) rect {
	row := it.slot.U - 1
	if e.rack.Numbering != inventory.NumberedDown {
		row = e.rack.Units - (it.slot.U - 1) - it.slot.Height
	}
	r := rect{left, top + unitHeight*float64(row), inner, unitHeight * float64(it.slot.Height)}
	if it.slot.Side != inventory.FullWidth {
		r.w /= 2
		if (it.slot.Side == inventory.RightHalf) != (f == inventory.Rear) {
			r.x += r.w
		}
	}
	return r.inset(1)
}
