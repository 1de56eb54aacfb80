package dhcp

import (
	"bytes"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

const (
	discoverType = dhcpv4.MessageTypeDiscover
	requestType  = dhcpv4.MessageTypeRequest
)

// options are where the options of a message stand, in its own bytes.
type options struct {
	at [256]uint16 // of the length byte, 0 for none
	b  []byte
}

// value is an option's, nil for none. None that is there is empty.
func (o *options) value(code byte) []byte {
	at := int(o.at[code])
	if at == 0 {
		return nil
	}
	return o.b[at+1 : at+1+int(o.b[at])]
}

func (o *options) kind() byte { return o.value(53)[0] }

// uses is the address that the client says it has (ciaddr).
func (o *options) uses() [4]byte { return [4]byte(o.b[12:16]) }

func (o *options) renews() bool { return o.uses() != [4]byte{} }

// appendTo appends an option as it stands, code and length before its value.
func (o *options) appendTo(to []byte, code byte) []byte {
	at := int(o.at[code])
	if at == 0 {
		return to
	}
	return append(to, o.b[at-1:at+1+int(o.b[at])]...)
}

// Discovers reports whether a datagram is a DISCOVER as clients send it, for whom one is found
// quickly: it is not known whether it is a message at all.
func Discovers(b []byte) bool {
	for i := optionAt; i+2 < len(b); {
		switch b[i] {
		case 0:
			i++
		case 53:
			return b[i+2] == byte(discoverType)
		case 255:
			return false
		default:
			i += 2 + int(b[i+1])
		}
	}
	return false
}

// scan finds the options of a DISCOVER or REQUEST that Parse lets through, and refuses all
// that is unusual: an option twice or empty, options in file and sname, none at the end.
func (o *options) scan(b []byte) bool {
	if len(b) < optionAt+4 || len(b) > MaxQuick || b[0] != 1 || b[1] != 1 || b[2] != 6 || b[3] > maxHops ||
		b[28]&1 == 1 || bytes.Equal(b[28:34], make([]byte, 6)) || string(b[vendAt:optionAt]) != "\x63\x82\x53\x63" {
		return false
	}
	o.at, o.b = [256]uint16{}, b
	for i := optionAt; i < len(b); {
		code := b[i]
		switch {
		case code == 0:
			i++
			continue
		case code == 255:
			return o.usual()
		case i+1 >= len(b) || b[i+1] == 0 || i+2+int(b[i+1]) > len(b) || o.at[code] != 0:
			return false
		}
		o.at[code] = uint16(i + 1)
		i += 2 + int(b[i+1])
	}
	return false
}

// usual looks at the options whose form matters.
func (o *options) usual() bool {
	kind, wishes, guid := o.value(53), o.value(50), o.value(97)
	return len(kind) == 1 && (kind[0] == byte(discoverType) || kind[0] == byte(requestType)) &&
		(wishes == nil || len(wishes) == 4) && (guid == nil || len(guid) == 17) &&
		o.at[52] == 0 && string(o.value(60)) != probeClass
}
