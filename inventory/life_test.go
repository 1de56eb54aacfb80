package inventory_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// built is a verified machine that lacks nothing to be ready but proof of empty disks.
func built() *inventory.Machine {
	return &inventory.Machine{Name: "n1", Slot: &inventory.Slot{Rack: "r1", U: 1}, Phase: inventory.Verified, Serial: "SN-1", NICs: []inventory.NIC{{Name: "nic1", MAC: one}},
		BMC:   &inventory.BMC{Address: "https://10.0.0.1", CertificateSHA256: "ab", Claimed: noon},
		Facts: &inventory.Facts{Source: "agent", System: inventory.System{Serial: "SN-1"}, NICs: []inventory.SeenNIC{{Name: "eth0", MAC: one}}}}
}

func TestAMachineIsReadyWhenItsDisksAreProvenEmptyItsFirmwareIsRightAndItsBMCAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*inventory.Machine)
		lacks  string
	}{
		"everything": {func(m *inventory.Machine) {}, ""},
		"disks":      {func(m *inventory.Machine) { m.Erased = time.Time{} }, "erased"},
		"disks, waived": {func(m *inventory.Machine) {
			m.Erased, m.Waivers = time.Time{}, []inventory.Waiver{{Rule: "erased", Reason: "new disks"}}
		}, ""},
		"firmware": {func(m *inventory.Machine) {
			m.Conditions = []inventory.Condition{{Type: "firmware-wrong", Subject: "bios"}}
		}, "firmware"},
		"firmware, waived": {func(m *inventory.Machine) {
			m.Conditions = []inventory.Condition{{Type: "firmware-wrong", Waived: inventory.Waived{At: noon}}}
		}, ""},
		"a BMC that refuses us":     {func(m *inventory.Machine) { m.Conditions = []inventory.Condition{{Type: inventory.BMCUnusable}} }, "bmc"},
		"a BMC never reached":       {func(m *inventory.Machine) { m.BMC.CertificateSHA256 = "" }, "bmc"},
		"a BMC that is not claimed": {func(m *inventory.Machine) { m.BMC.Claimed = time.Time{} }, "bmc"},
		"not claimed, waived": {func(m *inventory.Machine) {
			m.BMC.Claimed, m.Waivers = time.Time{}, []inventory.Waiver{{Rule: "bmc", Reason: "its password is kept elsewhere"}}
		}, ""},
		"no BMC at all": {func(m *inventory.Machine) { m.BMC = nil }, ""},
		"its identity":  {func(m *inventory.Machine) { m.Conditions = []inventory.Condition{{Type: inventory.IdentityMismatch}} }, "no-disagreement"},
	} {
		m := built()
		m.Erased = noon
		c.change(m)
		said := inventory.Advance(m)
		if ready := m.Phase == inventory.Ready; ready != (c.lacks == "") || ready != (said != "") {
			t.Errorf("%s: %s, %q", name, m.Phase, said)
		}
		for _, g := range inventory.Gates(m, nil) {
			for _, check := range g.Checks {
				if g.To == inventory.Ready && check.Met == (check.Name == c.lacks) {
					t.Errorf("%s: check %+v", name, check)
				}
			}
		}
	}
}

func TestAReadyMachineThatWasWrittenIsReadyNoMore(t *testing.T) {
	m := built()
	m.Phase = inventory.Ready
	if said := inventory.Advance(m); m.Phase != inventory.Verified || !strings.Contains(said, "erased") {
		t.Errorf("%s: %q", m.Phase, said)
	}
}

