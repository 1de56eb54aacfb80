// Package tftp is TFTP's server side, message in, message out: what a request asks for
// (RFC 1350, 2347 to 2349, 7440), and what a transfer sends next. It opens no socket and
// looks at no clock.
package tftp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Operations of messages (RFC 1350 section 5, RFC 2347).
const (
	opRead = iota + 1
	opWrite
	opData
	opAck
	opError
	opOptions
)

// Code says what is wrong (RFC 1350 appendix I, RFC 2347).
type Code uint16

// The codes in use.
const (
	Undefined  Code = 0
	NotFound   Code = 1
	Denied     Code = 2
	IllegalOp  Code = 4
	UnknownTID Code = 5
)

// Bounds of a request and of what is granted.
const (
	MaxRequest  = 512   // bytes (RFC 2347 section 2)
	maxName     = 255   // bytes
	maxOptions  = 16    // more are not looked at
	minBlock    = 8     // bytes (RFC 2348)
	plainBlock  = 512   // bytes, when none is asked for
	maxBlock    = 65464 // bytes (RFC 2348)
	maxWindow   = 64    // blocks
	maxFlight   = 256 << 10
	maxTimeout  = 30       // seconds; RFC 2349 knows 1 to 255, and longer ones are left out of our answer
	maxText     = 128      // bytes of an error's text
	maxNetASCII = 64 << 10 // bytes of a file that is translated
)

// Request is a read or write request.
type Request struct {
	Write    bool
	Name     string
	NetASCII bool
	Block    int  // bytes, 0: not asked for
	Window   int  // blocks, 0: not asked for
	Timeout  int  // seconds, 0: not asked for
	Size     bool // tsize is asked for
	asked    []string
}

// Refusal is a request that cannot be met, in the words of an error message.
type Refusal struct {
	Code   Code
	Reason string // for programs
	Told   string
}

func (r *Refusal) Error() string { return r.Told }

func refuse(code Code, reason, format string, args ...any) error {
	return &Refusal{code, reason, fmt.Sprintf(format, args...)}
}

// IsRequest reports whether a message begins as a request does.
func IsRequest(b []byte) bool {
	return len(b) >= 2 && b[0] == 0 && (b[1] == opRead || b[1] == opWrite)
}

// ParseRequest reads a request. The error is a *Refusal. Options that are unknown, or whose
// value is no number in their range, are passed over, as RFC 2347 wants; of one that stands
// there twice the first counts.
func ParseRequest(b []byte) (Request, error) {
	var r Request
	if !IsRequest(b) || len(b) > MaxRequest {
		return r, refuse(IllegalOp, "malformed", "not a request")
	}
	r.Write = b[1] == opWrite
	rest := b[2:]
	name, rest, ok := text(rest)
	mode, rest, okMode := text(rest)
	if !ok || !okMode || name == "" {
		return r, refuse(IllegalOp, "malformed", "not a request")
	}
	if r.Name = name; len(name) > maxName {
		return r, refuse(NotFound, "no-such-file", "file not found")
	}
	switch strings.ToLower(mode) {
	case "octet":
	case "netascii":
		r.NetASCII = true
	case "mail": // obsolete since RFC 1350
		return r, refuse(IllegalOp, "mode", "no mail is taken")
	default:
		return r, refuse(IllegalOp, "mode", "unknown mode, use octet")
	}
	for range maxOptions {
		var key, value string
		if key, rest, ok = text(rest); !ok {
			break
		}
		if value, rest, ok = text(rest); !ok {
			break
		}
		r.option(strings.ToLower(key), value)
	}
	return r, nil
}

// text cuts a string that ends with a zero byte.
func text(b []byte) (s string, rest []byte, ok bool) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return "", nil, false
	}
	return string(b[:i]), b[i+1:], true
}

func (r *Request) option(key, value string) {
	n, err := strconv.ParseUint(value, 10, 63)
	into := &r.Block
	switch {
	case key == "tsize" && !r.Size: // the value means nothing in a read request
		r.Size = true
		r.asked = append(r.asked, key)
		return
	case err != nil:
		return
	case key == "blksize" && n >= minBlock:
		n = min(n, maxBlock)
	case key == "windowsize" && n >= 1:
		into, n = &r.Window, min(n, maxWindow)
	case key == "timeout" && n >= 1 && n <= maxTimeout:
		into = &r.Timeout
	default:
		return
	}
	if *into == 0 {
		*into = int(n)
		r.asked = append(r.asked, key)
	}
}

// Reply is a message within a transfer.
type Reply struct {
	Ack   bool
	Block uint16 // of an acknowledgement
	Code  Code   // of an error
	Text  string // of an error, clipped
}

// ParseReply reads what a reading client sends: acknowledgements and errors. All else is
// not ok.
func ParseReply(b []byte) (r Reply, ok bool) {
	if len(b) < 4 || b[0] != 0 {
		return r, false
	}
	n := binary.BigEndian.Uint16(b[2:])
	switch b[1] {
	case opAck:
		return Reply{Ack: true, Block: n}, true
	case opError:
		told, _, _ := bytes.Cut(b[4:], []byte{0})
		return Reply{Code: Code(n), Text: string(told[:min(len(told), maxText)])}, true
	}
	return r, false
}

// AppendError appends an error message.
func AppendError(b []byte, code Code, told string) []byte {
	b = append(b, 0, opError, 0, byte(code))
	return append(append(b, told[:min(len(told), maxText)]...), 0)
}
