package plan_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/verify"
)

func warnings(d *plan.Diff) string {
	var out []string
	for _, w := range d.Warnings {
		out = append(out, strings.TrimSpace(w.Rule+" "+w.On+" "+w.Waived))
	}
	return strings.Join(out, ", ")
}

func TestEachRuleWarnsAndStopsNothing(t *testing.T) {
	rear := func(p *plan.Plan, model int, u int) {
		p.Racks[0].Machines = append(p.Racks[0].Machines, plan.Machine{Name: "z1", U: u, Face: inventory.Rear, Model: p.Models[model].Name})
	}
	for want, spoil := range map[string]func(p *plan.Plan, n1 *plan.Machine){
		"psus-on-one-feed n1": func(_ *plan.Plan, n1 *plan.Machine) { n1.PSUs[1].Cable = cable("pdu-a:3") },
		"single-psu-cabled n5": func(p *plan.Plan, n1 *plan.Machine) {
			p.Racks[0].Machines[4] = single(p.Racks[0].Machines[4])
		},
		"bond-on-one-leaf n2": func(p *plan.Plan, _ *plan.Machine) {
			p.Racks[0].Machines[1].NICs[1].Cable, p.Racks[0].Machines[1].Waive = cable("leaf-1:Ethernet5"), nil
		},
		"bond-of-one n1": func(_ *plan.Plan, n1 *plan.Machine) { n1.NICs[1].Bond = "" },
		"too-deep n1, too-deep n2": func(p *plan.Plan, _ *plan.Machine) {
			p.Models[4].DepthMM = 1100
		},
		"too-deep n6": func(p *plan.Plan, _ *plan.Machine) {
			m := p.Racks[0].Machines
			m[4].Model, m[4].Side, m[4].Face, p.Models[0].DepthMM = "blade", "", inventory.Rear, 600
			m[5].Model, m[5].Side, m[5].Face, m[5].Height, m[4].Height = "blade", "", inventory.Front, 1, 1
		},
		"airflow-against-neighbours z1": func(p *plan.Plan, _ *plan.Machine) {
			p.Models[0].Airflow = "front-to-rear"
			rear(p, 0, 20)
		},
		"circuit-ambiguous leaf-1, circuit-ambiguous leaf-2": func(p *plan.Plan, _ *plan.Machine) { sameCircuits(p, "", "") },
		"circuit-ambiguous leaf-1 stacked, circuit-ambiguous leaf-2": func(p *plan.Plan, _ *plan.Machine) {
			sameCircuits(p, "stack", "STACK")
			p.Racks[0].Waive = []inventory.Waiver{{Rule: "circuit-ambiguous", On: "leaf-1", Reason: "stacked"}}
		},
		"bond-of-one n2": func(p *plan.Plan, _ *plan.Machine) { // and the circuits are told apart
			sameCircuits(p, "0x0102", "")
			p.Racks[0].Machines[1].NICs[1].Bond, p.Racks[0].Machines[1].Waive = "", nil
		},
		"one-identifier n1": func(_ *plan.Plan, n1 *plan.Machine) {
			*n1 = plan.Machine{Name: "n1", U: n1.U, Serial: "CZ1", UUID: "00000000-0000-0000-0000-000000000000", PSUs: n1.PSUs}
		},
		"": func(_ *plan.Plan, n1 *plan.Machine) {
			*n1 = plan.Machine{Name: "n1", U: n1.U, NICs: []plan.NIC{{MAC: "52:54:00:00:77:01", Cable: n1.NICs[0].Cable}}, PSUs: n1.PSUs}
		},
		"address-in-pool n1": func(_ *plan.Plan, n1 *plan.Machine) { n1.NICs[0].Address = "10.0.0.205" },
		"bond-on-one-leaf n1 one leaf has no ports left": func(_ *plan.Plan, n1 *plan.Machine) {
			n1.NICs[1].Cable = cable("leaf-1:Ethernet5")
		},
		"address-in-pool n1 for now": func(p *plan.Plan, n1 *plan.Machine) {
			n1.NICs[0].Address = "10.0.0.205"
			p.Racks[0].Waive = append(p.Racks[0].Waive, inventory.Waiver{Rule: "address-in-pool", On: "n2", Reason: "no"}, inventory.Waiver{Rule: "address-in-pool", On: "n1", Reason: "for now"})
		},
	} {
		p := fullPlan()
		p.Racks[0].Waive = nil
		spoil(&p, &p.Racks[0].Machines[0])
		_, d, err := against(t, p, inventory.Inventory{})
		if err != nil {
			t.Errorf("%s: %v", want, err)
		} else if got := warnings(d); got != want {
			t.Errorf("warned of %q, want %q (%+v)", got, want, d.Warnings)
		}
	}
}

