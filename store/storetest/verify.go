package storetest

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/verify"
	"rackwright/inventory/verify/run"
	"rackwright/journal"
	"rackwright/store"
)

// cabledPlan is n machines of a declared model and one batch, each with a port on leaf-1.
func cabledPlan(n int) plan.Plan {
	p := planOf(n)
	p.Models = []plan.Model{{Name: "a1", Build: inventory.Build{Vendor: "Acme", Product: "A1",
		Parts: inventory.Parts{DIMMs: []inventory.DIMM{{Slot: "A1", SizeMiB: 65536}, {Slot: "A2", SizeMiB: 65536}}}}}}
	p.Racks[0].Devices = []plan.Device{{Name: "leaf-1", Kind: inventory.KindSwitch, U: 42, Ports: []inventory.Port{{Name: "1-24", Connector: inventory.SFP}}}}
	for i := range p.Racks[0].Machines {
		m := &p.Racks[0].Machines[i]
		m.Model, m.Batch = "a1", "2026-03"
		m.NICs[0].Connector, m.NICs[0].Cable = inventory.SFP, &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: fmt.Sprint(i + 1)}, Type: "dac"}
	}
	return p
}

// observed is what the agent sees of machine i when it is as planned.
func observed(b *bench, i int) *inventory.Facts {
	return &inventory.Facts{Source: "agent", Observed: b.clock.Now(), Firmware: inventory.UEFI,
		System: inventory.System{Vendor: "Acme", Product: "A1", Serial: fmt.Sprintf("SN-%d", i)},
		CPUs:   []inventory.CPU{{Socket: "CPU0", Model: "m", Cores: 8}},
		DIMMs:  []inventory.DIMM{{Slot: "DIMM_A1", SizeMiB: 65536, Serial: fmt.Sprintf("M-%d-1", i)}, {Slot: "DIMM_A2", SizeMiB: 65536, Serial: fmt.Sprintf("M-%d-2", i)}},
		NICs:   []inventory.SeenNIC{{Name: "eth0", MAC: mac(i), Link: true}},
		LLDP:   []inventory.Neighbor{{NIC: "eth0", System: "leaf-1", Port: fmt.Sprintf("Ethernet%d", i)}}}
}

// sees lets a machine be discovered with facts.
func (b *bench) sees(name string, f *inventory.Facts) *inventory.Machine {
	b.t.Helper()
	return must(b.ChangeMachine(b.ctx(), name, func(m *inventory.Machine) ([]journal.Event, error) {
		if m.Phase == inventory.Planned {
			m.Phase = inventory.Discovered
		}
		m.Facts = f
		return nil, nil
	}))(b.t)
}

// judge runs the task until there is nothing to compare, at most a few times.
func (b *bench) judge() {
	b.t.Helper()
	task := &run.Task{Store: b.DB, Log: slog.New(slog.DiscardHandler), Now: b.clock.Now}
	for range 4 {
		ok(b.t, task.Round(b.ctx()))
		if b.count("SELECT count(*) FROM machine WHERE verify_due") == 0 {
			return
		}
	}
	b.t.Fatal("there is always something to compare")
}

// ills are a machine's conditions as "type subject".
func (b *bench) ills(name string) string {
	var out []string
	for _, c := range b.machine(name).Conditions {
		out = append(out, strings.TrimSpace(c.Type+" "+c.Subject))
	}
	return strings.Join(out, ", ")
}

