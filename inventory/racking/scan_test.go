package racking_test

import (
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/racking"
)

// scan reads codes at a unit of r1, at none for 0.
func scan(t *testing.T, v *racking.View, u int, codes ...string) *racking.Scan {
	t.Helper()
	read, err := racking.ReadCodes(codes)
	if err != nil {
		t.Fatal(err)
	}
	var spot *racking.Spot
	if u > 0 {
		spot = &racking.Spot{U: u}
	}
	s, err := v.Scan(read, spot)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestACodeSaysWhatItIsAndWhoseItIs(t *testing.T) {
	v := rack()
	one(v).AssetTag, one(v).BMC.MAC = "A-1", mac(9)
	for code, want := range map[string][2]string{
		"rw:rack:r1":                           {"rack", "r1"},
		"rw:rack:r7":                           {"rack", ""},
		"rw:machine:n1":                        {"machine", "n1"},
		"rw:machine:leaf-1":                    {"device", "leaf-1"},
		"rw:machine:nobody":                    {"machine", ""},
		"rw:slot:r1:10":                        {"slot", ""},
		"rw:cable:C-14":                        {"cable", "n1"},
		"rw:cable:n1:psu1":                     {"cable", "n1"},
		"rw:cable:C-99":                        {"cable", ""},
		"sn-1":                                 {"serial", "n1"},
		"A-1":                                  {"asset-tag", "n1"},
		"11111111-2222-3333-4444-555555555501": {"uuid", "n1"},
		"5254.0000.0009":                       {"bmc-mac", "n1"},
		"525400000009":                         {"bmc-mac", "n1"},
		"520000000001":                         {"text", ""}, // no letter: rather a serial number
		"mac:525400000009":                     {"bmc-mac", "n1"},
		"52-54-00-00-00-01":                    {"mac", "n1"},
		"SN-9":                                 {"serial", "m1"},
		"XYZ":                                  {"text", ""},
	} {
		r := scan(t, v, 0, code).Codes[0]
		if r.Is != want[0] || r.Owner != want[1] || r.Says == "" {
			t.Errorf("%s: is %s of %q: %s", code, r.Is, r.Owner, r.Says)
		}
	}
}

func TestABareMACMayBeASerialNumber(t *testing.T) {
	v := rack()
	one(v).Serial = "ABCDEF123456"
	if r := scan(t, v, 0, "abcdef123456").Codes[0]; r.Is != "serial" || r.Owner != "n1" {
		t.Errorf("%+v", r)
	}
}

func TestAScanAtAPlaceLearnsWhatThePlanDoesNotSay(t *testing.T) {
	for name, c := range map[string]struct {
		u     int
		codes []string
		set   string
		agree string
		phase inventory.Phase
	}{
		"the planned serial":              {10, []string{"SN-1"}, "", "serial SN-1", inventory.Racked},
		"in the machine's upper unit":     {11, []string{"SN-1"}, "", "serial SN-1", inventory.Racked},
		"a slot's label":                  {0, []string{"SN-1", "rw:slot:r1:10"}, "", "serial SN-1", inventory.Racked},
		"a machine's label":               {0, []string{"rw:machine:n1", "SN-1"}, "", "serial SN-1", inventory.Racked},
		"an unknown text is the serial":   {0, []string{"rw:machine:n2", "NEW-1"}, "serial NEW-1", "", inventory.Racked},
		"beside the serial the asset tag": {10, []string{"A-77", "SN-1"}, "asset-tag A-77", "serial SN-1", inventory.Racked},
		"two new texts":                   {0, []string{"rw:machine:n2", "NEW-1", "A-77"}, "serial NEW-1 and asset-tag A-77", "", inventory.Racked},
		"said to be the asset tag":        {10, []string{"asset:A-77"}, "asset-tag A-77", "", inventory.Racked},
		"the BMC's sticker":               {10, []string{"AA-BB-CC-00-11-22"}, "bmc-mac aa:bb:cc:00:11:22", "", inventory.Racked},
		"a switch":                        {40, []string{"SW-1"}, "serial SW-1", "", ""},
	} {
		s := scan(t, rack(), c.u, c.codes...)
		if s.Binding == nil || s.Refuse() != nil {
			t.Errorf("%s: %+v, %v", name, s, s.Refuse())
			continue
		}
		if set, agree := list(s.Binding.Set), list(s.Binding.Agree); set != c.set || agree != c.agree || s.Binding.Phase != c.phase {
			t.Errorf("%s: set %q, agree %q, phase %q", name, set, agree, s.Binding.Phase)
		}
	}
}

func list(settings []racking.Setting) string {
	var out []string
	for _, s := range settings {
		out = append(out, s.String())
	}
	return strings.Join(out, " and ")
}

func TestAScanThatContradictsIsRefusedWithBothNamed(t *testing.T) {
	v := rack()
	v.Seen = []racking.Sighting{{Machine: "left", Kind: "serial", Value: "GHOST", Source: "agent"}}
	for name, c := range map[string]struct {
		u     int
		codes []string
		says  []string
	}{
		"another's serial":          {10, []string{"SN-3"}, []string{"n3's serial number, r1 u20, right half", "you stand at r1 u10-u11 (n1)"}},
		"a serial of another rack":  {10, []string{"A-9"}, []string{"m1's asset tag, r2 u1", "(n1)"}},
		"not the planned serial":    {10, []string{"SN-77"}, []string{"the plan has serial SN-1 for n1", "SN-77 was scanned"}},
		"not the planned UUID":      {10, []string{"22222222-2222-3333-4444-555555555501"}, []string{"the plan has uuid 11111111", "22222222"}},
		"a placeholder":             {0, []string{"rw:machine:n2", "Default string"}, []string{"placeholder"}},
		"another machine's label":   {10, []string{"rw:machine:n3", "SN-1"}, []string{"label of n3", "(n1)"}},
		"another rack's label":      {10, []string{"rw:rack:r2", "SN-1"}, []string{"this is rack r2"}},
		"seen at another machine":   {0, []string{"rw:machine:n3", "GHOST"}, []string{"GHOST was seen at n2 (agent)"}},
		"two places":                {10, []string{"rw:slot:r1:40", "SN-1"}, []string{"two places"}},
		"a UUID on a switch":        {40, []string{"22222222-2222-3333-4444-555555555501"}, []string{"leaf-1 has no uuid"}},
		"a serial where one is new": {0, []string{"rw:machine:n2", "serial:NEW", "serial:OTHER"}, []string{"two serials"}},
	} {
		s := scan(t, v, c.u, c.codes...)
		err := s.Refuse()
		if !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, words := range c.says {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %q does not say %q", name, err, words)
			}
		}
	}
}

