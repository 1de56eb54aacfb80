package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/racking"
)

// rackPlan is two machines in r1: n1 without serial number in u1, n2 in u2; with a switch
// that n1 is cabled to.
func rackPlan() plan.Plan {
	p := planOf(2)
	r := &p.Racks[0]
	r.Machines[0].Serial, r.Machines[0].BMC.MAC = "", ""
	r.Machines[0].NICs[0].Cable = &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "1"}, Label: "C-1"}
	r.Devices = []plan.Device{{Name: "leaf-1", Kind: inventory.KindSwitch, U: 40, Ports: []inventory.Port{{Name: "1-48"}}}}
	return p
}

// mark does something to a step as somebody.
func (b *bench) mark(owner string, step racking.StepName, a racking.Action, reason, actor string) error {
	return b.MarkStep(b.ctx(), "r1", owner, step, a, reason, actor)
}

// step is how a step stands on the list.
func (b *bench) step(owner string, n racking.StepName) racking.Task {
	b.t.Helper()
	for _, it := range must(b.RackView(b.ctx(), "r1"))(b.t).Sheet(b.clock.Now()).Items {
		for _, s := range it.Steps {
			if it.Owner == owner && s.Name == n {
				return s
			}
		}
	}
	b.t.Fatalf("%s has no step %s", owner, n)
	return racking.Task{}
}

// scan scans as ada and confirms.
func (b *bench) scan(codes ...string) (*racking.Scan, error) {
	return b.ScanCodes(b.ctx(), codes, "", nil, true, "ada")
}

// waiveAll lets every step of the rack pass.
func (b *bench) waiveAll() {
	b.t.Helper()
	for _, it := range must(b.RackView(b.ctx(), "r1"))(b.t).Sheet(b.clock.Now()).Items {
		for _, s := range it.Steps {
			if s.State != racking.Done && s.State != racking.Waived {
				ok(b.t, b.mark(it.Owner, s.Name, racking.DoWaive, "lab", "ada"))
			}
		}
	}
}

