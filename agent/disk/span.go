package disk

import (
	"rackwright/images"
)

// span is a range of the disk and what it must hold: a chunk's bytes, or zeros.
type span struct {
	off, n int64
	sha256 string // hexadecimal; empty: zeros
}

// gapStride cuts gaps so that one read-back buffer holds a piece.
const gapStride = images.MaxChunk

func spansOf(chunks []images.Chunk) []span {
	spans := make([]span, len(chunks))
	for i, c := range chunks {
		spans[i] = span{c.Offset, c.Bytes, c.SHA256}
	}
	return spans
}

// gaps returns what no chunk covers: holes between chunks, and the tail of the image.
// They start where the padded chunk before them ends.
func (w *Write) gaps() (inner, tail []span) {
	var at int64
	for _, c := range w.Manifest.Chunks {
		inner = append(inner, cut(at, c.Offset)...)
		at = roundUp(c.Offset+c.Bytes, Align)
	}
	return inner, cut(at, roundUp(w.Manifest.Bytes, Align))
}

// cut divides a range at the multiples of gapStride.
func cut(from, to int64) (spans []span) {
	for from < to {
		end := min(to, roundDown(from, gapStride)+gapStride)
		spans = append(spans, span{off: from, n: end - from})
		from = end
	}
	return spans
}

func total(spans []span) (n int64) {
	for _, s := range spans {
		n += s.n
	}
	return n
}
