package draw

import "strconv"

// svgCanvas draws labels as SVG, in millimetres.
type svgCanvas struct {
	pen
	sheet Sheet
	pages int
	top   float64 // of the page
	begun bool
}

func (c *svgCanvas) start() {
	h := c.sheet.Height * float64(c.pages)
	c.raw(`<svg xmlns="http://www.w3.org/2000/svg" role="img" width="`).num(c.sheet.Width).raw(`mm" height="`).num(h).raw(`mm" viewBox="0 0 `).
		num(c.sheet.Width).raw(" ").num(h).raw(`" font-family="Helvetica, Arial, sans-serif">` + "\n<title>Labels</title>\n").
		raw(`<rect fill="#fff"`).box(rect{0, 0, c.sheet.Width, h}).raw("/>\n")
}

func (c *svgCanvas) page() {
	if c.begun {
		c.top += c.sheet.Height
	}
	c.begun = true
}

func (c *svgCanvas) code(m matrix, at rect) {
	c.raw(`<path shape-rendering="crispEdges" transform="translate(`).num(at.x).raw(" ").num(c.top + at.y).raw(") scale(")
	c.b = strconv.AppendFloat(c.b, at.w/float64(m.n), 'f', 5, 64)
	c.raw(`)" d="`)
	m.runs(func(x, y, length int) {
		c.raw("M").num(float64(x)).raw(" ").num(float64(y)).raw("h").num(float64(length)).raw("v1h-").num(float64(length)).raw("z")
	})
	c.raw("\"/>\n")
}

func (c *svgCanvas) text(x, y, size float64, bold bool, s string) {
	c.raw("<text").set("x", x).set("y", c.top+y).set("font-size", size)
	if bold {
		c.raw(` font-weight="bold"`)
	}
	c.pen.raw(">").text(s).raw("</text>\n")
}

func (c *svgCanvas) end() []byte { return c.raw("</svg>\n").b }
