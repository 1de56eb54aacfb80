package ipmi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rackwright/agent/wire"
	"rackwright/fault"
)

// sel commands (IPMI 2.0, section 31).
const (
	selInfo = 0x40
	selRead = 0x43
	selAdd  = 0x44
)

// maxNotes is how many lines one trouble takes of a log that has room for some hundreds.
const maxNotes = 5

// Note keeps in the BMC's event log why there is no network: an event that every BMC has
// words for, and a record with the ids of each controller that no driver took ("vvvv:dddd",
// the first four).
func Note(l Line, t wire.Trouble, controllers []string) error {
	said, _ := Log(l, recent) // without it the worst is a line twice
	for i, record := range records(t, controllers) {
		if i == maxNotes {
			break
		}
		if slices.ContainsFunc(said, func(old []byte) bool { return alike(old, record) }) {
			continue // the machine tries again every few minutes
		}
		if _, err := ask(l, netFnStorage, selAdd, record, 2); err != nil {
			return err
		}
	}
	return nil
}

// recent is how many lines of the log are looked at for one that is there already.
const recent = 16

// alike reports whether two records differ in number and time only.
func alike(a, b []byte) bool {
	if len(a) != 16 || len(b) != 16 || a[2] != b[2] {
		return false
	}
	if a[2] >= 0xe0 { // without a time
		return bytes.Equal(a[3:], b[3:])
	}
	return bytes.Equal(a[7:], b[7:])
}

// records are what Note adds.
func records(t wire.Trouble, controllers []string) [][]byte {
	event := make([]byte, 16)
	event[2] = 0x02 // system event
	binary.LittleEndian.PutUint16(event[7:], 0x0041)
	event[9], event[10], event[12] = 0x04, 0x27, 0x6f                       // IPMI 2.0; sensor type LAN; sensor specific (42.2)
	event[13], event[14], event[15] = 0xa0, byte(t), byte(len(controllers)) // heartbeat lost; two bytes of ours
	list := [][]byte{event}
	for _, id := range controllers {
		if vendor, device, ok := pciID(id); ok {
			list = append(list, wire.LogRecord(t, vendor, device))
		}
	}
	return list
}

func pciID(s string) (vendor, device uint16, ok bool) {
	v, d, _ := strings.Cut(s, ":")
	a, err1 := strconv.ParseUint(v, 16, 16)
	b, err2 := strconv.ParseUint(d, 16, 16)
	return uint16(a), uint16(b), err1 == nil && err2 == nil
}

// Log reads the newest records of the log, the newest last, at most limit.
func Log(l Line, limit int) ([][]byte, error) {
	info, err := ask(l, netFnStorage, selInfo, nil, 3)
	if err != nil {
		return nil, err
	}
	count := int(info[1]) | int(info[2])<<8
	var list [][]byte
	next := uint16(0)
	for range min(count, 4096) {
		b, err := ask(l, netFnStorage, selRead, []byte{0, 0, byte(next), byte(next >> 8), 0, 0xff}, 18)
		if err != nil {
			return nil, fault.Conflictf("record %d: %w", next, err)
		}
		list = append(list, b[2:18])
		if next = binary.LittleEndian.Uint16(b); next == 0xffff {
			break
		}
	}
	return list[max(0, len(list)-limit):], nil
}

// String names a record for people.
func String(record []byte) string {
	if words, ok := wire.ReadLogRecord(record); ok {
		return words
	}
	return fmt.Sprintf("%x", record)
}
