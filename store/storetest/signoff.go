package storetest

import (
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/racking"
	"rackwright/store"
)

// signoffs is how racking ends, and what else is asked of a place.
func signoffs() chapter {
	return chapter{
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
			all := must(b.SignOffs(b.ctx(), "r1", store.Page{}))(t)
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
			_, err = b.SignOffs(b.ctx(), "r9", store.Page{})
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
