package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

type change = func(*inventory.Machine) ([]journal.Event, error)

func setSerial(serial string) change {
	return func(m *inventory.Machine) ([]journal.Event, error) {
		m.Serial = serial
		return nil, nil
	}
}

func setPhase(p inventory.Phase) change {
	return func(m *inventory.Machine) ([]journal.Event, error) {
		m.Phase = p
		return []journal.Event{{Kind: journal.PhaseMoved, Summary: "now " + string(p)}}, nil
	}
}

// seen is facts with every field.
func seen() *inventory.Facts {
	return &inventory.Facts{Source: "agent", Observed: time.Date(2026, 3, 4, 5, 0, 0, 123456789, time.FixedZone("", 3600)), Firmware: inventory.UEFI,
		System: inventory.System{Vendor: "Acme", Product: "A1", Serial: "SN-1", UUID: "u", BIOSVersion: "1.0", AssetTag: "tag"},
		CPUs:   []inventory.CPU{{Socket: "CPU0", Model: "m", Cores: 8, Threads: 16}},
		DIMMs:  []inventory.DIMM{{Slot: "A1", SizeMiB: 65536, SpeedMTs: 4800, Vendor: "v", Part: "p", Serial: "s"}}, MemoryMiB: 65536,
		Disks: []inventory.Disk{{Path: "/dev/vda", Serial: "D1", WWN: "0x5", Model: "Fast", Bytes: 1 << 41, Type: "nvme", BlockBytes: 4096, Bay: "3", ReadOnly: true}},
		NICs:  []inventory.SeenNIC{{Name: "eth0", MAC: mac(1), Driver: "e1000", Mbps: 10000, Link: true, PCI: "0000:00:03.0"}},
		LLDP:  []inventory.Neighbor{{NIC: "eth0", Chassis: "c", Port: "p", System: "sw1"}}, Unbound: []string{"8086:1572"}}
}