func TestAfterAHoldAMachineIsWhereTheEvidenceSays(t *testing.T) {
	seen := func(kind, value string) []inventory.Identifier {
		return []inventory.Identifier{{Kind: kind, Value: value, Source: "dhcp", Last: noon}}
	}
	for name, c := range map[string]struct {
		change func(*inventory.Machine)
		seen   []inventory.Identifier
		want   inventory.Phase
	}{
		"nothing seen":            {func(m *inventory.Machine) { m.Facts = nil }, nil, inventory.Planned},
		"its MAC":                 {func(m *inventory.Machine) { m.Facts = nil }, seen(inventory.IDMAC, one.String()), inventory.Racked},
		"MAC and serial":          {func(m *inventory.Machine) { m.Facts = nil }, append(seen(inventory.IDMAC, one.String()), seen(inventory.IDSerial, "sn-1")...), inventory.Discovered},
		"its parts":               {func(m *inventory.Machine) {}, nil, inventory.Discovered},
		"parts, but a doubt":      {func(m *inventory.Machine) { m.Conditions = []inventory.Condition{{Type: inventory.IdentityMismatch}} }, nil, inventory.Racked},
		"what was deployed on it": {func(m *inventory.Machine) { m.Image = "debian" }, nil, inventory.Active},
		"a stranger":              {func(m *inventory.Machine) { m.Slot = nil }, nil, inventory.Discovered},
	} {
		m := built()
		c.change(m)
		m.Phase = inventory.Maintenance
		if got := inventory.Evidenced(m, c.seen); got != c.want || !inventory.CanMove(inventory.Maintenance, got) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAHoldIsItsHoldersUntilItEnds(t *testing.T) {
	m := built()
	h, err := inventory.NewHold("ann", "fan", 0, noon)
	if err != nil || inventory.Keep(m, h, noon) != nil || m.Phase != inventory.Maintenance {
		t.Fatalf("%v, %s", err, m.Phase)
	}
	if err := inventory.Guard(m, "bob", false, noon); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "ann") || fault.HintOf(err) == "" {
		t.Errorf("bob works on it: %v", err)
	}
	for _, c := range []struct {
		who         string
		destructive bool
		at          time.Time
		free        bool
	}{{"ann", false, noon, true}, {"ann", true, noon, false}, {"bob", true, noon.Add(inventory.HoldFor), true}} {
		if err := inventory.Guard(m, c.who, c.destructive, c.at); (err == nil) != c.free {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := inventory.Release(m, nil, "bob", false, noon); !fault.Is(err, fault.Conflict) {
		t.Errorf("bob releases it: %v", err)
	}
	for _, bad := range []struct {
		reason string
		long   time.Duration
	}{{"", time.Hour}, {"fan", time.Second}, {"fan", inventory.MaxHold + 1}, {strings.Repeat("x", inventory.MaxWords+1), time.Hour}} {
		if _, err := inventory.NewHold("ann", bad.reason, bad.long, noon); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.10s %s: %v", bad.reason, bad.long, err)
		}
	}
}

func TestASwitchPortSaysWhereNotWhat(t *testing.T) {
	leaf := []inventory.Device{{Name: "leaf-1", LLDP: "tor.example", Ports: []inventory.Port{{Name: "1", Circuit: "tor/{port}"}, {Name: "2", Circuit: "tor/{port}"}}}}
	m := built()
	m.UUID = "11111111-2222-3333-4444-555555555555"
	m.NICs[0].Cable = &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "1"}}
	same := func(a, b string) bool { return a == b }
	at := func(e inventory.Evidence, port string) inventory.Evidence {
		e.LLDP = []inventory.Neighbor{{NIC: "eth0", System: "TOR.example", Port: port}}
		e.Circuit = "TOR/" + port
		return e.Locate(leaf, same)
	}
	for name, c := range map[string]struct {
		e               inventory.Evidence
		agree, disagree int
	}{
		"both ports agree, of nothing else":     {at(inventory.Evidence{}, "1"), 2, 0},
		"the wrong port of an unknown machine":  {at(inventory.Evidence{}, "2"), 0, 2},
		"the wrong port of one that is certain": {at(inventory.Evidence{Serial: "SN-1", UUID: m.UUID}, "2"), 2, 0},
		"the wrong port, and another serial":    {at(inventory.Evidence{Serial: "SN-2", UUID: m.UUID}, "2"), 1, 3},
		"a switch that is in no plan":           {inventory.Evidence{LLDP: []inventory.Neighbor{{System: "office", Port: "1"}}}.Locate(leaf, same), 0, 0},
	} {
		agree, disagree := c.e.Match(m)
		if len(agree) != c.agree || len(disagree) != c.disagree {
			t.Errorf("%s: agree %q, disagree %q", name, agree, disagree)
		}
	}
}