// sameCircuits has both leaf switches write the same for their ports, and these remote ids.
func sameCircuits(p *plan.Plan, one, other string) {
	leaves := p.Racks[0].Devices[3:5]
	leaves[0].RemoteID, leaves[1].RemoteID = one, other
	for i := range leaves {
		leaves[i].Ports[0].Circuit = "xe-{port}"
	}
}

// single has two power supplies and one of them plugged in.
func single(m plan.Machine) plan.Machine {
	m.PSUs = []inventory.PSU{{Name: "a", Cable: cable("pdu-a:5")}, {Name: "b"}}
	return m
}

func TestEveryRuleHasANameAndAReasonAndMayBeWaivedAsEveryDifferenceMay(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)
	for _, r := range plan.Rules() {
		if !form.MatchString(r.Name) || r.Why == "" || !plan.Waivable(r.Name) {
			t.Errorf("%+v", r)
		}
	}
	for _, name := range verify.Types() {
		if !plan.Waivable(name) {
			t.Errorf("a plan cannot waive %s", name)
		}
	}
}

func TestARackThatIsTooHeavyOrDrawsTooMuchIsRefused(t *testing.T) {
	for says, spoil := range map[string]func(p *plan.Plan){
		"would carry 60 kg, and may carry 59.5 kg":                         func(p *plan.Plan) { p.Racks[0].WeightLimitKG = 59.5 },
		"feed A would carry 4000 W with feed B lost, and may carry 2944 W": func(p *plan.Plan) { p.Models[4].Watts = 2000 },
		"feed A would carry 20000 W, and may carry 2944 W": func(p *plan.Plan) {
			p.Models[4].Watts = 20000
			unplug(p, "pdu-b")
			p.Racks[0].Feeds[1].Amps = 999
			p.Racks[0].Machines = p.Racks[0].Machines[:1]
		},
		"feed B would carry 101300 W with feed A lost, and may carry 8868 W": func(p *plan.Plan) { p.Models[0].Watts = 1; p.Models[1].Watts = 100298 },
	} {
		p := fullPlan()
		spoil(&p)
		_, _, err := against(t, p, inventory.Inventory{})
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q, got %v", says, err)
		}
	}
}

// unplug takes the machines' cables to a PDU away.
func unplug(p *plan.Plan, pdu string) {
	for i := range p.Racks[0].Machines {
		for j, s := range p.Racks[0].Machines[i].PSUs {
			if s.Cable != nil && s.Cable.To.Owner == pdu {
				p.Racks[0].Machines[i].PSUs[j].Cable = nil
			}
		}
	}
}

func TestAMachineOnTheNextRacksPDUCountsThere(t *testing.T) {
	p := fullPlan()
	p.Racks = append(p.Racks, plan.Rack{Name: "r2", Machines: []plan.Machine{{Name: "guest", U: 1, Model: "x200",
		PSUs: []inventory.PSU{{Name: "psu1", Cable: cable("pdu-a:5")}, {Name: "psu2", Cable: cable("pdu-a:6")}}}}})
	have := applied(t, fullPlan())
	have.Racks[0].Feeds[0].Amps = 6 // 1104 W usable, 1000 W taken
	p.Racks = p.Racks[1:]
	p.Models, p.Projects, p.Networks = nil, nil, nil
	_, _, err := against(t, p, have)
	if says := "rack r1: feed A would carry 1500 W with feed B lost"; !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), says) {
		t.Errorf("want %q, got %v", says, err)
	}
}

