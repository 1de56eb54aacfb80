package verify_test

import (
	"strings"
	"testing"

	"rackwright/inventory/verify"
)

func TestOnePlaceHasOneNameWhateverTheVendorWrites(t *testing.T) {
	for want, forms := range map[string][]string{
		"a1":   {"A1", "DIMM_A1", "DIMM A1", "dimm.a01", "DIMM.Socket.A1", " a1 "},
		"0":    {"CPU0", "CPU 0", "0", "CPU.Socket.0", "Processor 00"},
		"3":    {"Bay 3", "3", "Disk.Bay.3:Enclosure.Internal.0-1", "Drive Slot 3"},
		"1.3":  {"PROC 1 DIMM 3", "1/3"},
		"p1a1": {"P1-DIMMA1", "P1 A1"},
	} {
		for _, f := range forms {
			if got := verify.Location(f); got != want {
				t.Errorf("%q is %q, not %q", f, got, want)
			}
		}
	}
}

func TestOnePortHasOneNameWhateverTheSwitchWrites(t *testing.T) {
	for want, forms := range map[string][]string{
		"14":                {"Ethernet14", "Eth1/14", "14", "1/14", "ge-0/0/14", "GigabitEthernet1/0/14", "swp14", "port 014", "xe-0/0/14"},
		"2/14":              {"Eth2/14", "GigabitEthernet2/14", "2/14"},
		"1s0":               {"swp1s0"},
		"mgmt0":             {"mgmt0"},
		"mgmt1":             {"Management1", "mgmt1", "ma1"},
		"52:54:00:00:00:0a": {"52:54:00:00:00:0A"},
		"uplink":            {"Uplink"},
	} {
		for _, f := range forms {
			if got := verify.PortKey(f); got != want {
				t.Errorf("%q is %q, not %q", f, got, want)
			}
		}
	}
}

func FuzzPortKey(f *testing.F) {
	for _, s := range []string{"Ethernet14", "Eth1/14", "swp1s0", "mgmt0", "52:54:00:00:00:0a", "1/0/", "0", "", "ge-0/0/14.0", "\xff1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := verify.PortKey(s)
		if len(key) > 512 || strings.TrimSpace(s) != "" && len(s) < 100 && strings.ToValidUTF8(s, "") == s && key == "" {
			t.Errorf("%q became %q", s, key)
		}
		if again := verify.PortKey(key); again != key {
			t.Errorf("%q became %q, and that %q", s, key, again)
		}
		if other := verify.PortKey(strings.ToUpper(key)); strings.ToLower(strings.ToUpper(key)) == key && other != key {
			t.Errorf("%q and its capitals %q differ", key, other)
		}
	})
}

func FuzzLocation(f *testing.F) {
	for _, s := range []string{"DIMM_A1", "Disk.Bay.3:Enclosure.Internal.0-1", "dimm", "dimmdimm1", "PROC 1 DIMM 3", "\xff", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if place := verify.Location(s); verify.Location(place) != place {
			t.Errorf("%q became %q, and that %q", s, place, verify.Location(place))
		}
	})
}
