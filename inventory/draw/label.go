package draw

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rackwright/fault"
	"rackwright/inventory"
)

// MaxLabels bounds one print.
const MaxLabels = 5000

// Label is what one sticker says: its code, as QR code and as text, and lines, the first
// of them large.
type Label struct {
	Code  inventory.Code
	Lines []string
}

// Sheet is the paper: a page of labels side by side, or a page per label. Millimetres.
type Sheet struct {
	Width, Height float64
	Columns, Rows int
	Margin, Gap   float64 // around the page, and between labels
}

// Single is a roll of labels, one a page.
func Single(width, height float64) Sheet {
	return Sheet{Width: width, Height: height, Columns: 1, Rows: 1}
}

// DefaultLabel is a common size of label printers' rolls (Brother DK-11209).
func DefaultLabel() Sheet { return Single(62, 29) }

// A4 is a sheet of stickers (ISO 216), columns by rows of them.
func A4(columns, rows int) Sheet {
	return Sheet{Width: 210, Height: 297, Columns: columns, Rows: rows, Margin: 8, Gap: 2}
}

// Bounds of a sheet, in millimetres and labels.
const (
	minWidth, minHeight = 20, 10
	maxSide             = 1000
	maxColumns          = 20
	minModule           = 0.25 // of a QR code: two dots of a 203 dpi printer
)

// check refuses what nothing fits on.
func (s Sheet) check() error {
	if !(s.Width <= maxSide && s.Height <= maxSide && s.Margin >= 0 && s.Gap >= 0) || s.Columns < 1 || s.Rows < 1 || s.Columns > maxColumns || s.Rows > 5*maxColumns {
		return fault.Invalidf("a sheet of %g by %g mm with %d by %d labels cannot be printed", s.Width, s.Height, s.Columns, s.Rows).
			WithHint("at most %d mm a side, %d columns and %d rows", maxSide, maxColumns, 5*maxColumns)
	}
	if r := s.cell(0); !(r.w >= minWidth && r.h >= minHeight) {
		return fault.Invalidf("labels of %.0f by %.0f mm are too small", r.w, r.h).
			WithHint("a label is at least %d by %d mm: choose a larger size, or fewer columns and rows", minWidth, minHeight)
	}
	return nil
}

// cell is where label i of a page is.
func (s Sheet) cell(i int) rect {
	w := (s.Width - 2*s.Margin - s.Gap*float64(s.Columns-1)) / float64(s.Columns)
	h := (s.Height - 2*s.Margin - s.Gap*float64(s.Rows-1)) / float64(s.Rows)
	return rect{s.Margin + float64(i%s.Columns)*(w+s.Gap), s.Margin + float64(i/s.Columns)*(h+s.Gap), w, h}
}

func (s Sheet) perPage() int { return s.Columns * s.Rows }

// canvas is what labels are drawn on. Lengths are millimetres, y goes down.
type canvas interface {
	page()
	code(m matrix, at rect)
	text(x, y, size float64, bold bool, s string) // y is the base line
}

// LabelsSVG draws labels as SVG, pages one below the other.
func LabelsSVG(labels []Label, s Sheet) ([]byte, error) {
	c := &svgCanvas{sheet: s, pages: (len(labels) + max(1, s.perPage()) - 1) / max(1, s.perPage())}
	if err := put(c, labels, s, c.start); err != nil {
		return nil, err
	}
	return c.end(), nil
}

// LabelsPDF draws labels as PDF. The date is what the file says of its making; the same
// labels and date are the same bytes.
func LabelsPDF(labels []Label, s Sheet, date time.Time) ([]byte, error) {
	c := &pdfCanvas{sheet: s}
	if err := put(c, labels, s, func() { c.start(date) }); err != nil {
		return nil, err
	}
	return c.end()
}

// put lays labels out on pages.
func put(c canvas, labels []Label, s Sheet, start func()) error {
	switch err := s.check(); {
	case err != nil:
		return err
	case len(labels) == 0:
		return fault.NotFoundf("nothing to label").WithHint("ask for another kind of label, or plan machines and cables first")
	case len(labels) > MaxLabels:
		return fault.Invalidf("%d labels are too many", len(labels)).WithHint("print at most %d at a time", MaxLabels)
	}
	start()
	codes := map[string]matrix{} // both ends of a cable have one
	for i, l := range labels {
		if i%s.perPage() == 0 {
			c.page()
		}
		text := l.Code.String()
		m, known := codes[text]
		if !known {
			var err error
			if m, err = encode(text); err != nil {
				return err
			}
			codes[text] = m
		}
		if err := l.put(c, m, s.cell(i%s.perPage())); err != nil {
			return err
		}
	}
	return nil
}

// put draws one label: the QR code on the left, words on the right, the code as text at
// the bottom, to type it where nothing scans.
func (l Label) put(c canvas, m matrix, r rect) error {
	side := min(r.h, r.w*0.45)
	module := side / float64(m.n+2*quiet)
	if module < minModule {
		return fault.Invalidf("the QR code of %q is too fine for a label of %.0f by %.0f mm", l.Code, r.w, r.h).
			WithHint("use a larger label or shorter names")
	}
	zone := quiet * module
	c.code(m, rect{r.x + zone, r.y + (r.h-side)/2 + zone, side - 2*zone, side - 2*zone})
	x := r.x + side
	width := r.w - side - 1
	large, small, tiny := min(r.h*0.22, 7), min(r.h*0.13, 4), min(r.h*0.08, 2)
	y := r.y + 1 + large
	last := r.y + r.h - 1.5 - tiny
	for i, line := range l.Lines {
		size, bold := small, false
		if i == 0 {
			size, bold = large, true
		}
		if line == "" || y > last {
			continue
		}
		size, line = shrink(line, size, width)
		c.text(x, y, size, bold, line)
		y += small * 1.3
	}
	size, code := shrink(l.Code.String(), tiny, width)
	c.text(x, r.y+r.h-1, size, false, code)
	return nil
}

// em is the width of a character of bold Helvetica in its size, a little more than the
// average of names.
const em = 0.6

// shrink makes text small enough for a width, and cuts what would not be readable.
func shrink(s string, size, width float64) (float64, string) {
	const least = 1.4 // mm, about 4 points
	if n := float64(utf8.RuneCountInString(s)); n*em*size > width {
		size = min(size, max(least, width/(n*em)))
	}
	return size, fit(s, width, em*size)
}

// place is a slot in words.
func place(s *inventory.Slot) string {
	if s == nil {
		return ""
	}
	parts := []string{s.Rack}
	if s.Chassis != "" {
		parts = append(parts, s.Chassis)
	}
	if u := units(*s); u != "" {
		parts = append(parts, u)
	}
	if s.Face == inventory.Rear {
		parts = append(parts, "rear")
	}
	if s.Side != inventory.FullWidth {
		parts = append(parts, string(s.Side))
	}
	return strings.Join(parts, " ")
}

// owned is the owner's tag, else the vendor's number.
func owned(tag, serial string) string {
	switch {
	case tag != "":
		return tag
	case serial != "":
		return "S/N " + serial
	}
	return ""
}

func metres(m float64) string {
	if m <= 0 {
		return ""
	}
	return strconv.FormatFloat(m, 'g', 4, 64) + " m"
}