func machines() chapter {
	return chapter{
		"what was observed of a machine is read back with every field": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.clock.Turn(time.Second)
			got := must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Phase, m.Power, m.Facts, m.Image, m.Serial, m.UUID = inventory.Discovered, inventory.PowerOn, seen(), "debian-12", "SN-X", "abc"
				m.Conditions = []inventory.Condition{{Type: "bmc-unreachable", Reason: "timeout", Evidence: "no answer", Hint: "look at it", Since: b.clock.Now()},
					{Type: "zzz", Reason: "r"}}
				return []journal.Event{{Kind: journal.AgentCheckIn, Summary: "facts"}}, nil
			}))(t)
			m := b.machine("n1")
			same(t, "machine as read and as returned", m, got)
			same(t, "facts", m.Facts, seen())
			if m.Phase != inventory.Discovered || m.Power != inventory.PowerOn || m.Image != "debian-12" || m.Serial != "SN-X" || m.UUID != "abc" ||
				m.Version != 2 || len(m.Conditions) != 2 || !m.Conditions[1].Since.Equal(b.clock.Now()) || !m.UpdatedAt.Equal(b.clock.Now()) {
				t.Errorf("read %+v", m)
			}
			e := must(b.Events(b.ctx(), store.EventFilter{Machine: "n1", Newest: true, Limit: 1}))(t)
			same(t, "whose event it is", e[0].Name+" "+e[0].Machine, "n1 "+m.ID)
		},
		"of many who ask for machines at once each has their own": func(t *testing.T, b *bench) {
			b.apply(planOf(8))
			n1 := b.machine("n1")
			race(160, func(i int) {
				name := fmt.Sprintf("n%d", i%10+1)
				key := name
				if i%20 == 0 {
					key = strings.ToUpper(n1.ID)
				}
				switch m, err := b.Machine(b.ctx(), key); {
				case i%10 > 7:
					if !fault.Is(err, fault.NotFound) || fault.HintOf(err) == "" {
						t.Errorf("who asked for %s, which is not there, got %v, %v", key, m, err)
					}
				case err != nil || m.Name != name || len(m.NICs) != len(n1.NICs):
					t.Errorf("who asked for %s got %v, %v", key, m, err)
				default:
					m.NICs[0].Name = "mine" // as a race if it were not
				}
			})
		},
		"a plan leaves alone what was observed": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			was := must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Phase, m.Power, m.Facts = inventory.Discovered, inventory.PowerOn, seen()
				m.Conditions = []inventory.Condition{{Type: "t", Reason: "r", Since: b.clock.Now()}}
				return nil, nil
			}))(t)
			p := planOf(1)
			p.Racks[0].Machines[0].U = 30
			b.apply(p)
			m := b.machine("n1")
			same(t, "unit", m.Slot.U, 30)
			m.Slot, m.Version = was.Slot, was.Version
			same(t, "the rest", m, was)
		},
		"facts changed in place are written, and what is unchanged is not": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			look := func(bytes int64) int64 {
				return must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
					if m.Facts == nil {
						m.Facts = seen()
					}
					m.Facts.Disks[0].Bytes = bytes
					return nil, nil
				}))(t).Version
			}
			same(t, "version", []int64{look(5), look(6), look(6)}, []int64{2, 3, 3})
			same(t, "bytes", b.machine("n1").Facts.Disks[0].Bytes, 6)
		},
		"of writers that race on one machine none loses what it wrote": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			const writers = 12
			race(writers, func(i int) {
				_, err := b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
					m.Conditions = append(m.Conditions, inventory.Condition{Type: fmt.Sprintf("c%02d", i), Reason: "race"})
					m.Image += "x"
					return []journal.Event{{Kind: journal.Condition, Summary: fmt.Sprint(i)}}, nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			m := b.machine("n1")
			same(t, "conditions, letters, version", []int{len(m.Conditions), len(m.Image), int(m.Version)}, []int{writers, writers, writers + 1})
			same(t, "events", b.count("SELECT count(*) FROM event WHERE kind = 'machine.condition'"), writers)
		},
		"racing writers that change conditions alone lose none": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			race(8, func(i int) {
				_, err := b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
					m.Conditions = append(m.Conditions, inventory.Condition{Type: fmt.Sprintf("c%02d", i), Reason: "race"})
					return nil, nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			same(t, "conditions", len(b.machine("n1").Conditions), 8)
			same(t, "version", b.machine("n1").Version, 9)
		},
		"a change that ends in an error writes neither the machine nor its events": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			_, err := b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Image = "lost"
				return []journal.Event{{Kind: journal.AgentEvent, Summary: "lost"}}, fault.Deniedf("no")
			})
			refused(t, err, fault.Denied)
			same(t, "image", b.machine("n1").Image, "")
			same(t, "events", b.count("SELECT count(*) FROM event WHERE summary = 'lost'"), 0)
			_, err = b.ChangeMachine(b.ctx(), "nobody", setSerial("x"))
			refused(t, err, fault.NotFound)
		},
	}
}

func phases() chapter {
	return chapter{
		"a machine moves along the edges of the table and no others": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			_, err := b.ChangeMachine(b.ctx(), "n1", setPhase(inventory.Ready))
			refused(t, err, fault.Conflict)
			same(t, "phase", b.machine("n1").Phase, inventory.Planned)
			same(t, "events of the refused move", b.count("SELECT count(*) FROM event WHERE kind = 'machine.phase'"), 0)
			for _, p := range []inventory.Phase{inventory.Racked, inventory.Discovered, inventory.Active, inventory.Maintenance, inventory.Active} {
				must(b.ChangeMachine(b.ctx(), "n1", setPhase(p)))(t)
			}
			same(t, "phase", b.machine("n1").Phase, inventory.Active)
		},
		"a retired machine leaves its slot, MACs, address, BMC, serial and name to its successor": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			old := b.machine("n1")
			must(b.ChangeMachine(b.ctx(), "n1", setPhase(inventory.Retired)))(t)
			_, err := b.Machine(b.ctx(), "n1")
			refused(t, err, fault.NotFound)
			_, err = b.BMCAccess(b.ctx(), old.ID)
			refused(t, err, fault.NotFound)
			b.apply(planOf(1))
			if m := b.machine("n1"); m.ID == old.ID || m.Phase != inventory.Planned {
				t.Errorf("the successor is %+v", m)
			}
			if m := b.machine(old.ID); m.Phase != inventory.Retired || m.Slot != nil || len(m.NICs) != 0 {
				t.Errorf("the retired one holds %+v", m)
			}
		},
		"a machine does not retire while work on it is open": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			_, err := b.ChangeMachine(b.ctx(), "n1", setPhase(inventory.Retired))
			refused(t, err, fault.Conflict)
			same(t, "phase", b.machine("n1").Phase, inventory.Planned)
		},
	}
}