func rackings() chapter {
	return chapter{
		"what a person says of a step is kept with who said it, of machines and devices": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			ok(t, b.mark("n1", racking.Cabling, racking.DoDone, "pulled twice", "ada"))
			ok(t, b.mark("leaf-1", racking.Mount, racking.DoHold, "ears are missing", "bob"))
			if s := b.step("n1", racking.Cabling); s.State != racking.Done || s.Evidence[0].By != "ada" || !s.Evidence[0].At.Equal(b.clock.Now()) || s.Evidence[0].Says != "done: pulled twice" {
				t.Errorf("n1: %+v", s)
			}
			if s := b.step("leaf-1", racking.Mount); s.State != racking.Held || s.Evidence[0].Says != "held: ears are missing" {
				t.Errorf("leaf-1: %+v", s)
			}
			refused(t, b.mark("leaf-1", racking.Mount, racking.DoDone, "", "ada"), fault.Conflict)
			ok(t, b.mark("leaf-1", racking.Mount, racking.DoResume, "", "ada"))
			same(t, "resumed", b.step("leaf-1", racking.Mount).State, racking.Todo)
			same(t, "events", b.count("SELECT count(*) FROM event WHERE kind = 'rack.step'"), 3)
			same(t, "the hold's event", b.count("SELECT count(*) FROM event WHERE kind = 'rack.step' AND actor = 'bob' AND machine_name = 'leaf-1' AND summary LIKE '%ears are missing'"), 1)
		},
		"a planned machine that somebody mounted is racked": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			ok(t, b.mark("n1", racking.Mount, racking.DoDone, "", "ada"))
			same(t, "phase", b.machine("n1").Phase, inventory.Racked)
			ok(t, b.mark("n1", racking.Mount, racking.DoDone, "", "bob"))
			same(t, "who counts", b.step("n1", racking.Mount).Evidence[0].By, "ada")
			same(t, "events of the phase", b.count("SELECT count(*) FROM event WHERE kind = 'machine.phase' AND actor = 'ada'"), 1)
			ok(t, b.mark("n1", racking.Mount, racking.DoUndo, "", "ada"))
			same(t, "taken back", b.step("n1", racking.Mount).State, racking.Todo)
		},
		"marks on what is not in the rack are refused": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			refused(t, b.mark("nobody", racking.Mount, racking.DoDone, "", "ada"), fault.NotFound)
			refused(t, b.MarkStep(b.ctx(), "r9", "n1", racking.Mount, racking.DoDone, "", "ada"), fault.NotFound)
			refused(t, b.mark("n1", racking.Seen, racking.DoDone, "", "ada"), fault.Conflict)
			same(t, "marks", b.count("SELECT count(*) FROM racking_mark"), 0)
		},
		"marks go with the device they are about": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			ok(t, b.mark("leaf-1", racking.Mount, racking.DoDone, "", "ada"))
			p := planOf(2)
			p.Prune = true
			b.apply(p)
			same(t, "marks", b.count("SELECT count(*) FROM racking_mark"), 0)
		},
		"of technicians who hold a step at once one holds it": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			errs := make([]error, 8)
			race(len(errs), func(i int) { errs[i] = b.mark("n1", racking.Power, racking.DoHold, "mine", fmt.Sprint("tech-", i)) })
			held := 0
			for _, err := range errs {
				if err == nil {
					held++
				} else {
					refused(t, err, fault.Conflict)
				}
			}
			same(t, "held", held, 1)
			same(t, "events", b.count("SELECT count(*) FROM event WHERE kind = 'rack.step'"), 1)
		},
		"of technicians who say done at once the first counts": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			race(8, func(i int) {
				if err := b.mark("n1", racking.Mount, racking.DoDone, "", "tech"); err != nil {
					t.Error(err)
				}
			})
			same(t, "events", b.count("SELECT count(*) FROM event WHERE kind = 'rack.step'"), 1)
			same(t, "phase", b.machine("n1").Phase, inventory.Racked)
		},
		"a confirmed scan learns what the plan did not say, mounts and racks": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			s := must(b.ScanCodes(b.ctx(), []string{"rw:slot:r1:1", "SN-NEW", "AA-BB-CC-00-11-22"}, "", nil, false, "ada"))(t)
			if s.Bound || len(s.Binding.Set) != 2 || s.Binding.Phase != inventory.Racked {
				t.Errorf("unconfirmed: %+v", s)
			}
			same(t, "phase before", b.machine("n1").Phase, inventory.Planned)
			s = must(b.scan("rw:slot:r1:1", "SN-NEW", "AA-BB-CC-00-11-22", "asset:A-1"))(t)
			m := b.machine("n1")
			if !s.Bound || m.Serial != "SN-NEW" || m.AssetTag != "A-1" || m.BMC.MAC.String() != "aa:bb:cc:00:11:22" || m.Phase != inventory.Racked {
				t.Errorf("bound %v: %+v", s.Bound, m)
			}
			for _, n := range []racking.StepName{racking.Receive, racking.Mount} {
				if st := b.step("n1", n); st.State != racking.Done || st.Evidence[0].By != "ada" || !strings.HasPrefix(st.Evidence[0].Says, "scanned serial SN-NEW") {
					t.Errorf("%s: %+v", n, st)
				}
			}
			same(t, "identifiers", b.count("SELECT count(*) FROM identifier WHERE source = 'scan'"), 3)
			same(t, "event", b.count("SELECT count(*) FROM event WHERE kind = 'rack.scan' AND actor = 'ada' AND machine_name = 'n1'"), 1)
			b.clock.Turn(time.Minute)
			if again := must(b.scan("rw:slot:r1:1", "SN-NEW"))(t); len(again.Binding.Set) != 0 || len(again.Binding.Agree) != 1 {
				t.Errorf("a second scan: %+v", again.Binding)
			}
			if r := must(b.ScanCodes(b.ctx(), []string{"a-1"}, "", nil, false, "ada"))(t).Codes[0]; r.Owner != "n1" || r.Is != "asset-tag" {
				t.Errorf("the asset tag is %+v", r)
			}
		},
		"a plan that does not say it keeps what a scan learned": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			must(b.scan("rw:slot:r1:1", "SN-NEW", "AA-BB-CC-00-11-22", "asset:A-1"))(t)
			must(b.scan("rw:machine:leaf-1", "SW-9"))(t)
			p := rackPlan()
			p.Racks[0].Machines[0].Labels = map[string]string{"new": "label"}
			p.Racks[0].Devices[0].Labels = map[string]string{"new": "label"}
			b.apply(p)
			m, d := b.machine("n1"), must(b.Devices(b.ctx(), "r1"))(t)[0]
			same(t, "machine and device", []string{m.Serial, m.AssetTag, m.BMC.MAC.String(), d.Serial}, []string{"SN-NEW", "A-1", "aa:bb:cc:00:11:22", "SW-9"})
		},
		"what is scanned and what was seen on the wire agree, and it is discovered": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			id := b.machine("n2").ID
			must(b.Witness(b.ctx(), id, inventory.Evidence{Source: "dhcp", MACs: []inventory.MAC{mac(2)}}))(t)
			s := must(b.ScanCodes(b.ctx(), []string{"rw:slot:r1:2", "SN-2"}, "", nil, false, "ada"))(t)
			same(t, "phase to come", s.Binding.Phase, inventory.Discovered)
			must(b.scan("rw:slot:r1:2", "SN-2"))(t)
			same(t, "phase", b.machine("n2").Phase, inventory.Discovered)
			if st := b.step("n2", racking.Seen); st.State != racking.Done || st.Evidence[0].Says != "discovered: mac and serial agree" {
				t.Errorf("%+v", st)
			}
		},
		"what was seen on the wire speaks against what is scanned": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			must(b.Witness(b.ctx(), b.machine("n1").ID, inventory.Evidence{Source: "agent", Serial: "SN-REAL", MACs: []inventory.MAC{mac(1)}}))(t)
			must(b.scan("rw:slot:r1:1", "SN-NEW"))(t)
			m := b.machine("n1")
			if m.Phase != inventory.Racked || len(m.Conditions) != 1 || !strings.Contains(m.Conditions[0].Evidence, "plan has SN-NEW, agent saw SN-REAL") {
				t.Errorf("%s, %+v", m.Phase, m.Conditions)
			}
		},
		"a scan that contradicts the plan or another machine writes nothing": func(t *testing.T, b *bench) {
			p := rackPlan()
			p.Racks = append(p.Racks, plan.Rack{Name: "r2", Machines: []plan.Machine{{Name: "m1", U: 1, Vendor: "Acme", Serial: "SN-77"}}})
			b.apply(p)
			for says, codes := range map[string][]string{
				"n2's serial number, r1 u2; you stand at r1 u1 (n1)":    {"rw:slot:r1:1", "SN-2"},
				"m1's serial number, r2 u1; you stand at r1 u1 (n1)":    {"rw:slot:r1:1", "sn-77"},
				"the plan has serial SN-2 for n2 in r1 u2, SN-8 was sc": {"rw:slot:r1:2", "SN-8"},
				"n2's NIC": {"rw:machine:n1", mac(2).String()},
			} {
				_, err := b.scan(codes...)
				if said := refused(t, err, fault.Conflict); !strings.Contains(said, says) {
					t.Errorf("%q does not say %q", said, says)
				}
			}
			_, err := b.scan("SN-2")
			refused(t, err, fault.Invalid)
			_, err = b.ScanCodes(b.ctx(), []string{"SN-2"}, "r9", nil, false, "ada")
			refused(t, err, fault.NotFound)
			same(t, "identifiers", b.count("SELECT count(*) FROM identifier"), 0)
			same(t, "marks", b.count("SELECT count(*) FROM racking_mark"), 0)
		},
		"a serial number that two scan at once goes to one machine": func(t *testing.T, b *bench) {
			p := rackPlan()
			p.Racks[0].Machines[1].Serial = ""
			b.apply(p)
			errs := make([]error, 2)
			race(2, func(i int) { _, errs[i] = b.scan([]string{"rw:machine:n1", "rw:machine:n2"}[i], "SN-ONE") })
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("%v, %v", errs[0], errs[1])
			}
			same(t, "machines with it", b.count("SELECT count(*) FROM machine WHERE serial = 'SN-ONE'"), 1)
		},
		"a switch is scanned into its place": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			must(b.ScanCodes(b.ctx(), []string{"SW-9"}, "r1", &racking.Spot{U: 40}, true, "ada"))(t)
			same(t, "serial", must(b.Devices(b.ctx(), "r1"))(t)[0].Serial, "SW-9")
			same(t, "mounted", b.step("leaf-1", racking.Mount).State, racking.Done)
			if r := must(b.ScanCodes(b.ctx(), []string{"sw-9", "rw:cable:C-1"}, "", nil, false, "ada"))(t); r.Codes[0].Owner != "leaf-1" || r.Codes[1].Owner != "n1" {
				t.Errorf("%+v", r.Codes)
			}
		},
		"a rack is signed off when nothing is open, and the record stays as it was": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			_, err := b.SignOffRack(b.ctx(), "r1", "", "carl")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, "n1 receive (todo)") {
				t.Errorf("%q does not name what is open", said)
			}
			b.waiveAll()
			first := must(b.SignOffRack(b.ctx(), "r1", "first", "carl"))(t)
			must(b.ChangeMachine(b.ctx(), "n2", setSerial("SN-LATER")))(t)
			b.clock.Turn(time.Minute)
			must(b.SignOffRack(b.ctx(), "r1", "second", "carl"))(t)
			all := must(b.SignOffs(b.ctx(), "r1"))(t)
			if len(all) != 2 || all[0].Note != "second" || all[0].Machines[1].Serial != "SN-LATER" {
				t.Fatalf("records %+v", all)
			}
			got := must(b.SignOff(b.ctx(), "r1", first.ID))(t)
			same(t, "the first record", got, first)
			if got.By != "carl" || got.Machines[1].Serial != "SN-2" || got.Machines[0].Cables[0].Label != "C-1" || got.Machines[0].Steps[5].Evidence[0].Says != "waived: lab" {
				t.Errorf("record %+v", got)
			}
			_, err = b.SignOff(b.ctx(), "r1", "none")
			refused(t, err, fault.NotFound)
			_, err = b.SignOffs(b.ctx(), "r9")
			refused(t, err, fault.NotFound)
		},
		"a hold that comes while a rack is signed off comes before it or after it": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			b.waiveAll()
			ok(t, b.mark("n1", racking.Power, racking.DoUndo, "", "ada"))
			ok(t, b.mark("n1", racking.Power, racking.DoDone, "", "ada"))
			var signed *racking.SignOff
			var err error
			race(2, func(i int) {
				if i == 0 {
					signed, err = b.SignOffRack(b.ctx(), "r1", "", "carl")
				} else if err := b.mark("n1", racking.Power, racking.DoHold, "smoke", "bob"); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				if said := refused(t, err, fault.Conflict); !strings.Contains(said, "n1 power (held)") {
					t.Errorf("%q", said)
				}
			} else if s := signed.Machines[0].Steps[3]; s.State != racking.Done {
				t.Errorf("signed off with %+v", s)
			}
			same(t, "the hold", b.step("n1", racking.Power).State, racking.Held)
		},
		"who stood in a slot before is told, whether something followed or not": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			first, other := b.machine("n2"), b.machine("n1")
			must(b.ChangeMachine(b.ctx(), "n2", setPhase(inventory.Retired)))(t)
			b.clock.Turn(time.Hour)
			b.apply(rackPlan())
			second := b.machine("n2")
			third := must(b.Replace(b.ctx(), "n2", inventory.Replacement{Part: inventory.PartMachine, Reason: "broken", Serial: "SN-3"}, "ann"))(t)
			before := func(s inventory.Slot) (ids []string) {
				v, past := must(b.RackView(b.ctx(), "r1"))(t), must(b.SlotHistory(b.ctx(), "r1"))(t)
				a := must(v.Answer(racking.Spot{U: s.U, Face: s.Face, Side: s.Side, Bay: s.Bay}, past))(t)
				for _, p := range a.History {
					ids = append(ids, p.Machine)
				}
				return ids
			}
			same(t, "the last first", before(*first.Slot), []string{second.ID, first.ID})
			same(t, "of another slot", len(before(*other.Slot)), 0)
			past := must(b.SlotHistory(b.ctx(), "r1"))(t)
			same(t, "as it was", words(past[1].Serial, past[1].Phase, past[1].Slot == *first.Slot), "SN-2 retired true")
			must(b.Retire(b.ctx(), third.ID, inventory.Retirement{Reason: "sold"}, "ann"))(t)
			same(t, "with nothing there now", before(*first.Slot)[0], third.ID)
			p := rackPlan()
			p.Racks[0].Machines = p.Racks[0].Machines[:1]
			b.apply(rackPlan())
			p.Prune = true
			b.apply(p)
			same(t, "withdrawn from the plan", len(before(*first.Slot)), 4)
		},
		"a locator LED blinks once at a time and beside other work": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			b.deployment("n1")
			on := deploy.Order{Locate: "on", Seconds: 60}
			first := must(b.CreateOperation(b.ctx(), deploy.Locate, "n1", on, "ada"))(t)
			_, err := b.CreateOperation(b.ctx(), deploy.Locate, "n1", on, "bob")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, first.ID) {
				t.Errorf("%q does not name %s", said, first.ID)
			}
			b.claim("w") // the deployment
			o := b.claim("w")
			o.State, o.Steps[0].State, o.Steps[0].Started, o.Steps[0].Total = deploy.Running, deploy.StepDoing, b.clock.Now(), 60
			ok(t, b.SaveOperation(b.ctx(), o))
			if v := must(b.RackView(b.ctx(), "r1"))(t); !v.Blinking[o.Machine].Equal(b.clock.Now().Add(time.Minute)) {
				t.Errorf("blinking %v", v.Blinking)
			}
			must(b.CancelOperation(b.ctx(), first.ID, "ada"))(t)
		},
	}
}
