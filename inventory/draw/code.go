package draw

import "strings"

// Code draws a text as a QR code alone, in SVG.
func Code(text string) ([]byte, error) {
	m, err := encode(text)
	if err != nil {
		return nil, err
	}
	size := float64(m.n + 2*quiet)
	p := &pen{}
	p.raw(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0`).raw(" ").num(size).raw(" ").num(size).raw(`"><rect width="100%" height="100%" fill="#fff"/><path d="`)
	m.runs(func(x, y, length int) {
		p.raw("M").num(float64(x + quiet)).raw(" ").num(float64(y + quiet)).raw("h").num(float64(length)).raw("v1h-").num(float64(length)).raw("z")
	})
	p.raw("\"/></svg>\n")
	return p.b, nil
}

// CodeText draws it for a terminal, two modules above each other in a character. Dark is the
// background, as on most terminals, so that its light modules shine.
func CodeText(text string) (string, error) {
	m, err := encode(text)
	if err != nil {
		return "", err
	}
	light := func(x, y int) bool { return x < 0 || y < 0 || x >= m.n || y >= m.n || !m.dark[y*m.n+x] }
	var b strings.Builder
	for y := -quiet; y < m.n+quiet; y += 2 {
		for x := -quiet; x < m.n+quiet; x++ {
			switch up, down := light(x, y), light(x, y+1) && y+1 < m.n+quiet; {
			case up && down:
				b.WriteRune('█')
			case up:
				b.WriteRune('▀')
			case down:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}
