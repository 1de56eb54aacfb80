package inventory

import (
	"strings"
	"testing"
)

func TestALabelSaysWhatItStandsFor(t *testing.T) {
	for text, want := range map[string]Code{
		"rw:rack:r1":              {Kind: RackCode, Value: "r1"},
		"rw:machine:r1-u12":       {Kind: MachineCode, Value: "r1-u12"},
		"rw:slot:r1:12":           {Kind: SlotCode, Value: "r1", U: 12},
		"rw:slot:r1:12:rear":      {Kind: SlotCode, Value: "r1", U: 12, Face: Rear},
		"rw:slot:r1:12:both:left": {Kind: SlotCode, Value: "r1", U: 12, Face: Both, Side: LeftHalf},
		"rw:slot:r1:12::right":    {Kind: SlotCode, Value: "r1", U: 12, Side: RightHalf},
		"rw:cable:C-0001":         {Kind: CableCode, Value: "C-0001"},
		"rw:cable:n1:nic1":        {Kind: CableCode, Value: "n1:nic1"},
		"SGH123456":               {Kind: HardwareCode, Value: "SGH123456"},
		"aa:bb:cc:00:11:22":       {Kind: HardwareCode, Value: "aa:bb:cc:00:11:22"},
	} {
		got, err := ParseCode(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
		if got.String() != text {
			t.Errorf("%s is printed as %s", text, got)
		}
	}
}

func TestAScannerInCapitalsIsUnderstood(t *testing.T) {
	if c, err := ParseCode(" RW:SLOT:r1:3:REAR\r\n"); err != nil || c != (Code{Kind: SlotCode, Value: "r1", U: 3, Face: Rear}) {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestAWrongLabelIsNotTakenForASerialNumber(t *testing.T) {
	for _, text := range []string{"", "  ", "rw:", "rw:rack:", "rw:rack:a:b", "rw:slot:r1", "rw:slot:r1:x", "rw:slot:r1:101", "rw:slot:r1:-1",
		"rw:slot:r1:1:up", "rw:slot:r1:1:front:middle", "rw:slot:r1:1:front:left:x", "rw:cable:", "rw:pizza:1", "a\tb", strings.Repeat("x", 257)} {
		if c, err := ParseCode(text); err == nil {
			t.Errorf("%q was read as %+v", text, c)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"rw:slot:r1:12:rear:left", "rw:cable:a:b", "rw:rack:r1", "ABC123", "RW:machine:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCode(s)
		if err != nil {
			return
		}
		again, err := ParseCode(c.String())
		if err != nil || again != c {
			t.Errorf("%q: %+v, then %+v, %v", s, c, again, err)
		}
	})
}
