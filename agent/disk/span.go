package disk

import (
	"rackwright/agent/direct"
	"rackwright/images"
)

// span is a range of the disk and what it must hold: a chunk's bytes, or zeros.
type span struct {
	off, n int64
	chunk  int // its place in the manifest; -1: zeros
}

// gapStride cuts gaps so that a hand can hold a piece.
const gapStride = images.MaxChunk

func (w *Write) spans(chunks []int) []span {
	spans := make([]span, len(chunks))
	for k, i := range chunks {
		c := w.Manifest.Chunks[i]
		spans[k] = span{c.Offset, c.Bytes, i}
	}
	return spans
}

// gaps returns what no chunk covers: holes between chunks, and the tail of the image.
// They start where the padded chunk before them ends.
func (w *Write) gaps() (gaps []span) {
	var at int64
	for _, c := range w.Manifest.Chunks {
		gaps = append(gaps, cut(at, c.Offset)...)
		at = roundUp(c.Offset+c.Bytes, direct.Align)
	}
	return append(gaps, cut(at, roundUp(w.Manifest.Bytes, direct.Align))...)
}

// cut divides a range at the multiples of gapStride.
func cut(from, to int64) (spans []span) {
	for from < to {
		end := min(to, roundDown(from, gapStride)+gapStride)
		spans = append(spans, span{off: from, n: end - from, chunk: -1})
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