func TestPruneRemovesWhatIsOnlyPlannedAndSaysSo(t *testing.T) {
	have := applied(t, fullPlan())
	p := fullPlan()
	r := &p.Racks[0]
	r.Machines, r.Devices = r.Machines[:4], r.Devices[:5]
	r.Devices[3].Ports, r.Devices[4].Ports = r.Devices[3].Ports[:1], r.Devices[4].Ports[:1]
	_, d, err := against(t, p, have)
	if err != nil || strings.Join(d.Unplanned, " ") != "n5 n6 spine" || len(d.Changes) != 2 {
		t.Fatalf("without prune: %+v, %v", d, err)
	}
	p.Prune = true
	_, pruned, err := against(t, p, have)
	if err != nil || len(pruned.Unplanned) != 0 || pruned.Hash == d.Hash {
		t.Fatalf("%+v, %v", pruned, err)
	}
	var gone []string
	for _, c := range pruned.Changes {
		if c.Action == "remove" {
			gone = append(gone, c.Noun+" "+c.Name+" "+c.Fields[0].Old)
		}
	}
	if want := "machine n5 r1 u30 height 2 both left, machine n6 r1 u30 height 2 both right, device spine r1 u47 height 1 rear"; strings.Join(gone, ", ") != want {
		t.Errorf("removes %v", gone)
	}
	have.Machines[4].Phase = inventory.Active
	if _, _, err := against(t, p, have); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "rackwright machine retire n5") {
		t.Errorf("a machine that runs was to be removed: %v", err)
	}
}

func TestPruneLeavesNoCableToNowhereAndOtherRacksAlone(t *testing.T) {
	p := fullPlan()
	p.Racks = append(p.Racks, plan.Rack{Name: "r2", Machines: []plan.Machine{{Name: "z1", U: 1, NICs: []plan.NIC{{Cable: cable("leaf-1:Ethernet9")}}}}})
	have := applied(t, p)
	alone := fullPlan()
	alone.Prune = true
	if _, d, err := against(t, alone, have); err != nil || len(d.Changes) != 0 {
		t.Errorf("it changes %+v, %v", d, err)
	}
	alone.Racks[0].Devices = alone.Racks[0].Devices[:3] // no leaves
	alone.Racks[0].Machines = alone.Racks[0].Machines[2:]
	if _, _, err := against(t, alone, have); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "machine z1: nic1 is cabled to leaf-1, which is not there") {
		t.Errorf("got %v", err)
	}
}

func TestWhatWasLearnedStaysWhereThePlanLeavesItOpen(t *testing.T) {
	have := applied(t, fullPlan())
	n4 := have.Machine("n4")
	n1 := have.Machine("n1")
	n1.NICs[1].MAC, n4.Serial, n4.Vendor, n4.UUID, n4.AssetTag = inventory.MAC{2, 9}, "SN4", "Learned", "4c4c4544-0042-4310-8052-b4c04f303109", "AT-4"
	n1.Hold, n1.Replaces = &inventory.Hold{By: "anna"}, "id-old"
	w, d, err := against(t, fullPlan(), have)
	if err != nil || len(d.Changes) != 0 {
		t.Fatalf("it changes %+v, %v", d, err)
	}
	if got := w.Machines[0]; got.NICs[1].MAC != (inventory.MAC{2, 9}) || got.Hold == nil || got.Replaces != "id-old" {
		t.Errorf("n1 lost %+v", got)
	}
	if got := w.Machines[3]; got.Serial != "SN4" || got.Vendor != "Learned" || got.UUID == "" || got.AssetTag != "AT-4" {
		t.Errorf("n4 lost %+v", got)
	}
}