func TestACircuitIsThePortOfTheSwitchWhoseRemoteIDCameWithIt(t *testing.T) {
	leaf := func(name, remote string) inventory.Device {
		return inventory.Device{Name: name, RemoteID: remote, Ports: []inventory.Port{{Name: "7", Circuit: "ge-0/0/{port}"}, {Name: "8", Circuit: "ge-0/0/{port}"}}}
	}
	first, second, third := leaf("leaf-1", "0x00AB"), leaf("leaf-2", "tor-2"), leaf("leaf-3", "")
	for name, c := range map[string]struct {
		devices []inventory.Device
		remote  string
		want    string
	}{
		"the first's":                           {[]inventory.Device{first, second, third}, "0x00ab", "leaf-1:7"},
		"the second's":                          {[]inventory.Device{first, second, third}, "TOR-2", "leaf-2:7"},
		"of no switch of the plan":              {[]inventory.Device{first, second, third}, "tor-9", "leaf-3:7"},
		"none told":                             {[]inventory.Device{first, second, third}, "", "leaf-3:7"},
		"none told, and all are planned with":   {[]inventory.Device{first, second}, "", ""},
		"another's, and all are planned with":   {[]inventory.Device{first, second}, "tor-9", ""},
		"of a switch whose ports have others":   {[]inventory.Device{{Name: "leaf-9", RemoteID: "tor-9"}, third}, "tor-9", ""},
		"several without one are ambiguous":     {[]inventory.Device{leaf("leaf-4", ""), third}, "tor-9", ""},
		"and so are several of the same":        {[]inventory.Device{leaf("leaf-4", "tor-2"), second}, "tor-2", ""},
		"a plan without remote ids, one has it": {[]inventory.Device{third, {Name: "leaf-9", Ports: []inventory.Port{{Name: "7", Circuit: "x"}}}}, "tor-9", "leaf-3:7"},
		"nobody has the circuit":                {nil, "tor-9", ""},
	} {
		var got []string
		for _, p := range (inventory.Evidence{Circuit: "GE-0/0/7", Remote: c.remote}).Locate(c.devices, strings.EqualFold).Ports {
			got = append(got, p.At.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if e := (inventory.Evidence{Remote: "tor-2"}).Locate([]inventory.Device{second, {Name: "x", Ports: []inventory.Port{{Name: "1"}}}}, strings.EqualFold); len(e.Ports) != 0 {
		t.Errorf("a remote id alone names %+v", e.Ports)
	}
}

func TestAConditionStaysUntilItsOwnIdentifierAgrees(t *testing.T) {
	m := built()
	m.Phase = inventory.Planned
	inventory.Bind(m, inventory.Evidence{Source: "agent", Serial: "SN-2", MACs: []inventory.MAC{one}}, noon)
	if len(m.Conditions) != 1 || m.Conditions[0].Subject != inventory.IDSerial {
		t.Fatalf("%+v", m.Conditions)
	}
	inventory.Bind(m, inventory.Evidence{Source: "dhcp", MACs: []inventory.MAC{one}}, noon.Add(time.Hour))
	if len(m.Conditions) != 1 || !m.Conditions[0].Since.Equal(noon) {
		t.Errorf("a MAC alone cleared it: %+v", m.Conditions)
	}
	inventory.Bind(m, inventory.Evidence{Source: "agent", Serial: "SN-1", MACs: []inventory.MAC{one}}, noon)
	if len(m.Conditions) != 0 || m.Phase != inventory.Discovered {
		t.Errorf("%s, %+v", m.Phase, m.Conditions)
	}
}

func TestMACsAreLearnedByTheCableElseByTheOrderOfThePorts(t *testing.T) {
	m := &inventory.Machine{NICs: []inventory.NIC{{Name: "a"}, {Name: "b", Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "1"}}}}}
	f := &inventory.Facts{System: inventory.System{Serial: "NA", UUID: "ABCD0000-2222-3333-4444-555555555555"},
		NICs: []inventory.SeenNIC{{Name: "eth0", MAC: one, PCI: "0000:01:00.0"}, {Name: "eth1", MAC: two, PCI: "0000:01:00.1"}}}
	e := inventory.Evidence{Ports: []inventory.SeenPort{{Kind: inventory.IDLLDP, At: inventory.End{Owner: "leaf-1", Port: "1"}, NIC: "eth0"}}}
	inventory.Learn(m, f, e)
	if m.NICs[1].MAC != one || m.NICs[0].MAC != two || m.Serial != "" || m.UUID != "abcd0000-2222-3333-4444-555555555555" {
		t.Errorf("%+v", m)
	}
	few := &inventory.Machine{NICs: []inventory.NIC{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
	inventory.Learn(few, f, inventory.Evidence{})
	if !few.NICs[0].MAC.IsZero() {
		t.Error("a port is missing, and the order was believed")
	}
}
