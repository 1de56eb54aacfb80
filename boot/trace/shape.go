package trace

import "encoding/binary"

// Fields of a BOOTP message (RFC 951 section 3) that are zeros for the most part.
const (
	atSname = 44
	atFile  = 108
	atVend  = 236
)

// shape says how much of a message is written down: fields and the message are as long as
// they are, and what is behind these bytes of them is zeros.
type shape struct {
	sname, file uint8  // bytes from the beginning of each field
	all         uint16 // bytes of the message
}

func shapeOf(m []byte) shape {
	all := uint16(ends(m))
	if all <= atVend {
		return shape{sname: atFile - atSname, file: atVend - atFile, all: all}
	}
	return shape{uint8(ends(m[atSname:atFile])), uint8(ends(m[atFile:atVend])), all}
}

// parts are the pieces of a message that are written, one behind the other.
func (s shape) parts(m []byte) [3][]byte {
	if s.all <= atVend {
		return [3][]byte{m[:s.all]}
	}
	return [3][]byte{m[:atSname+int(s.sname)], m[atFile : atFile+int(s.file)], m[atVend:s.all]}
}

// written is how many bytes they have.
func (s shape) written() int {
	if s.all <= atVend {
		return int(s.all)
	}
	return int(s.all) - (atVend - atSname) + int(s.sname) + int(s.file)
}

// ends is where the zeros begin that a field ends with.
func ends(b []byte) int {
	n := len(b)
	for n >= 8 && binary.NativeEndian.Uint64(b[n-8:]) == 0 {
		n -= 8
	}
	for n > 0 && b[n-1] == 0 {
		n--
	}
	return n
}
