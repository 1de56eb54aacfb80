package draw

import (
	"strings"

	"github.com/boombuler/barcode/qr"

	"rackwright/fault"
)

// quiet is the empty margin around a QR code in modules (ISO/IEC 18004, 9.1).
const quiet = 4

// matrix is a QR code's dark modules; the quiet zone is not in it.
type matrix struct {
	n    int
	dark []bool // row by row
}

// encode makes the QR code of a text, readable with 15 % of it lost (level M). ASCII
// only: readers guess at the encoding of the rest, and guess wrong.
func encode(text string) (matrix, error) {
	if !ascii(text) {
		return matrix{}, fault.Invalidf("%.60q cannot stand in a QR code", text).WithHint("use letters without marks in the name")
	}
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return matrix{}, fault.Invalidf("%.60q does not fit into a QR code: %w", text, err).WithHint("use shorter names")
	}
	m := matrix{n: code.Bounds().Dx()}
	m.dark = make([]bool, 0, m.n*m.n)
	for y := range m.n {
		for x := range m.n {
			r, _, _, _ := code.At(x, y).RGBA()
			m.dark = append(m.dark, r == 0)
		}
	}
	return m, nil
}

// runs calls f for every run of dark modules in a row.
func (m matrix) runs(f func(x, y, length int)) {
	for y := range m.n {
		row := m.dark[y*m.n : (y+1)*m.n]
		for x := 0; x < m.n; {
			start := x
			for x < m.n && row[x] {
				x++
			}
			if x > start {
				f(start, y, x-start)
			}
			x++
		}
	}
}

// ascii reports whether a text is printable ASCII.
func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
