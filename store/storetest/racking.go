package storetest

import (
	"fmt"
	"testing"

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
	}
}
