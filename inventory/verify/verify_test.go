package verify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/verify"
)

var (
	noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	soon = noon.Add(time.Hour)
)

func mac(i int) inventory.MAC { return inventory.MAC{0x52, 0x54, 0, 0, byte(i >> 8), byte(i)} }

// model is a server with one of everything.
func model() *inventory.Model {
	return &inventory.Model{Name: "r660", Build: inventory.Build{Vendor: "Dell", Product: "PowerEdge R660",
		Parts: inventory.Parts{CPUs: []inventory.CPU{{Socket: "CPU1", Model: "Xeon Gold 6430", Cores: 32}, {Socket: "CPU2", Model: "Xeon Gold 6430", Cores: 32}},
			DIMMs: []inventory.DIMM{{Slot: "A1", SizeMiB: 65536, SpeedMTs: 4800}, {Slot: "A2", SizeMiB: 65536, SpeedMTs: 4800}, {Slot: "B1", SizeMiB: 65536}},
			Disks: []inventory.Disk{{Bay: "0", Bytes: 480e9, Type: "ssd"}, {Bay: "1", Bytes: 480e9, Type: "ssd"}}, NICs: 2},
		PSUs:     []inventory.PSU{{Name: "psu1", Watts: 800}, {Name: "psu2", Watts: 800}},
		Firmware: []inventory.Version{{Component: "bios", Version: "2.1.5"}, {Component: "bmc", Version: "7.00.60.00"}},
		BIOS:     map[string]string{"LogicalProc": "Enabled", "NotTold": "x"}}}
}

func machine() inventory.Machine {
	return inventory.Machine{ID: "id", Name: "r1-u10", Model: "r660", Phase: inventory.Discovered, Firmware: inventory.UEFI,
		Slot: &inventory.Slot{Rack: "r1", U: 10, Height: 1, Face: inventory.Front},
		NICs: []inventory.NIC{{Name: "nic1", MAC: mac(1)}, {Name: "nic2", MAC: mac(2)}}}
}

// seen is the model as the agent and the BMC see it, each with its own names.
func seen() []inventory.Facts {
	return []inventory.Facts{
		{Source: "agent", Observed: noon, Firmware: inventory.UEFI, System: inventory.System{Vendor: "Dell Inc.", Product: "PowerEdge R660", BIOSVersion: "2.1.5"},
			CPUs:  []inventory.CPU{{Socket: "CPU0", Model: "Intel(R) Xeon(R) Gold 6430", Cores: 32}, {Socket: "CPU1", Model: "Intel(R) Xeon(R) Gold 6430", Cores: 32}},
			DIMMs: []inventory.DIMM{{Slot: "DIMM_A1", SizeMiB: 65536, SpeedMTs: 4800}, {Slot: "DIMM A2", SizeMiB: 65536, SpeedMTs: 4800}, {Slot: "B1", SizeMiB: 65536}},
			Disks: []inventory.Disk{{Path: "/dev/sda", Bytes: 480103981056, Type: "ssd"}, {Path: "/dev/sdb", Bytes: 480103981056, Type: "ssd"}},
			NICs:  []inventory.SeenNIC{{Name: "eth0", MAC: mac(1), Link: true}, {Name: "eth1", MAC: mac(2), Link: true}}},
		{Source: "redfish", Observed: noon.Add(-time.Hour), PSUs: []inventory.PSU{{Name: "PSU.Slot.1", Watts: 800, Input: "ok"}, {Name: "PSU 2", Watts: 800, Input: "ok"}},
			Versions: []inventory.Version{{Component: "Installed-0-BIOS", Version: "2.1.5"}, {Component: "Previous-BMC", Version: "1"}, {Component: "iDRAC", Version: "7.00.60.00"}},
			BIOS:     map[string]string{"LogicalProc": "enabled"}},
	}
}

