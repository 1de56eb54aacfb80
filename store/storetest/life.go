package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

type event = journal.Event

func order() deploy.Order { return deploy.Order{} }

// words puts values beside each other.
func words(v ...any) string { return strings.TrimSpace(fmt.Sprintln(v...)) }

func toText(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// known makes a planned machine one that was seen by two identifiers.
func (b *bench) known(name string) {
	b.t.Helper()
	m := b.machine(name)
	e := must(b.Witness(b.ctx(), m.ID, inventory.Evidence{Source: "agent", Serial: m.Serial, MACs: []inventory.MAC{m.NICs[0].MAC}}))(b.t)
	must(b.ChangeMachine(b.ctx(), name, func(m *inventory.Machine) ([]event, error) {
		inventory.Bind(m, e, b.clock.Now())
		return nil, nil
	}))(b.t)
}

func holds() chapter {
	return chapter{
		"a held machine is in maintenance until its holder or an admin releases it": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.known("n1")
			m := must(b.Hold(b.ctx(), "n1", "replace a fan", 0, "ann"))(t)
			same(t, "phase, until", words(m.Phase, m.Hold.Until.Equal(b.clock.Now().Add(4*time.Hour))), "maintenance true")
			same(t, "as read", toText(b.machine("n1").Hold), toText(m.Hold))
			_, err := b.Hold(b.ctx(), "n1", "me too", 0, "bob")
			if text := refused(t, err, fault.Conflict); !strings.Contains(text, "ann") || !strings.Contains(text, "replace a fan") {
				t.Error(text)
			}
			_, err = b.ReleaseHold(b.ctx(), "n1", "bob", false)
			refused(t, err, fault.Conflict)
			m = must(b.ReleaseHold(b.ctx(), "n1", "bob", true))(t)
			same(t, "after", words(m.Phase, m.Hold == nil), "discovered true")
			_, err = b.ReleaseHold(b.ctx(), "n1", "ann", false)
			refused(t, err, fault.Conflict)
		},
		"a hold that ends by itself takes the machine back to where the evidence says": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			b.known("n1")
			must(b.Hold(b.ctx(), "n1", "fan", time.Hour, "ann"))(t)
			must(b.Hold(b.ctx(), "n2", "fan", 2*time.Hour, "ann"))(t)
			b.clock.Turn(90 * time.Minute)
			ok(t, b.EndHolds(b.ctx()))
			same(t, "phases", words(b.machine("n1").Phase, b.machine("n2").Phase), "discovered maintenance")
			b.clock.Turn(time.Hour)
			ok(t, b.EndHolds(b.ctx()))
			same(t, "the one nobody saw", b.machine("n2").Phase, inventory.Planned)
		},
		"on a held machine only its holder may power, and nothing is deployed": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			must(b.Hold(b.ctx(), "n1", "fan", 0, "ann"))(t)
			for _, c := range []struct {
				kind  deploy.Kind
				order deploy.Order
				actor string
			}{{deploy.Power, deploy.Order{Power: "off"}, "bob"}, {deploy.Inspect, deploy.Order{}, "bob"}, {deploy.Deploy, b.image("debian-12"), "ann"}} {
				_, err := b.CreateOperation(b.ctx(), c.kind, "n1", c.order, c.actor)
				refused(t, err, fault.Conflict)
			}
			must(b.CreateOperation(b.ctx(), deploy.Power, "n1", deploy.Order{Power: "off"}, "ann"))(t)
			same(t, "the worker takes it", b.claim("w").Kind, deploy.Power)
		},
		"queued work waits for the end of a hold, and running work forbids one": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			b.deployment("n1")
			must(b.Hold(b.ctx(), "n1", "fan", 0, "ann"))(t)
			if o := must(b.ClaimOperation(b.ctx(), "w", lease))(t); o != nil {
				t.Fatalf("%s of %s was begun", o.Kind, o.Name)
			}
			must(b.ReleaseHold(b.ctx(), "n1", "ann", false))(t)
			o := b.claim("w")
			o.State = deploy.Running
			ok(t, b.SaveOperation(b.ctx(), o))
			_, err := b.Hold(b.ctx(), "n1", "fan", 0, "ann")
			refused(t, err, fault.Conflict)
		},
		"of a hold and a deployment that race never both win": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			img := b.image("debian-12")
			for range 4 {
				var held, begun error
				race(2, func(i int) {
					if i == 0 {
						_, held = b.Hold(b.ctx(), "n1", "fan", 0, "ann")
					} else {
						_, begun = b.CreateOperation(b.ctx(), deploy.Deploy, "n1", img, "bob")
					}
				})
				ok(t, held)
				if o := must(b.ClaimOperation(b.ctx(), "w", lease))(t); o != nil {
					t.Fatal("a held machine is being deployed")
				}
				if begun == nil {
					for _, o := range must(b.Operations(b.ctx(), store.OperationFilter{Open: true}))(t) {
						must(b.CancelOperation(b.ctx(), o.ID, "bob"))(t)
					}
				}
				must(b.ReleaseHold(b.ctx(), "n1", "ann", false))(t)
			}
		},
	}
}