func TestWhatWasLearnedGoesToWhomThePlanGivesIt(t *testing.T) {
	have := applied(t, fullPlan())
	have.Machine("n1").NICs[1].MAC, have.Machine("n4").Serial = inventory.MAC{2, 9}, "SN4"
	p := fullPlan()
	p.Racks[0].Machines[1].NICs[1].MAC, p.Racks[0].Machines[2].Serial = "02:09:00:00:00:00", "sn4"
	w, _, err := against(t, p, have)
	if err != nil {
		t.Fatal(err)
	}
	if n1, n4 := w.Machines[0], w.Machines[3]; !n1.NICs[1].MAC.IsZero() || n4.Serial != "" {
		t.Errorf("n1 has %s, n4 %q", n1.NICs[1].MAC, n4.Serial)
	}
}

func TestRisksOfAMachineThatRunsAreNamed(t *testing.T) {
	have := applied(t, fullPlan())
	have.Machine("n1").Phase = inventory.Active
	p := fullPlan()
	m := &p.Racks[0].Machines[0]
	m.U, m.NICs[0].Address, m.NICs[0].Boot, m.NICs[1].Boot, m.RootDisk.Serial, m.Firmware, m.Serial = 20, "10.0.0.99", false, true, "X", inventory.BIOS, "SN-other"
	m.PSUs[0].Cable = cable("pdu-b:5")
	_, d, err := against(t, p, have)
	if err != nil || len(d.Changes) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	said := strings.Join(append(d.Changes[0].Effects, d.Changes[0].Risks...), "\n")
	for _, want := range []string{"renumbers n1 from 10.0.0.11 to 10.0.0.99", "keeps it until it renews", "moving it is for a technician", "was seen in r1 u1", "netboots from eth1",
		"nothing is rebooted now", "may write another disk", "counts as another machine", "will be powered from B (pdu-b)"} {
		if !strings.Contains(said, want) {
			t.Errorf("not said: %s\n%s", want, said)
		}
	}
}

func TestRisksOfANetworkAreNamed(t *testing.T) {
	p := fullPlan()
	p.Networks[0].DHCP = inventory.DHCPOff
	have := applied(t, p)
	p = fullPlan()
	p.Networks[0].DHCP = inventory.DHCPAuthoritative
	_, d, err := against(t, p, have)
	if err != nil || len(d.Changes) != 1 || len(d.Changes[0].Effects) != 1 || len(d.Changes[0].Risks) != 2 {
		t.Fatalf("%+v, %v", d, err)
	}
	off := fullPlan()
	off.Networks[0].DHCP, off.Networks[0].Strangers = inventory.DHCPOff, ""
	if _, d, err = against(t, off, applied(t, p)); err != nil || !strings.Contains(fmt.Sprint(d.Changes[0].Effects), "netboot stops") {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestTheHashCoversWarningsToo(t *testing.T) {
	have := applied(t, fullPlan())
	p := fullPlan()
	_, calm, err := against(t, p, have)
	if err != nil {
		t.Fatal(err)
	}
	have.Models[4].DepthMM = 1100
	p.Models = nil
	_, warned, err := against(t, p, have)
	if err != nil || len(warned.Changes) != 0 || len(warned.Warnings) == 0 || warned.Hash == calm.Hash {
		t.Errorf("%+v, %v", warned, err)
	}
}

func TestAModelsChangeSaysWhoKeepsWhatTheyHad(t *testing.T) {
	have := applied(t, fullPlan())
	p := plan.Plan{Site: "lab", Models: fullPlan().Models[4:]}
	p.Models[0].Watts, p.Models[0].BIOS = 550, map[string]string{"BootMode": "Bios"}
	_, d, err := against(t, p, have)
	if err != nil || len(d.Changes) != 1 || len(d.Changes[0].Fields) != 2 || !strings.Contains(d.Changes[0].Effects[0], "2 of this model") {
		t.Errorf("%+v, %v", d, err)
	}
}
