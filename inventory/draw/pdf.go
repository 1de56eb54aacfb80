package draw

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/go-pdf/fpdf"

	"rackwright/fault"
)

// pointsPerMM: PDF counts in points, 72 to the inch, from the lower left corner.
const pointsPerMM = 72 / 25.4

// pdfCanvas draws labels as PDF with the core font Helvetica, which needs no file.
type pdfCanvas struct {
	sheet Sheet
	doc   *fpdf.Fpdf
}

func (c *pdfCanvas) start(date time.Time) {
	if date.IsZero() {
		date = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // fpdf would take the clock's
	}
	c.doc = fpdf.NewCustom(&fpdf.InitType{OrientationStr: "P", UnitStr: "mm", Size: fpdf.SizeType{Wd: c.sheet.Width, Ht: c.sheet.Height}})
	c.doc.SetCreationDate(date.UTC())
	c.doc.SetModificationDate(date.UTC())
	c.doc.SetCatalogSort(true)
	c.doc.SetAutoPageBreak(false, 0)
	c.doc.SetMargins(0, 0, 0)
	c.doc.SetTitle("Labels", false)
}

func (c *pdfCanvas) page() { c.doc.AddPage() }

// code fills all modules in one stroke, so that no hair lines show between rows.
func (c *pdfCanvas) code(m matrix, at rect) {
	module := at.w / float64(m.n) * pointsPerMM
	left, top := at.x*pointsPerMM, (c.sheet.Height-at.y)*pointsPerMM
	var b []byte
	m.runs(func(x, y, length int) {
		for _, v := range []float64{left + float64(x)*module, top - float64(y+1)*module, float64(length) * module, module} {
			b = append(strconv.AppendFloat(b, v, 'f', 3, 64), ' ')
		}
		b = append(b, "re\n"...)
	})
	c.doc.RawWriteStr("0 g\n" + string(b) + "f\n")
}

func (c *pdfCanvas) text(x, y, size float64, bold bool, s string) {
	style := ""
	if bold {
		style = "B"
	}
	c.doc.SetFont("Helvetica", style, size*pointsPerMM)
	c.doc.Text(x, y, western(s))
}

func (c *pdfCanvas) end() ([]byte, error) {
	var out bytes.Buffer
	if err := c.doc.Output(&out); err != nil {
		return nil, fault.Internalf("labels as PDF: %w", err)
	}
	return out.Bytes(), nil
}

// plainLetters are those of Latin Extended-A (U+0100 to U+017F) without their marks.
const plainLetters = "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs"

// windows1252 are the characters of that code page from 0x80 to 0x9f; the rest of it is
// Latin-1. The core fonts have no others.
const windows1252 = "€\x00‚ƒ„…†‡ˆ‰Š‹Œ\x00Ž\x00\x00‘’“”•–—˜™š›œ\x00žŸ"

// western writes text in Windows-1252. What it lacks is told by letters that it has.
func western(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch at := strings.IndexRune(windows1252, r); {
		case r >= ' ' && r < 0x7f:
			b.WriteByte(byte(r))
		case r > 0x7f && at >= 0:
			b.WriteByte(0x80 + byte(len([]rune(windows1252[:at]))))
		case r >= 0xa0 && r <= 0xff:
			b.WriteByte(byte(r))
		case r >= 0x100 && r <= 0x17f:
			b.WriteByte(plainLetters[r-0x100])
		case r == '→':
			b.WriteString("->")
		case r == '←':
			b.WriteString("<-")
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}
