package ipmi

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// board is a BMC that answers from what it was made with.
type board struct {
	fru    []byte
	words  bool // its FRU counts in words
	log    [][]byte
	lacks  map[byte]bool // network functions it refuses
	silent bool
}

func (b *board) Exchange(netFn, command byte, data []byte) ([]byte, error) {
	switch {
	case b.silent:
		return nil, fault.Unreachablef("no answer")
	case b.lacks[netFn]:
		return []byte{0xc1}, nil
	case netFn == netFnApp && command == 0x01:
		return []byte{0, 0x20, 1, 6, 0x15, 0x02, 0xbf, 0xa2, 0x02, 0, 0x34, 0x12, 0, 0, 0, 0}, nil
	case netFn == netFnTransport && data[0] == 3 && data[1] == 5:
		return []byte{0, 0x11, 2, 0, 0, 0, 0, 9}, nil
	case netFn == netFnTransport && data[0] == 3 && data[1] == 3:
		return []byte{0, 0x11, 10, 0, 1, 9}, nil
	case netFn == netFnStorage && command == 0x10:
		word := byte(0)
		if b.words {
			word = 1
		}
		return []byte{0, byte(len(b.fru)), byte(len(b.fru) >> 8), word}, nil
	case netFn == netFnStorage && command == 0x11:
		unit := 1
		if b.words {
			unit = 2
		}
		at, n := (int(data[1])|int(data[2])<<8)*unit, int(data[3])*unit
		return append([]byte{0, byte(n / unit)}, b.fru[at:at+n]...), nil
	case netFn == netFnStorage && command == selInfo:
		return append([]byte{0, 0x51, byte(len(b.log)), 0}, make([]byte, 11)...), nil
	case netFn == netFnStorage && command == selAdd:
		b.log = append(b.log, bytes.Clone(data))
		return []byte{0, byte(len(b.log)), 0}, nil
	case netFn == netFnStorage && command == selRead:
		i := int(data[2])
		next := uint16(i + 1)
		if i+1 >= len(b.log) {
			next = 0xffff
		}
		return append(binary.LittleEndian.AppendUint16([]byte{0}, next), b.log[i]...), nil
	}
	return []byte{0xc1}, nil
}

// sum ends an area: padded to eight bytes, its length set, its bytes adding up to zero.
func sum(a []byte) []byte {
	for (len(a)+1)%8 != 0 {
		a = append(a, 0)
	}
	a[1] = byte((len(a) + 1) / 8)
	return append(a, checksum(a))
}

func checksum(b []byte) (v byte) {
	for _, x := range b {
		v -= x
	}
	return v
}

func latin(s string) []byte { return append([]byte{0xc0 | byte(len(s))}, s...) }

// sampleFRU has a board and a product area with one field of each type.
func sampleFRU() []byte {
	board := []byte{1, 0, 25, 0x80, 0x97, 0xa5} // minutes since 1996
	board = append(board, latin("Acme")...)
	board = append(board, latin("Board")...)
	board = append(board, 0x43, 0x12, 0x34, 0xb5) // BCD plus: 1234-5
	board = append(board, 0x83, 0x29, 0xdc, 0xa6) // 6-bit ASCII: IPMI (the specification's own example)
	board = sum(append(board, 0xc1))
	product := []byte{1, 0, 25}
	for _, f := range []string{"Acme Inc", "R1", "P-1", "v2", "SN-1", "A-7"} {
		product = append(product, latin(f)...)
	}
	product = sum(append(product, 0xc1))
	head := []byte{1, 0, 0, 1, byte(1 + len(board)/8), 0, 0}
	return append(append(append(head, checksum(head)), board...), product...)
}

func TestABMCTellsWhoItIsAndWhatTheBoardIs(t *testing.T) {
	want := &inventory.Controller{Firmware: "6.15", IPMI: "2.0", Manufacturer: 0x2a2, Product: 0x1234, Address: "10.0.1.9",
		FRU: &inventory.FRU{BoardMade: time.Date(1996, 1, 1, 0, 0xa59780, 0, 0, time.UTC), BoardVendor: "Acme", BoardName: "Board", BoardSerial: "1234-5", BoardPart: "IPMI",
			Vendor: "Acme Inc", Product: "R1", Part: "P-1", Version: "v2", Serial: "SN-1", AssetTag: "A-7"}}
	for _, words := range []bool{false, true} {
		got, macs, err := Describe(&board{fru: sampleFRU(), words: words})
		if err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(macs, []inventory.MAC{{2, 0, 0, 0, 0, 9}}) {
			t.Errorf("words %v: %+v %+v %v %v", words, got, got.FRU, macs, err)
		}
	}
}

func TestABMCThatTellsLittleIsTakenForWhatItTells(t *testing.T) {
	got, macs, err := Describe(&board{lacks: map[byte]bool{netFnStorage: true, netFnTransport: true}})
	if err != nil || got.Firmware != "6.15" || got.FRU != nil || macs != nil {
		t.Errorf("%+v %v %v", got, macs, err)
	}
	if _, _, err := Describe(&board{silent: true}); !fault.Is(err, fault.Unreachable) {
		t.Error(err)
	}
}

func TestAnAreaOfAFRUThatIsDamagedIsLeftOut(t *testing.T) {
	b := sampleFRU()
	b[20]++
	f, err := parseFRU(b)
	if err != nil || f.BoardVendor != "" || f.Serial != "SN-1" {
		t.Errorf("%+v %v", f, err)
	}
	for name, b := range map[string][]byte{"nothing": nil, "no header": make([]byte, 64), "only a header": {1, 0, 0, 0, 0, 0, 0, 255}} {
		if f, err := parseFRU(b); err == nil {
			t.Errorf("%s became %+v", name, f)
		}
	}
}

func TestTheBMCsLogKeepsWhyThereIsNoNetwork(t *testing.T) {
	b := &board{}
	if err := Note(b, wire.NoDriver, []string{"8086:1572", "not an id", "15b3:1017"}); err != nil {
		t.Fatal(err)
	}
	log, err := Log(b, 10)
	if err != nil || len(log) != 3 {
		t.Fatalf("%x %v", log, err)
	}
	if e := log[0]; e[2] != 2 || e[10] != 0x27 || e[13] != 0xa0 || e[14] != byte(wire.NoDriver) || e[15] != 3 {
		t.Errorf("event %x", e)
	}
	if got := String(log[1]); got != "the netboot agent: no network port has a driver; no driver for the controller with PCI id 8086:1572" {
		t.Error(got)
	}
	if log, err = Log(b, 1); err != nil || len(log) != 1 || String(log[0])[len(String(log[0]))-9:] != "15b3:1017" {
		t.Errorf("%x %v", log, err)
	}
}

func TestALongListOfControllersDoesNotFillTheLog(t *testing.T) {
	b := &board{}
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = "8086:1572"
	}
	if err := Note(b, wire.NoDriver, ids); err != nil || len(b.log) != maxNotes {
		t.Errorf("%d records, %v", len(b.log), err)
	}
}

func FuzzFRU(f *testing.F) {
	f.Add(sampleFRU())
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = parseFRU(b) })
}

// FuzzAnswers gives a BMC's answers to every question from the bytes.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
	f.Fuzz(func(_ *testing.T, b []byte) {
		l := same(b)
		_, _, _ = Describe(l)
		_, _ = Log(l, 10)
		_ = Note(l, wire.NoLink, []string{string(b)})
	})
}

type same []byte

func (s same) Exchange(byte, byte, []byte) ([]byte, error) { return bytes.Clone(s), nil }
