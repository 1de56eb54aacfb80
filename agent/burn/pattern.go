package burn

import (
	"bytes"
	"encoding/binary"
)

const (
	pageBytes = 4096
	pageWords = pageBytes / 8
	passes    = 4 // of one pattern: fill; invert upwards; invert downwards; read
)

// pattern puts what a page is to hold into words; first is the number of its first word
// in all memory. Patterns follow each other for ever: addresses, which find lines that are
// short or open; all bits one way and the other; bits in turn; one bit that walks; noise.
func pattern(n int, first uint64, words *[pageWords]uint64) {
	constant := func(v uint64) {
		for i := range words {
			words[i] = v
		}
	}
	switch round := n / 5; n % 5 {
	case 0:
		for i := range words {
			words[i] = (first + uint64(i)) * 8
		}
	case 1:
		constant(0)
	case 2:
		constant(0x5555555555555555)
	case 3:
		constant(1 << (round % 64))
	default:
		for i := range words {
			words[i] = mix(first + uint64(i) + uint64(round)<<48)
		}
	}
}

// passOver does one pass over a part of the memory and returns how many words were wrong
// and how many bytes were moved. A wrong word is told, a few of a part, and made right.
func passOver(part []byte, first uint64, pass int, tell func(word int, got, want uint64)) (wrong, moved int64) {
	var words [pageWords]uint64
	var plain, inverse [pageBytes]byte
	pages, told, made := len(part)/pageBytes, 0, false
	constant := pass/passes%5 >= 1 && pass/passes%5 <= 3
	for n := range pages {
		if pass%passes == 2 {
			n = pages - 1 - n
		}
		if !made || !constant {
			pattern(pass/passes, first+uint64(n*pageWords), &words)
			for i, w := range words {
				binary.NativeEndian.PutUint64(plain[i*8:], w)
				binary.NativeEndian.PutUint64(inverse[i*8:], ^w)
			}
			made = true
		}
		page := part[n*pageBytes : (n+1)*pageBytes]
		expect, write := &plain, &inverse
		switch pass % passes {
		case 0:
			expect, write = nil, &plain
		case 2:
			expect, write = &inverse, &plain
		case 3:
			write = nil
		}
		if expect != nil {
			moved += pageBytes
			if !bytes.Equal(page, expect[:]) {
				wrong += compare(page, expect[:], func(word int, got, want uint64) {
					if told++; told <= maxToldWords {
						tell(n*pageWords+word, got, want)
					}
				})
				copy(page, expect[:])
			}
		}
		if write != nil {
			copy(page, write[:])
			moved += pageBytes
		}
	}
	return wrong, moved
}

// maxToldWords bounds what is told of one part in one pass.
const maxToldWords = 4

// compare tells the words of a page that are not as they should be, and counts them.
func compare(page, want []byte, tell func(word int, got, want uint64)) (wrong int64) {
	for i := 0; i < pageBytes; i += 8 {
		g, w := binary.NativeEndian.Uint64(page[i:]), binary.NativeEndian.Uint64(want[i:])
		if g != w {
			wrong++
			tell(i/8, g, w)
		}
	}
	return wrong
}