func retirements() chapter {
	gone := inventory.Retirement{Reason: "sold"}
	return chapter{
		"a machine that retires holds nothing any more, and its story stays": func(t *testing.T, b *bench) {
			b.apply(cabled(2))
			old := b.machine("n1")
			must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]event, error) {
				m.NICs[0].MAC, m.Facts, m.Phase = mac(1), factsOf(1, 1), inventory.Discovered
				return nil, nil
			}))(t)
			must(b.Hold(b.ctx(), "n1", "fan", 0, "ann"))(t)
			_, err := b.Retire(b.ctx(), "n1", gone, "bob")
			refused(t, err, fault.Conflict)
			m := must(b.Retire(b.ctx(), "n1", gone, "ann"))(t)
			same(t, "left", words(m.Phase, m.Slot == nil, len(m.NICs), m.Hold == nil), "retired true 0 true")
			for _, table := range []string{"slot_cell", "nic", "bmc", "machine_word", "machine_label", "condition"} {
				same(t, table, b.count("SELECT count(*) FROM "+table+" WHERE machine_id = $1", old.ID), 0)
			}
			same(t, "cables", b.count("SELECT count(*) FROM cable_end WHERE owner_id = $1", old.ID)+b.count("SELECT count(*) FROM cable")-1, 0)
			if v := must(b.View(b.ctx()))(t); v.Host(mac(1)) != nil {
				t.Error("it is still in the boot view")
			}
			events := must(b.Events(b.ctx(), store.EventFilter{Machine: old.ID, Limit: 50}))(t)
			same(t, "why", strings.Contains(toText(events), "retired: sold"), true)
			_, err = b.Retire(b.ctx(), old.ID, gone, "ann")
			refused(t, err, fault.Conflict)
			b.apply(cabled(2)) // the slot, the port and the serial number are free
			if next := b.machine("n1"); next.ID == old.ID {
				t.Error("an id was used again")
			}
		},
		"a machine that ran a deployment retires with word of its disks": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			for _, name := range []string{"n1", "n2"} {
				b.known(name)
				must(b.ChangeMachine(b.ctx(), name, func(m *inventory.Machine) ([]event, error) {
					m.Phase, m.Image = inventory.Active, "debian-12"
					return nil, nil
				}))(t)
			}
			for _, disks := range []string{"", inventory.DisksErased} {
				_, err := b.Retire(b.ctx(), "n1", inventory.Retirement{Reason: "sold", Disks: disks}, "ann")
				refused(t, err, fault.Conflict)
			}
			same(t, "phase", b.machine("n1").Phase, inventory.Active)
			must(b.Retire(b.ctx(), "n1", inventory.Retirement{Reason: "sold", Disks: inventory.DisksDestroyed}, "ann"))(t)
			must(b.ChangeMachine(b.ctx(), "n2", func(m *inventory.Machine) ([]event, error) {
				m.Erased = b.clock.Now()
				return nil, nil
			}))(t)
			same(t, "proof as read", b.machine("n2").Erased.Equal(b.clock.Now()), true)
			must(b.Retire(b.ctx(), "n2", inventory.Retirement{Reason: "sold", Disks: inventory.DisksErased}, "ann"))(t)
		},
		"a machine with open work does not retire, nor is it replaced": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			_, err := b.Retire(b.ctx(), "n1", gone, "ann")
			refused(t, err, fault.Conflict)
			_, err = b.Replace(b.ctx(), "n1", inventory.Replacement{Part: "machine", Reason: "broken"}, "ann")
			refused(t, err, fault.Conflict)
			same(t, "phase", b.machine("n1").Phase, inventory.Planned)
		},
	}
}

