package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Trouble is why an agent could not reach its server, in the one byte that it has of a
// BMC's event log.
type Trouble byte

// The troubles.
const (
	NoDriver Trouble = 1 // no network port has a driver
	NoLink   Trouble = 2 // no network port has link
	NoLease  Trouble = 3 // no DHCP server gave an address
	NoServer Trouble = 4 // there is an address, and the server does not answer
)

// String says it for people.
func (t Trouble) String() string {
	switch t {
	case NoDriver:
		return "no network port has a driver"
	case NoLink:
		return "no network port has link"
	case NoLease:
		return "no DHCP server gave an address"
	case NoServer:
		return "the server does not answer"
	}
	return "no network"
}

// mark begins our part of a record.
const mark = "RKWR"

// LogRecord is a record of a BMC's event log without a time stamp (IPMI 2.0, section
// 32.3): the type E0h, and 13 bytes that are ours.
func LogRecord(t Trouble, vendor, device uint16) []byte {
	b := make([]byte, 16)
	b[2] = 0xe0
	copy(b[3:], mark)
	b[7] = byte(t)
	binary.BigEndian.PutUint16(b[8:], vendor)
	binary.BigEndian.PutUint16(b[10:], device)
	return b
}

// ReadLogRecord says what a record that LogRecord made means. ok is false for any other.
func ReadLogRecord(b []byte) (words string, ok bool) {
	at := bytes.Index(b, []byte(mark))
	if at < 0 || len(b) < at+9 {
		return "", false
	}
	b = b[at+len(mark):]
	return fmt.Sprintf("the netboot agent: %s; no driver for the controller with PCI id %04x:%04x", Trouble(b[0]), binary.BigEndian.Uint16(b[1:]), binary.BigEndian.Uint16(b[3:])), true
}

// ReadLogText finds such a record in what a BMC prints of one it does not know: bytes in
// hexadecimal, with or without blanks, commas and 0x.
func ReadLogText(s string) (words string, ok bool) {
	if len(s) > 4096 {
		return "", false
	}
	s = strings.NewReplacer("0x", "", "0X", "", " ", "", ",", "", ":", "", "-", "").Replace(s)
	at := strings.Index(strings.ToLower(s), hex.EncodeToString([]byte(mark)))
	if at < 0 || len(s) < at+18 {
		return "", false
	}
	b, err := hex.DecodeString(s[at : at+18])
	if err != nil {
		return "", false
	}
	return ReadLogRecord(b)
}
