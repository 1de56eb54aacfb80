package firmware_test

import (
	"testing"

	"rackwright/firmware"
)

func TestVersionsAreOrderedAsVendorsCount(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		order int
		sure  bool
	}{
		{"2.4.1", "2.10.0", -1, true},
		{"2.04", "2.4", 0, true},
		{"v2.4.1", "2.4.1", 0, true},
		{"7.00.00.172", "7.10.30.00", -1, true},
		{"1.2", "1.2.1", -1, true},
		{"U30 v2.68 (07/14/2022)", "U30 v2.70 (01/02/2023)", -1, true},
		{"1.2a", "1.2b", -1, true},
		{"U8E132O-3.11", "U8E134A-3.20", -1, true},
		{"CXX5310H", "TEE142D", 0, false},
		{"obmc-phosphor-9f2c", "3.1", 0, false},
		{"1.beta", "1.alpha", 0, false},
		{"", "1.0", 0, false},
		{"99999999999999999999999", "100000000000000000000000", -1, true},
	} {
		order, sure := firmware.Compare(c.a, c.b)
		if order != c.order || sure != c.sure {
			t.Errorf("Compare(%q, %q) = %d, %v; want %d, %v", c.a, c.b, order, sure, c.order, c.sure)
		}
	}
}

func TestSameIsWhatEndsAnUpdate(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"2.4.1", "2.4.1 ", true}, {"2.4.1", "V2.4.1", true}, {"2.4.1", "2.4.10", false}, {"", "", false}, {"CXX5310H", "cxx5310h", true}, {"-", "-", true}, {"-", "+", false},
	} {
		if got := firmware.Same(c.a, c.b); got != c.same {
			t.Errorf("Same(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

func FuzzCompare(f *testing.F) {
	for _, s := range []string{"", "2.4.1", "v1", "U30 v2.68 (07/14/2022)", "\xff1", "00", "a-b"} {
		f.Add(s, "2.4.10")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		one, sure := firmware.Compare(a, b)
		other, too := firmware.Compare(b, a)
		if one != -other || sure != too || !sure && one != 0 {
			t.Fatalf("Compare(%q, %q) = %d, %v, the other way %d, %v", a, b, one, sure, other, too)
		}
		if same, sure := firmware.Compare(a, a); same != 0 || !sure {
			t.Fatalf("Compare(%q, itself) = %d, %v", a, same, sure)
		}
		if firmware.Same(a, b) && (!firmware.AtLeast(a, b) || !firmware.AtLeast(b, a)) {
			t.Fatalf("%q and %q are the same and not at least each other", a, b)
		}
	})
}

func TestNamesOfFirmwareHaveOneForm(t *testing.T) {
	for in, want := range map[string]string{
		"BIOS": "bios", "System ROM": "bios", "BMC": "bmc", "iLO 5": "bmc", "iDRAC": "bmc", "Integrated Dell Remote Access Controller": "bmc",
		"Backup BIOS": "backup bios", "NIC.Slot.1": "nic.slot.1", "UEFI(R)": "bios",
	} {
		if got := firmware.Key(in); got != want {
			t.Errorf("Key(%q) = %q, want %q", in, got, want)
		}
	}
}
