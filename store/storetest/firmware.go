package storetest

import (
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/fleet"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

// biosFile is a file for the machines of firmwarePlan.
func biosFile(name, version string) firmware.File {
	return firmware.File{Name: name, Component: "bios", Version: version, Models: []string{"x1"}, From: []string{"1.*"}, Requires: []firmware.Need{{Component: "bmc", AtLeast: "1"}},
		Reset: firmware.ResetHost, Digest: "sha256:" + name, Size: 7, Original: "BIOS.bin"}
}

func pick(f firmware.File) *deploy.FirmwareOrder {
	return &deploy.FirmwareOrder{Files: []firmware.Pick{{File: f.Name, Digest: f.Digest, Component: f.Component, To: f.Version, Reset: f.Reset, Stage: 1}}}
}

// firmwarePlan has n machines of a model whose baseline is BIOS 2.
func firmwarePlan(n int) plan.Plan {
	p := planOf(n)
	p.Models = []plan.Model{{Name: "x1", Build: inventory.Build{Vendor: "Acme", Product: "X1", Firmware: []inventory.Version{{Component: "bios", Version: "2"}}}}}
	for i := range p.Racks[0].Machines {
		p.Racks[0].Machines[i].Model = "x1"
	}
	return p
}

func firmwares() chapter {
	return chapter{
		"a firmware file is read back with every field, and its name keeps what it is": func(t *testing.T, b *bench) {
			f := biosFile("b2", "2")
			ok(t, b.AddFirmware(b.ctx(), &f, "ann"))
			same(t, "created", f.Created, b.clock.Now())
			same(t, "read back", *must(b.FirmwareFile(b.ctx(), "b2"))(t), f)
			again, other, told := biosFile("b2", "2"), biosFile("b2", "2"), biosFile("b2", "3")
			b.clock.Turn(time.Hour)
			ok(t, b.AddFirmware(b.ctx(), &again, "ann"))
			same(t, "again", again, f)
			other.Digest = "sha256:other"
			refused(t, b.AddFirmware(b.ctx(), &other, "ann"), fault.Conflict)
			refused(t, b.AddFirmware(b.ctx(), &told, "ann"), fault.Conflict)
			same(t, "files", len(must(b.FirmwareFiles(b.ctx()))(t)), 1)
			same(t, "used", must(b.FirmwareDigestUsed(b.ctx(), f.Digest))(t), true)
			same(t, "as an image", must(b.DigestUsed(b.ctx(), f.Digest))(t), false)
			_, err := b.FirmwareFile(b.ctx(), "none")
			refused(t, err, fault.NotFound)
		},
		"a firmware file is not removed while an operation or a campaign needs it": func(t *testing.T, b *bench) {
			b.apply(firmwarePlan(1))
			f := biosFile("b2", "2")
			ok(t, b.AddFirmware(b.ctx(), &f, "ann"))
			o := must(b.CreateOperation(b.ctx(), deploy.Firmware, "n1", deploy.Order{Firmware: pick(f)}, "ann"))(t)
			_, err := b.RemoveFirmware(b.ctx(), "b2", "ann")
			if said := refused(t, err, fault.Conflict); !strings.Contains(said, "n1") {
				t.Errorf("%q does not name the machine", said)
			}
			must(b.CancelOperation(b.ctx(), o.ID, "ann"))(t)
			c := campaignOf("c1", f.Name)
			ok(t, b.CreateFleet(b.ctx(), &c, deploy.Order{}, "ann"))
			_, err = b.RemoveFirmware(b.ctx(), "b2", "ann")
			refused(t, err, fault.Conflict)
			must(b.SteerFleet(b.ctx(), fleet.Campaign, "c1", "ann", "cancelled", (*fleet.Fleet).Cancel))(t)
			same(t, "removed", must(b.RemoveFirmware(b.ctx(), "b2", "ann"))(t).Digest, f.Digest)
			same(t, "used", must(b.FirmwareDigestUsed(b.ctx(), f.Digest))(t), false)
			_, err = b.CreateOperation(b.ctx(), deploy.Firmware, "n1", deploy.Order{Firmware: pick(f)}, "ann")
			refused(t, err, fault.Conflict)
			again := campaignOf("c2", f.Name)
			refused(t, b.CreateFleet(b.ctx(), &again, deploy.Order{}, "ann"), fault.Conflict)
		},
		"a removal of firmware and an update that race never both win": func(t *testing.T, b *bench) {
			b.apply(firmwarePlan(1))
			f := biosFile("b2", "2")
			ok(t, b.AddFirmware(b.ctx(), &f, "ann"))
			var removed, began error
			race(2, func(i int) {
				if i == 0 {
					_, removed = b.RemoveFirmware(b.ctx(), "b2", "ann")
				} else {
					_, began = b.CreateOperation(b.ctx(), deploy.Firmware, "n1", deploy.Order{Firmware: pick(f)}, "ann")
				}
			})
			if (removed == nil) == (began == nil) {
				t.Errorf("removal: %v; update: %v", removed, began)
			}
		},
		"a ticket fetches one file while its operation runs, and only its hash is kept": func(t *testing.T, b *bench) {
			b.apply(firmwarePlan(1))
			f := biosFile("b2", "2")
			ok(t, b.AddFirmware(b.ctx(), &f, "ann"))
			must(b.CreateOperation(b.ctx(), deploy.Firmware, "n1", deploy.Order{Firmware: pick(f)}, "ann"))(t)
			o := b.claim("w")
			o.State = deploy.Running
			ok(t, b.SaveOperation(b.ctx(), o))
			first := must(b.IssueTicket(b.ctx(), o.ID, f.Digest))(t)
			second := must(b.IssueTicket(b.ctx(), o.ID, f.Digest))(t)
			same(t, "in clear", b.count("SELECT count(*) FROM firmware_ticket WHERE hash = '"+second+"'"), 0)
			_, err := b.RedeemTicket(b.ctx(), first)
			refused(t, err, fault.Denied)
			for range 2 {
				got := must(b.RedeemTicket(b.ctx(), second))(t)
				if got.Digest != f.Digest || got.Name != "n1" || got.Operation != o.ID {
					t.Errorf("ticket for %+v", got)
				}
			}
			b.clock.Turn(7 * time.Hour)
			_, err = b.RedeemTicket(b.ctx(), second)
			refused(t, err, fault.Denied)
			ok(t, b.Prune(b.ctx()))
			same(t, "tickets", b.count("SELECT count(*) FROM firmware_ticket"), 0)
			third := must(b.IssueTicket(b.ctx(), o.ID, f.Digest))(t)
			ok(t, b.EndSessions(b.ctx(), o.ID))
			_, err = b.RedeemTicket(b.ctx(), third)
			refused(t, err, fault.Denied)
			fourth := must(b.IssueTicket(b.ctx(), o.ID, f.Digest))(t)
			o = b.claim("w")
			o.State = deploy.Succeeded
			ok(t, b.SaveOperation(b.ctx(), o))
			_, err = b.RedeemTicket(b.ctx(), fourth)
			refused(t, err, fault.Denied)
		},
		"machines stand beside their baseline with what each source saw": func(t *testing.T, b *bench) {
			b.apply(firmwarePlan(3))
			must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Facts = &inventory.Facts{Source: "redfish", Observed: b.clock.Now(), System: inventory.System{Vendor: "Acme Inc.", BIOSVersion: "1.5"},
					Versions: []inventory.Version{{Component: "bmc", Version: "3"}}}
				return nil, nil
			}))(t)
			must(b.Retire(b.ctx(), "n3", inventory.Retirement{Reason: "sold"}, "ann"))(t)
			f := biosFile("b2", "2")
			ok(t, b.AddFirmware(b.ctx(), &f, "ann"))
			o := must(b.CreateOperation(b.ctx(), deploy.Firmware, "n2", deploy.Order{Firmware: pick(f)}, "ann"))(t)
			all := must(b.FirmwareMachines(b.ctx(), store.MachineFilter{Rack: "r1"}))(t)
			if len(all) != 2 || all[0].Name != "n1" || all[1].Busy != o.ID || all[0].Rack != "r1" {
				t.Fatalf("machines %+v", all)
			}
			same(t, "bios", all[0].Version("BIOS"), "1.5")
			same(t, "bmc", all[0].Version("bmc"), "3")
			same(t, "stands", firmware.Comply(all[0], []firmware.File{f}).Standing, firmware.Behind)
			one, m, err := b.FirmwareMachine(b.ctx(), "n1")
			ok(t, err)
			same(t, "alone", *one, all[0])
			same(t, "its name", m.Name, "n1")
		},
		"a campaign is driven by one process at a time, and a person's word counts": func(t *testing.T, b *bench) {
			c := campaignOf("c1")
			ok(t, b.CreateFleet(b.ctx(), &c, deploy.Order{}, "ann"))
			twin := campaignOf("c1")
			refused(t, b.CreateFleet(b.ctx(), &twin, deploy.Order{}, "ann"), fault.Conflict)
			got := make([]*fleet.Fleet, 4)
			race(4, func(i int) { got[i], _ = b.ClaimFleet(b.ctx(), "w", time.Minute) })
			var mine *fleet.Fleet
			for _, g := range got {
				if g != nil && mine != nil {
					t.Fatal("two have it")
				}
				if g != nil {
					mine = g
				}
			}
			same(t, "claimed", *mine, c)
			must(b.SteerFleet(b.ctx(), fleet.Campaign, c.ID, "bob", "paused", func(c *fleet.Fleet, _ time.Time) error { return c.Pause() }))(t)
			mine.Wave = 3
			refused(t, b.SaveFleet(b.ctx(), mine, b.clock.Now()), fault.Conflict)
			paused := must(b.Fleet(b.ctx(), fleet.Campaign, "c1"))(t)
			same(t, "state", paused.State, fleet.Paused)
			same(t, "claimed while nothing is in motion", must(b.ClaimFleet(b.ctx(), "w", time.Minute))(t) == nil, true)
			must(b.SteerFleet(b.ctx(), fleet.Campaign, c.ID, "bob", "resumed", func(c *fleet.Fleet, _ time.Time) error { return c.Resume() }))(t)
			mine = must(b.ClaimFleet(b.ctx(), "w", time.Minute))(t)
			ok(t, b.SaveFleet(b.ctx(), mine, b.clock.Now().Add(time.Minute)))
			same(t, "before it is due", must(b.ClaimFleet(b.ctx(), "w", time.Minute))(t) == nil, true)
			b.clock.Turn(time.Minute)
			must(b.ClaimFleet(b.ctx(), "dies", time.Minute))(t)
			b.clock.Turn(2 * time.Minute)
			mine = must(b.ClaimFleet(b.ctx(), "w", time.Minute))(t)
			same(t, "taken from the dead", mine != nil, true)
			_, err := b.SteerFleet(b.ctx(), fleet.Campaign, "none", "bob", "paused", func(*fleet.Fleet, time.Time) error { return nil })
			refused(t, err, fault.NotFound)
			same(t, "campaigns", len(must(b.Fleets(b.ctx(), fleet.Campaign, store.Page{}))(t)), 1)
		},
	}
}

func campaignOf(name string, files ...string) fleet.Fleet {
	return fleet.Fleet{Kind: fleet.Campaign, Name: name, State: fleet.Running, Terms: fleet.Terms{Racks: []string{"r1"}, Size: 2}, Files: files,
		Members: []fleet.Member{{Machine: "m1", Name: "n1", Wave: 1, State: fleet.Waiting}}}
}