// told is each condition as "type subject reason".
func told(list []inventory.Condition) string {
	var out []string
	for _, c := range list {
		out = append(out, strings.Join(strings.Fields(c.Type+" "+c.Subject+" "+c.Reason), " "))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

func TestAMachineThatIsAsItsModelHasNoDifference(t *testing.T) {
	if got := verify.Machine(machine(), model(), seen(), soon); len(got) != 0 {
		t.Errorf("found %+v", got)
	}
	if got := verify.Machine(machine(), nil, seen(), soon); len(got) != 0 {
		t.Errorf("without a model: %+v", got)
	}
	if got := verify.Machine(machine(), model(), nil, soon); len(got) != 0 {
		t.Errorf("before it was seen: %+v", got)
	}
}

func TestEveryDifferenceIsNamedOnItsPart(t *testing.T) {
	for want, change := range map[string]func(agent, bmc *inventory.Facts){
		"dimm-missing A2 missing":       func(a, _ *inventory.Facts) { a.DIMMs = slices.Delete(a.DIMMs, 1, 2) },
		"dimm-wrong A1 size":            func(a, _ *inventory.Facts) { a.DIMMs[0].SizeMiB = 32768 },
		"dimm-wrong A2 speed":           func(a, _ *inventory.Facts) { a.DIMMs[1].SpeedMTs = 4400 },
		"dimm-misplaced A2 slot":        func(a, _ *inventory.Facts) { a.DIMMs[1].Slot = "A3" },
		"dimm-unexpected C1 unexpected": func(a, _ *inventory.Facts) { a.DIMMs = append(a.DIMMs, inventory.DIMM{Slot: "C1", SizeMiB: 1}) },
		"cpu-missing CPU2 missing": func(a, _ *inventory.Facts) {
			a.CPUs = []inventory.CPU{{Socket: "CPU1", Model: "Xeon Gold 6430", Cores: 32}}
		},
		"cpu-wrong CPU1 model":                             func(a, _ *inventory.Facts) { a.CPUs[0].Model = "Intel(R) Xeon(R) Silver 4410Y" },
		"cpu-wrong CPU2 cores":                             func(a, _ *inventory.Facts) { a.CPUs[1].Cores = 16 },
		"disk-missing 1 missing":                           func(a, _ *inventory.Facts) { a.Disks = a.Disks[:1] },
		"disk-missing 0 missing":                           func(a, _ *inventory.Facts) { a.Disks = []inventory.Disk{{Bay: "Bay 1", Bytes: 480e9, Type: "ssd"}} },
		"disk-wrong 0 smaller":                             func(a, _ *inventory.Facts) { a.Disks[0].Bay, a.Disks[1].Bay, a.Disks[0].Bytes = "0", "1", 240e9 },
		"disk-wrong 1 type":                                func(a, _ *inventory.Facts) { a.Disks[0].Bay, a.Disks[1].Bay, a.Disks[1].Type = "0", "1", "hdd" },
		"nic-missing nic2 mac-not-seen":                    func(a, _ *inventory.Facts) { a.NICs[1].MAC = mac(9) },
		"nic-missing count; nic-missing nic2 mac-not-seen": func(a, _ *inventory.Facts) { a.NICs = a.NICs[:1] },
		"psu-missing psu2 missing":                         func(_, b *inventory.Facts) { b.PSUs = b.PSUs[:1] },
		"psu-wrong psu1 differs":                           func(_, b *inventory.Facts) { b.PSUs[0].Watts = 495 },
		"psu-input-lost psu2 input-lost":                   func(_, b *inventory.Facts) { b.PSUs[1].Input = "lost" },
		"firmware-wrong bios older":                        func(a, _ *inventory.Facts) { a.System.BIOSVersion = "2.1.4" },
		"firmware-wrong bmc newer":                         func(_, b *inventory.Facts) { b.Versions[2].Version = "7.10.0" },
		"firmware-wrong bmc differs":                       func(_, b *inventory.Facts) { b.Versions[2].Version = "nightly" },
		"bios-attribute-wrong LogicalProc differs":         func(_, b *inventory.Facts) { b.BIOS["LogicalProc"] = "Disabled" },
		"boot-mode-wrong differs":                          func(a, _ *inventory.Facts) { a.Firmware = inventory.BIOS },
		"wrong-model product differs":                      func(a, _ *inventory.Facts) { a.System.Product = "PowerEdge R640" },
		"wrong-model vendor differs":                       func(a, _ *inventory.Facts) { a.System.Vendor = "HPE" },
	} {
		t.Run(want, func(t *testing.T) {
			facts := seen()
			change(&facts[0], &facts[1])
			got := verify.Machine(machine(), model(), facts, soon)
			if told(got) != want {
				t.Fatalf("found %s", told(got))
			}
			for _, c := range got {
				if !strings.HasPrefix(c.Evidence, "expected ") || !strings.Contains(c.Evidence, ", observed ") || !strings.HasSuffix(c.Evidence, ", 2026-03-04)") ||
					!strings.HasSuffix(c.Hint, "; r1-u10, rack r1 u10") || !slices.Contains(verify.Types(), c.Type) {
					t.Errorf("told as %+v", c)
				}
			}
		})
	}
}

func TestAHintSaysWhatHandsHaveToDo(t *testing.T) {
	facts := seen()
	facts[0].DIMMs[1].Slot = "A3"
	facts[1].PSUs[0].Input = "lost"
	m := machine()
	m.PSUs = []inventory.PSU{{Name: "psu1", Cable: &inventory.Cable{To: inventory.End{Owner: "pdu-a", Port: "7"}}}}
	got := verify.Machine(m, model(), facts, soon)
	if len(got) != 2 || got[0].Hint != "move the module from DIMM slot A3 to A2; r1-u10, rack r1 u10" ||
		got[1].Hint != "power supply psu1 has no input: check the cable to pdu-a:7 and its breaker; r1-u10, rack r1 u10" {
		t.Errorf("found %+v", got)
	}
}

func TestTheNewestSourceThatSeesAKindIsBelieved(t *testing.T) {
	facts := seen()
	facts[1].Observed = soon
	facts[1].DIMMs = []inventory.DIMM{{Slot: "A1", SizeMiB: 65536}, {Slot: "A2", SizeMiB: 65536}} // B1 is gone by now
	got := verify.Machine(machine(), model(), facts, soon)
	if told(got) != "dimm-missing B1 missing" || !strings.Contains(got[0].Evidence, "(redfish, ") {
		t.Errorf("found %+v", got)
	}
	view := verify.Merge(facts)
	if view.Source != "redfish" || len(view.DIMMs) != 2 || len(view.CPUs) != 2 || view.System.BIOSVersion != "2.1.5" || !view.Observed.Equal(soon) {
		t.Errorf("merged as %+v", view)
	}
}

func TestPortsAreAsTheAgentSawThem(t *testing.T) {
	agent := inventory.Facts{Source: "agent", Observed: noon, NICs: []inventory.SeenNIC{{Name: "eth0", MAC: mac(1), Link: true}, {Name: "eth1", MAC: mac(2)}}}
	bmc := inventory.Facts{Source: "redfish", Observed: soon, NICs: []inventory.SeenNIC{{Name: "NIC.1", MAC: mac(1)}, {Name: "NIC.3", MAC: mac(3)}}}
	names := func(seen ...inventory.Facts) string {
		var out []string
		for _, n := range verify.Ports(seen) {
			out = append(out, n.Name)
		}
		return strings.Join(out, " ")
	}
	for want, facts := range map[string][]inventory.Facts{"eth0 eth1 NIC.3": {agent, bmc}, "NIC.1 NIC.3": {bmc}, "": nil} {
		if got := names(facts...); got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	}
	bmc.Observed = noon.Add(-time.Hour)
	if got := names(agent, bmc); got != "eth0 eth1" {
		t.Errorf("with an older BMC %s", got)
	}
}

func TestOnlyWhatWasWaivedByNamePasses(t *testing.T) {
	facts := seen()
	facts[0].DIMMs = facts[0].DIMMs[:1]
	m := machine()
	m.Waivers = []inventory.Waiver{{Rule: "dimm-missing", On: "DIMM A2", Reason: "ordered"}}
	got := verify.Machine(m, model(), facts, soon)
	if told(got) != "dimm-missing A2 missing; dimm-missing B1 missing" || got[0].Waived.By != verify.ByPlan || got[0].Waived.Reason != "ordered" || !got[1].Waived.At.IsZero() {
		t.Errorf("found %+v", got)
	}
}

func TestAConditionThatStaysKeepsItsBeginningAndItsWaiver(t *testing.T) {
	byHand := inventory.Waived{By: "ada", Reason: "ordered", At: noon}
	old := []inventory.Condition{{Type: "bmc-unusable", Since: noon}, {Type: "dimm-missing", Subject: "A1", Reason: "missing", Since: noon, Waived: byHand},
		{Type: "dimm-wrong", Subject: "A2", Reason: "size", Since: noon, Waived: byHand}, {Type: "disk-missing", Subject: "1", Since: noon},
		{Type: "psu-missing", Subject: "psu1", Reason: "missing", Since: noon, Waived: inventory.Waived{By: verify.ByPlan, Reason: "later", At: noon}},
		{Type: "differs-from-siblings", Subject: "cpu", Since: noon}}
	found := []inventory.Condition{{Type: "dimm-missing", Subject: "A1", Reason: "missing"}, {Type: "dimm-wrong", Subject: "A2", Reason: "speed"},
		{Type: "cpu-wrong", Subject: "0"}, {Type: "psu-missing", Subject: "psu1", Reason: "missing"}}
	got := verify.Settle(old, found, verify.MachineTypes(), soon)
	line := ""
	for _, c := range got {
		line += fmt.Sprintf("%s %s %d %s\n", c.Type, c.Subject, c.Since.Hour(), c.Waived.By)
	}
	if line != "bmc-unusable  12 \ndiffers-from-siblings cpu 12 \ndimm-missing A1 12 ada\ndimm-wrong A2 12 \npsu-missing psu1 12 \ncpu-wrong 0 13 \n" {
		t.Errorf("settled as\n%s", line)
	}
	if len(verify.Open(got)) != 4 {
		t.Errorf("open are %+v", verify.Open(got))
	}
}

func TestAMachineThatDiffersFromItsSiblingsIsPointedOut(t *testing.T) {
	batch := func(n int) []inventory.Machine {
		var out []inventory.Machine
		for i := range n {
			facts := verify.Merge(seen())
			out = append(out, inventory.Machine{ID: fmt.Sprint(i), Name: fmt.Sprintf("n%d", i), Model: "r660", Batch: "2026-03", Facts: facts})
		}
		return out
	}
	odd := batch(4)
	odd[2].Facts.CPUs, odd[2].Facts.Disks = odd[2].Facts.CPUs[:1], append(slices.Clone(odd[2].Facts.Disks), inventory.Disk{Bytes: 4e12, Type: "hdd"})
	odd[2].Facts.DIMMs = slices.Clone(odd[2].Facts.DIMMs)
	odd[2].Facts.DIMMs[0].Slot = "C9"
	odd[2].Facts.System.BIOSVersion, odd[2].Facts.Versions = "2.0", nil
	got := verify.Siblings(odd, soon)
	if len(got) != 1 || told(got["2"]) != "differs-from-siblings cpu differs; differs-from-siblings dimm differs; differs-from-siblings disk differs; differs-from-siblings firmware differs" {
		t.Errorf("found %+v", got)
	}
	few := batch(3)
	few[0].Facts.CPUs = few[0].Facts.CPUs[:1]
	apart := batch(8)
	for i := range 4 {
		apart[i].Facts.CPUs = apart[i].Facts.CPUs[:1]
	}
	loose := batch(5)
	loose[0].Facts.CPUs = nil // not seen
	for i := range loose {
		loose[i].Facts.Disks = []inventory.Disk{{Bytes: 480e9 + int64(i)*1e6, Type: "ssd"}} // vendors differ by a little
	}
	for name, list := range map[string][]inventory.Machine{"two others": few, "half of them": apart, "unseen and nearly equal": loose} {
		if got := verify.Siblings(list, soon); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestTheGateOpensWhenAllWasSeenAndNothingDiffers(t *testing.T) {
	for want, c := range map[string]struct {
		change func(*inventory.Machine)
		model  *inventory.Model
		seen   []inventory.Facts
	}{
		"":                            {model: model(), seen: seen()},
		" ":                           {model: nil, seen: seen()},
		"its parts were not observed": {model: model()},
		"it is planned":               {change: func(m *inventory.Machine) { m.Phase = inventory.Planned }, model: model(), seen: seen()},
		"identity-mismatch":           {change: func(m *inventory.Machine) { m.Conditions = []inventory.Condition{{Type: inventory.IdentityMismatch}} }, model: model(), seen: seen()},
		"no switch was heard on nic1": {change: func(m *inventory.Machine) {
			m.NICs = []inventory.NIC{{Name: "nic1", MAC: inventory.MAC{2, 1}, Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "1"}}}}
		}, model: model(), seen: seen()},
		"dimm-missing A1": {change: func(m *inventory.Machine) {
			m.Conditions = []inventory.Condition{{Type: "dimm-missing", Subject: "A1"}}
		}, model: model(), seen: seen()},
		"  ": {change: func(m *inventory.Machine) {
			m.Conditions = []inventory.Condition{{Type: "dimm-missing", Subject: "A1", Waived: inventory.Waived{At: noon}}, {Type: "bmc-unusable"}}
		}, model: model(), seen: seen()},
	} {
		m := machine()
		if c.change != nil {
			c.change(&m)
		}
		evidence, missing := verify.Gate(&m, c.model, c.seen, verify.Wiring{}, soon)
		if missing != strings.TrimSpace(want) || (evidence == "") != (missing != "") {
			t.Errorf("%q: %q, %q", want, evidence, missing)
		}
	}
	facts := seen()[:1]
	facts[0].Disks = nil
	m := machine()
	if _, missing := verify.Gate(&m, model(), facts, verify.Wiring{}, soon); missing != "no source has seen its disks" {
		t.Errorf("without disks: %s", missing)
	}
	if evidence, _ := verify.Gate(&m, nil, facts, verify.Wiring{Planned: 2}, soon); !strings.Contains(evidence, "no model is declared") || !strings.Contains(evidence, "of 2 cables in its rack 0 were heard") {
		t.Errorf("said %s", evidence)
	}
}

func TestThePartsOfFactsStandWhereTheySit(t *testing.T) {
	f := seen()[0]
	f.System.Serial, f.DIMMs[0].Serial, f.DIMMs[1].Serial, f.Disks[0].Serial, f.Disks[1].Serial = "SN1", "D1", "To be filled by O.E.M.", "X1", "X2"
	var got []string
	for _, p := range verify.Parts(&f) {
		got = append(got, strings.TrimSpace(p.Kind+" "+p.Location+" "+p.Serial))
	}
	if line := strings.Join(got, ", "); line != "board system SN1, cpu 0, cpu 1, dimm a1 D1, dimm a2, dimm b1, disk x1 X1, disk x2 X2, nic 52:54:00:00:00:01 52:54:00:00:00:01, nic 52:54:00:00:00:02 52:54:00:00:00:02" {
		t.Errorf("parts are %s", line)
	}
}