func verifications() chapter {
	return chapter{
		"each source keeps what it saw, and the machine shows both": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.sees("n1", &inventory.Facts{Source: "redfish", Observed: b.clock.Now(), PSUs: []inventory.PSU{{Name: "psu1", Watts: 800}}, CPUs: []inventory.CPU{{Socket: "1"}}})
			b.clock.Turn(time.Minute)
			m := b.sees("n1", observed(b, 1))
			if m.Facts.Source != "agent" || len(m.Facts.PSUs) != 1 || len(m.Facts.DIMMs) != 2 || m.Facts.CPUs[0].Socket != "CPU0" {
				t.Errorf("merged as %+v", m.Facts)
			}
			same(t, "as read", b.machine("n1").Facts, m.Facts)
			seen := must(b.Observations(b.ctx(), []string{m.ID}))(t)[m.ID]
			if len(seen) != 2 || seen[0].Source != "agent" || seen[1].Source != "redfish" || len(seen[0].PSUs) != 0 {
				t.Errorf("observed %+v", seen)
			}
			silent := observed(b, 1)
			silent.LLDP = nil
			same(t, "neighbours while the agent has not heard again", b.sees("n1", silent).Facts.LLDP, observed(b, 1).LLDP)
		},
		"a part is followed from machine to machine": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			b.sees("n1", observed(b, 1))
			b.clock.Turn(time.Hour)
			b.sees("n1", observed(b, 1)) // the same again
			same(t, "rows", b.count("SELECT count(*) FROM part"), 5)
			b.clock.Turn(time.Hour)
			broken := observed(b, 1)
			broken.DIMMs[1].Serial = "M-NEW"
			broken.CPUs = nil // not looked at this time
			b.sees("n1", broken)
			other := observed(b, 2)
			other.DIMMs[0].Serial = "M-1-2"
			b.sees("n2", other)
			way := must(b.Parts(b.ctx(), store.PartFilter{Serial: "M-1-2"}))(t)
			if len(way) != 2 || way[0].Name != "n2" || way[0].Location != "a1" || !way[0].Gone.IsZero() || way[1].Name != "n1" || way[1].Location != "a2" ||
				way[1].Gone.Sub(way[1].Seen) != 2*time.Hour {
				t.Errorf("went through %+v", way)
			}
			parts := must(b.Parts(b.ctx(), store.PartFilter{Machine: "n1"}))(t)
			here := 0
			for _, p := range parts {
				if p.Gone.IsZero() {
					here++
				}
			}
			same(t, "parts of n1 and those there", []int{len(parts), here}, []int{6, 5})
			_, err := b.Parts(b.ctx(), store.PartFilter{Machine: "nobody"})
			refused(t, err, fault.NotFound)
		},
		"what is discovered, seen and right is verified, and nothing is compared twice": func(t *testing.T, b *bench) {
			b.apply(cabledPlan(4))
			b.judge()
			for i := 1; i <= 3; i++ {
				b.sees(fmt.Sprintf("n%d", i), observed(b, i))
			}
			b.judge()
			same(t, "phases", []inventory.Phase{b.machine("n1").Phase, b.machine("n3").Phase, b.machine("n4").Phase}, []inventory.Phase{inventory.Verified, inventory.Verified, inventory.Planned})
			if e := must(b.Events(b.ctx(), store.EventFilter{Machine: "n1", Newest: true, Limit: 1}))(t)[0]; e.Kind != journal.PhaseMoved || !strings.Contains(e.Summary, "as model a1") {
				t.Errorf("said %+v", e)
			}
			version := b.machine("n1").Version
			b.judge()
			same(t, "version", b.machine("n1").Version, version)
		},
		"a difference keeps a machine from being verified until it is mended": func(t *testing.T, b *bench) {
			b.apply(cabledPlan(1))
			f := observed(b, 1)
			f.DIMMs = f.DIMMs[:1]
			b.sees("n1", f)
			b.judge()
			same(t, "conditions and phase", b.ills("n1")+" "+string(b.machine("n1").Phase), "dimm-missing A2 discovered")
			found := must(b.Events(b.ctx(), store.EventFilter{Machine: "n1", Newest: true, Limit: 1}))(t)[0]
			if found.Kind != journal.Condition || !strings.Contains(found.Summary, "found: dimm-missing A2") || !strings.Contains(found.Summary, "reseat") {
				t.Errorf("said %+v", found)
			}
			since := b.machine("n1").Conditions[0].Since
			b.clock.Turn(time.Hour)
			f = observed(b, 1)
			f.DIMMs, f.CPUs[0].Cores = f.DIMMs[:1], 4
			b.sees("n1", f)
			b.judge()
			same(t, "since", b.machine("n1").Conditions[0].Since, since)
			b.sees("n1", observed(b, 1))
			b.judge()
			same(t, "when mended", b.ills("n1")+" "+string(b.machine("n1").Phase), " verified")
			f = observed(b, 1)
			f.DIMMs = f.DIMMs[:1]
			b.sees("n1", f)
			b.judge()
			same(t, "when it breaks later", b.ills("n1")+" "+string(b.machine("n1").Phase), "dimm-missing A2 verified")
		},
		"a waiver by hand opens the gate, outlives a plan and ends with the difference": func(t *testing.T, b *bench) {
			p := cabledPlan(1)
			b.apply(p)
			f := observed(b, 1)
			f.DIMMs = f.DIMMs[:1]
			b.sees("n1", f)
			b.judge()
			_, err := b.Waive(b.ctx(), "n1", inventory.Waiver{Rule: "dimm-missing", On: "B7", Reason: "r"}, "ada")
			refused(t, err, fault.NotFound)
			_, err = b.Waive(b.ctx(), "n1", inventory.Waiver{Rule: "bmc-unusable", Reason: "r"}, "ada")
			refused(t, err, fault.Invalid)
			must(b.Waive(b.ctx(), "n1", inventory.Waiver{Rule: "dimm-missing", On: "dimm a2", Reason: "ordered"}, "ada"))(t)
			b.judge()
			m := b.machine("n1")
			if m.Phase != inventory.Verified || m.Conditions[0].Waived.By != "ada" || m.Conditions[0].Waived.Reason != "ordered" {
				t.Errorf("after the waiver %+v", m)
			}
			if e := b.count("SELECT count(*) FROM event WHERE actor = 'ada' AND summary = 'waived: dimm-missing A2: ordered'"); e != 1 {
				t.Errorf("%d events of the waiver", e)
			}
			p.Racks[0].Machines[0].AssetTag = "T-1"
			b.apply(p)
			b.judge()
			same(t, "after a plan", b.machine("n1").Conditions[0].Waived.By, "ada")
			must(b.Unwaive(b.ctx(), "n1", "dimm-missing", "", "ada"))(t)
			_, err = b.Unwaive(b.ctx(), "n1", "dimm-missing", "", "ada")
			refused(t, err, fault.NotFound)
			b.sees("n1", observed(b, 1))
			b.judge()
			same(t, "conditions", b.ills("n1"), "")
		},
		"a plan's waiver and a plan's change are seen at once": func(t *testing.T, b *bench) {
			p := cabledPlan(2)
			b.apply(p)
			for i := 1; i <= 2; i++ {
				f := observed(b, i)
				f.DIMMs = f.DIMMs[:1]
				b.sees(fmt.Sprintf("n%d", i), f)
			}
			b.judge()
			p.Racks[0].Machines[0].Waive = []inventory.Waiver{{Rule: "dimm-missing", Reason: "a test machine"}}
			b.apply(p)
			b.judge()
			m := b.machine("n1")
			same(t, "waived", []string{string(m.Phase), m.Conditions[0].Waived.By, string(b.machine("n2").Phase)}, []string{"verified", verify.ByPlan, "discovered"})
			p.Models[0].Parts.DIMMs = p.Models[0].Parts.DIMMs[:1]
			b.apply(p)
			b.judge()
			same(t, "after the model changed", b.ills("n1")+b.ills("n2")+string(b.machine("n2").Phase), "verified")
		},
		"a swap is named on both machines, and a machine that differs from its batch": func(t *testing.T, b *bench) {
			b.apply(cabledPlan(5))
			for i := 1; i <= 5; i++ {
				f := observed(b, i)
				switch i {
				case 1, 2:
					f.LLDP[0].Port = fmt.Sprintf("Eth1/%d", 3-i)
				case 5:
					f.CPUs[0].Cores = 4
				}
				b.sees(fmt.Sprintf("n%d", i), f)
			}
			b.judge()
			same(t, "conditions", []string{b.ills("n1"), b.ills("n2"), b.ills("n3"), b.ills("n5")}, []string{"cabling nic1", "cabling nic1", "", "differs-from-siblings cpu"})
			hint := b.machine("n1").Conditions[0].Hint
			if hint != b.machine("n2").Conditions[0].Hint || !strings.Contains(hint, "swap the cables in leaf-1:2 and leaf-1:1") {
				t.Errorf("hint %s", hint)
			}
			b.sees("n1", observed(b, 1))
			b.sees("n2", observed(b, 2))
			b.judge()
			same(t, "when put right", b.ills("n1")+b.ills("n2"), "")
		},
		"what changes while a rack is judged is judged again": func(t *testing.T, b *bench) {
			b.apply(cabledPlan(1))
			m := b.sees("n1", observed(b, 1))
			revision := must(b.PlanRevision(b.ctx()))(t)
			ok(t, b.Verified(b.ctx(), revision, map[string]int64{m.ID: m.Version - 1}))
			same(t, "due with an old version", b.count("SELECT count(*) FROM machine WHERE verify_due"), 1)
			p := cabledPlan(1)
			p.Racks[0].Machines[0].AssetTag = "T-1"
			b.apply(p)
			ok(t, b.Verified(b.ctx(), revision, map[string]int64{m.ID: b.machine("n1").Version}))
			same(t, "due after a plan", b.count("SELECT count(*) FROM machine WHERE verify_due"), 1)
			for what, change := range map[string]func(){
				"a plan that changes the model only": func() { p.Models[0].Parts.NICs++; b.apply(p) },
				"a mark by another process":          func() { ok(t, b.VerifyAgain(b.ctx(), []string{m.ID})) },
			} {
				b.sees("n1", observed(b, 1))
				revision = must(b.PlanRevision(b.ctx()))(t)
				judged := b.machine("n1").Version
				change()
				ok(t, b.Verified(b.ctx(), revision, map[string]int64{m.ID: judged}))
				same(t, "due after "+what, b.count("SELECT count(*) FROM machine WHERE verify_due"), 1)
			}
			p.Models[0].Parts.NICs = cabledPlan(1).Models[0].Parts.NICs
			b.apply(p)
			race(4, func(int) {
				task := &run.Task{Store: b.DB, Log: slog.New(slog.DiscardHandler), Now: b.clock.Now}
				if err := task.Round(b.ctx()); err != nil {
					t.Error(err)
				}
			})
			b.judge()
			same(t, "moves to verified", b.count("SELECT count(*) FROM event WHERE summary LIKE 'verified: %'"), 1)
		},
	}
}