func TestAScanWithoutAPlaceOrWithoutHardwareBindsNothing(t *testing.T) {
	for _, codes := range [][]string{{"SN-1"}, {"rw:slot:r1:10"}, {"rw:machine:n1", "rw:cable:C-14"}} {
		if s := scan(t, rack(), 0, codes...); s.Binding != nil || !fault.Is(s.Refuse(), fault.Invalid) {
			t.Errorf("%v: %+v, %v", codes, s.Binding, s.Refuse())
		}
	}
}

func TestAScanAndASightingThatAgreeMakeItDiscovered(t *testing.T) {
	v := rack()
	v.Seen = []racking.Sighting{{Machine: "one", Kind: "mac", Value: mac(1).String(), Source: "dhcp"}}
	if s := scan(t, v, 10, "SN-1"); s.Binding.Phase != inventory.Discovered {
		t.Errorf("phase %q", s.Binding.Phase)
	}
	one(v).Conditions = []inventory.Condition{{Type: inventory.IdentityMismatch}}
	if s := scan(t, v, 10, "SN-1"); s.Binding.Phase != inventory.Racked {
		t.Errorf("with a mismatch: phase %q", s.Binding.Phase)
	}
	one(v).Phase = inventory.Active
	if s := scan(t, v, 10, "SN-1"); s.Binding.Phase != "" {
		t.Errorf("an active machine moves to %q", s.Binding.Phase)
	}
}

func TestAPlaceThatCannotBeMeant(t *testing.T) {
	for u, says := range map[int]string{20: "several things", 3: "nothing at r1 u3"} {
		read, _ := racking.ReadCodes([]string{"SN-1"})
		_, err := rack().Scan(read, &racking.Spot{U: u})
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), says) || fault.HintOf(err) == "" {
			t.Errorf("u%d: %v", u, err)
		}
	}
}

func TestCodesAreBounded(t *testing.T) {
	for _, codes := range [][]string{nil, slices.Repeat([]string{"x"}, 9), {"rw:pizza"}} {
		if _, err := racking.ReadCodes(codes); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", codes, err)
		}
	}
	if read, err := racking.ReadCodes([]string{"A", "A", " A"}); err != nil || len(read) != 1 {
		t.Errorf("the same code thrice: %v, %v", read, err)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("SN-1", "rw:slot:r1:10")
	f.Add("rw:machine:n1", "aa:bb:cc:00:11:22")
	f.Add("uuid:x", "serial:")
	f.Fuzz(func(t *testing.T, a, b string) {
		read, err := racking.ReadCodes([]string{a, b})
		if err != nil {
			return
		}
		s, err := rack().Scan(read, &racking.Spot{U: 10})
		if err != nil {
			return
		}
		if s.Binding != nil && s.Refuse() == nil {
			for _, set := range s.Binding.Set {
				if set.Field == "" || set.Field == "text" || set.Value == "" {
					t.Errorf("%q, %q would set %+v", a, b, set)
				}
			}
		}
	})
}