func replacements() chapter {
	broken := inventory.Replacement{Part: inventory.PartMachine, Reason: "board broken", Serial: "SN-NEW"}
	return chapter{
		"a replaced machine leaves its place, cables and labels to its successor, and its history stays": func(t *testing.T, b *bench) {
			p := cabled(1)
			p.Racks[0].Machines[0].Labels = map[string]string{"role": "db"}
			p.Racks[0].Machines[0].BMC = &plan.BMC{Address: "https://10.0.1.11", Username: "admin", Password: "old", CertificateSHA256: strings.Repeat("ab", 32)}
			b.apply(p)
			old := b.machine("n1")
			r := broken
			r.MACs = map[string]inventory.MAC{"nic1": mac(9)}
			next := must(b.Replace(b.ctx(), "n1", r, "ann"))(t)
			m := b.machine("n1")
			same(t, "new", words(m.ID == next.ID, m.ID != old.ID, m.Phase, m.Serial, m.Replaces == old.ID, m.NICs[0].MAC), "true true planned SN-NEW true "+mac(9).String())
			same(t, "slot", m.Slot, old.Slot)
			same(t, "labels", m.Labels, old.Labels)
			same(t, "cable", m.NICs[0].Cable, old.NICs[0].Cable)
			same(t, "address", m.NICs[0].Address, old.NICs[0].Address)
			same(t, "BMC", *m.BMC, inventory.BMC{Address: "https://10.0.1.11", Username: "admin"})
			same(t, "password", must(b.BMCAccess(b.ctx(), m.ID))(t).Password, "")
			chain := must(b.History(b.ctx(), "n1"))(t)
			if len(chain) != 2 || chain[0].ID != m.ID || chain[1].ID != old.ID || chain[1].Phase != inventory.Retired || chain[1].Serial != "SN-1" {
				t.Errorf("history %s", toText(chain))
			}
			if past := must(b.SlotHistory(b.ctx(), "r1"))(t); len(past) != 1 || past[0].Machine != old.ID || past[0].Slot != *old.Slot {
				t.Errorf("of the slot %s", toText(past))
			}
			same(t, "as planned once the plan names the new serial", len(must(b.DiffPlan(b.ctx(), func() plan.Plan {
				q := p
				q.Racks[0].Machines[0].Serial = "SN-NEW"
				q.Racks[0].Machines[0].BMC.Password, q.Racks[0].Machines[0].BMC.CertificateSHA256 = "", ""
				return q
			}()))(t).Changes), 0)
		},
		"a new board keeps the chassis' serial number, the proof of empty disks and, if told so, the password": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]event, error) {
				m.Erased = b.clock.Now()
				return nil, nil
			}))(t)
			must(b.Replace(b.ctx(), "n1", inventory.Replacement{Part: inventory.PartBoard, Reason: "no POST", KeepBMC: true}, "ann"))(t)
			m := b.machine("n1")
			same(t, "kept", words(m.Serial, m.Erased.Equal(b.clock.Now()), m.NICs[0].MAC.IsZero()), "SN-1 true true")
			same(t, "password", must(b.BMCAccess(b.ctx(), m.ID))(t).Password, "password 1")
		},
		"of replacements and a plan that race each sees a whole inventory": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			changed := planOf(2)
			changed.Racks[0].Machines[0].U = 20
			race(3, func(i int) {
				var err error
				if i == 0 {
					_, err = b.ApplyPlan(b.ctx(), changed, "", "planner")
				} else {
					_, err = b.Replace(b.ctx(), "n1", inventory.Replacement{Part: "machine", Reason: fmt.Sprint(i)}, "ann")
				}
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
			same(t, "in their slots", b.count("SELECT count(*) FROM machine WHERE phase <> 'retired'"), 2)
			same(t, "cells", b.count("SELECT count(DISTINCT machine_id) FROM slot_cell"), 2)
			same(t, "NICs of the retired", b.count("SELECT count(*) FROM nic WHERE machine_id IN (SELECT id FROM machine WHERE phase = 'retired')"), 0)
		},
	}
}
