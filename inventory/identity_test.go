package inventory_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/inventory"
)

var one, two, three = inventory.MAC{2, 0, 0, 0, 0, 1}, inventory.MAC{2, 0, 0, 0, 0, 2}, inventory.MAC{2, 0, 0, 0, 0, 3}

func TestEvidenceAgreesOnlyWhereItIdentifiesSomething(t *testing.T) {
	planned := inventory.Machine{Serial: "SN-1", UUID: "11111111-2222-3333-4444-555555555555", NICs: []inventory.NIC{{MAC: one}, {MAC: two}}}
	for name, c := range map[string]struct {
		machine         inventory.Machine
		seen            inventory.Evidence
		agree, disagree int
	}{
		"all three":                 {planned, inventory.Evidence{Serial: "sn-1 ", UUID: strings.ToUpper(planned.UUID), MACs: []inventory.MAC{three, two}}, 3, 0},
		"nothing seen":              {planned, inventory.Evidence{}, 0, 0},
		"another serial":            {planned, inventory.Evidence{Serial: "SN-2", MACs: []inventory.MAC{one}}, 1, 1},
		"another MAC":               {planned, inventory.Evidence{MACs: []inventory.MAC{three}}, 0, 1},
		"junk seen":                 {planned, inventory.Evidence{Serial: "To Be Filled By O.E.M.", UUID: "00000000-0000-0000-0000-000000000000"}, 0, 0},
		"junk planned":              {inventory.Machine{Serial: "NA"}, inventory.Evidence{Serial: "SN-2"}, 0, 0},
		"a plan without MACs":       {inventory.Machine{Serial: "SN-1"}, inventory.Evidence{Serial: "SN-1", MACs: []inventory.MAC{one}}, 1, 0},
		"the same junk on each":     {inventory.Machine{Serial: "Default string"}, inventory.Evidence{Serial: "Default string"}, 0, 0},
		"a plan that says nothing":  {inventory.Machine{}, inventory.Evidence{Serial: "SN-1", UUID: planned.UUID, MACs: []inventory.MAC{one}}, 0, 0},
		"all three are of another":  {planned, inventory.Evidence{Serial: "SN-9", UUID: "y", MACs: []inventory.MAC{three}}, 0, 3},
		"two identifiers of a MAC?": {planned, inventory.Evidence{MACs: []inventory.MAC{one, two}}, 1, 0},
	} {
		agree, disagree := c.seen.Match(&c.machine)
		if len(agree) != c.agree || len(disagree) != c.disagree {
			t.Errorf("%s: agree %q, disagree %q", name, agree, disagree)
		}
	}
}

func TestTheAddressABMCTellsOfItselfIsEvidence(t *testing.T) {
	planned := inventory.Machine{Serial: "SN-1", BMC: &inventory.BMC{MAC: one}, Slot: &inventory.Slot{Rack: "r1", U: 1}, Phase: inventory.Planned}
	facts := inventory.Facts{Source: "redfish", System: inventory.System{Serial: "SN-1"}, BMCs: []inventory.MAC{two, one}}
	m := planned
	if said, bound := inventory.Bind(&m, inventory.FromFacts(&facts), time.Now()); !bound || m.Phase != inventory.Discovered || !strings.Contains(said, "bmc-mac") {
		t.Errorf("%s: %q", m.Phase, said)
	}
	facts.BMCs = []inventory.MAC{three}
	m = planned
	if _, bound := inventory.Bind(&m, inventory.FromFacts(&facts), time.Now()); bound || len(m.Conditions) != 1 || m.Conditions[0].Subject != inventory.IDBMCMAC {
		t.Errorf("another BMC: %v", m.Conditions)
	}
}

func TestPlaceholdersAreJunk(t *testing.T) {
	for s, junk := range map[string]bool{"": true, " ": true, "NA": true, "n/a": true, "0000000": true, "xxxx": true, "...": true, "To be filled by O.E.M.": true,
		"System Serial Number": true, "SN-1": false, "10": false, "X1X": false, "ABC0000": false} {
		if got := inventory.JunkSerial(s); got != junk {
			t.Errorf("serial %q is junk: %v", s, got)
		}
	}
	for s, junk := range map[string]bool{"": true, "00000000-0000-0000-0000-000000000000": true, "FFFFFFFF-ffff-ffff-ffff-ffffffffffff": true,
		"03000200-0400-0500-0006-000700080009": true, "11111111-2222-3333-4444-555555555555": false} {
		if got := inventory.JunkUUID(s); got != junk {
			t.Errorf("UUID %q is junk: %v", s, got)
		}
	}
}

func TestASerialNumberIsItsVendorsOwn(t *testing.T) {
	a, b, junk := inventory.Machine{Vendor: "Acme", Serial: "SN-1"}, inventory.Machine{Vendor: " ACME ", Serial: "sn-1 "}, inventory.Machine{Vendor: "Acme", Serial: "NA"}
	if a.SerialKey() != b.SerialKey() || a.SerialKey() == "" {
		t.Errorf("%q and %q", a.SerialKey(), b.SerialKey())
	}
	if other := (&inventory.Machine{Vendor: "Other", Serial: "SN-1"}); other.SerialKey() == a.SerialKey() || junk.SerialKey() != "" {
		t.Errorf("%q, junk %q", other.SerialKey(), junk.SerialKey())
	}
}
