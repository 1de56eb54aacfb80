package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
)

// cabled is a plan of n machines without MACs, each known by its serial number and by its
// cable to leaf-1, whose relay names port i "leaf-1/i".
func cabled(n int) plan.Plan {
	p := plan.Plan{Site: "lab", Networks: fullPlan().Networks, Racks: []plan.Rack{{Name: "r1",
		Devices: []plan.Device{{Name: "leaf-1", Kind: inventory.KindSwitch, U: 42,
			Ports: []inventory.Port{{Name: "1-24", Connector: inventory.RJ45, Circuit: "leaf-1/{port}"}}}}}}}
	for i := 1; i <= n; i++ {
		p.Racks[0].Machines = append(p.Racks[0].Machines, plan.Machine{Name: fmt.Sprintf("n%d", i), U: i, Vendor: "Acme", Serial: fmt.Sprintf("SN-%d", i),
			NICs: []plan.NIC{{Name: "nic1", Connector: inventory.RJ45, Network: "provision", Address: fmt.Sprintf("10.0.0.%d", 10+i),
				Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: fmt.Sprint(i)}, Type: "cat6"}}, {Name: "nic2"}}})
	}
	return p
}

// factsOf is what an agent sees in machine i on its switch port.
func factsOf(i, port int) *inventory.Facts {
	f := &inventory.Facts{Source: "agent", Observed: time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC),
		System: inventory.System{Vendor: "Acme", Serial: fmt.Sprintf("SN-%d", i), UUID: fmt.Sprintf("11111111-2222-3333-4444-5555555555%02d", i)},
		NICs:   []inventory.SeenNIC{{Name: "eth0", MAC: mac(i), PCI: "0000:01:00.0"}, {Name: "eth1", MAC: mac(50 + i), PCI: "0000:01:00.1"}}}
	if port > 0 {
		f.LLDP = []inventory.Neighbor{{NIC: "eth0", Chassis: "c", System: "LEAF-1", Port: fmt.Sprint(port)}}
	}
	return f
}

// stranger records machine i as an agent of an inspection saw it.
func (b *bench) stranger(i, port int) (*inventory.Machine, *inventory.Facts) {
	b.t.Helper()
	s := must(b.AddStranger(b.ctx(), mac(i), "", "provision"))(b.t)
	f := factsOf(i, port)
	must(b.ChangeMachine(b.ctx(), s.ID, func(m *inventory.Machine) ([]event, error) {
		m.Facts, m.Serial, m.UUID, m.Vendor = f, f.System.Serial, f.System.UUID, f.System.Vendor
		return nil, nil
	}))(b.t)
	return s, f
}

func identities() chapter {
	return chapter{
		"a stranger with the serial and on the switch port of a planned machine is that machine": func(t *testing.T, b *bench) {
			b.apply(cabled(3))
			s, f := b.stranger(2, 2)
			op := must(b.CreateOperation(b.ctx(), "inspect", s.ID, order(), "network policy"))(t)
			ok(t, b.AppendEvents(b.ctx(), []event{{Kind: "agent.event", Machine: s.ID, Name: s.Name, Summary: "no MAC in it"}}))
			e := must(b.Witness(b.ctx(), s.ID, inventory.FromFacts(f)))(t)
			p := must(b.Recognise(b.ctx(), s.ID, e))(t)
			if p == nil {
				t.Fatal("it is nobody")
			}
			m := b.machine("n2")
			same(t, "who", []string{p.ID, string(m.Phase), m.UUID, m.NICs[0].MAC.String(), m.NICs[1].MAC.String()},
				[]string{m.ID, "discovered", f.System.UUID, mac(2).String(), mac(52).String()})
			same(t, "facts", m.Facts.System, f.System)
			same(t, "whose operation it is now", must(b.Operation(b.ctx(), op.ID))(t).Machine, m.ID)
			_, err := b.Machine(b.ctx(), s.ID)
			refused(t, err, fault.NotFound)
			if v := must(b.View(b.ctx()))(t); v.Host(mac(2)) == nil || v.Host(mac(2)).Machine != m.ID || !v.Host(mac(2)).Address.IsValid() {
				t.Errorf("the boot view has %+v", v.Host(mac(2)))
			}
			first := must(b.Events(b.ctx(), store.EventFilter{Machine: "n2", Limit: 50}))(t)
			same(t, "what it was known by, not what it learned", strings.Contains(toText(first), "discovered: serial and lldp leaf-1:2 agree"), true)
			same(t, "events of the stranger found by MAC", strings.Contains(toText(first), "unknown machine"), true)
			same(t, "and those without", strings.Contains(toText(first), "no MAC in it"), true)
			same(t, "whose others do not tell", strings.Contains(toText(must(b.Events(b.ctx(), store.EventFilter{Machine: "n3", Limit: 50}))(t)), "no MAC"), false)
			seen := must(b.Identifiers(b.ctx(), m.ID))(t)
			same(t, "kinds of identifiers", kinds(seen), "lldp mac mac serial uuid")
		},
		"the inspection of a stranger gives way to the work that waits for the machine it is": func(t *testing.T, b *bench) {
			b.apply(cabled(3))
			s, f := b.stranger(2, 2)
			waits := must(b.CreateOperation(b.ctx(), "inspect", "n2", order(), "test"))(t)
			own := must(b.CreateOperation(b.ctx(), "inspect", s.ID, order(), "network policy"))(t)
			nonce := must(b.Begin(b.ctx(), &boot.Host{Operation: own.ID, MAC: mac(2)}))(t)
			_, session, err := b.Redeem(b.ctx(), nonce)
			ok(t, err)
			if p := must(b.Recognise(b.ctx(), s.ID, inventory.FromFacts(f)))(t); p == nil || p.Name != "n2" {
				t.Fatalf("it is %+v", p)
			}
			now, _, err := b.Session(b.ctx(), session)
			ok(t, err)
			same(t, "whose agent it is", now, waits.ID)
			_, fetched := must(b.EvidenceOf(b.ctx(), waits.ID))(t)[store.SawScript]
			same(t, "what was seen counts for it", fetched, true)
			_, err = b.Operation(b.ctx(), own.ID)
			refused(t, err, fault.NotFound)
		},
		"one identifier alone is not enough to be a planned machine": func(t *testing.T, b *bench) {
			b.apply(cabled(2))
			s, f := b.stranger(2, 0)
			if p := must(b.Recognise(b.ctx(), s.ID, inventory.FromFacts(f)))(t); p != nil {
				t.Errorf("taken for %s", p.Name)
			}
			m := b.machine("n2")
			same(t, "phase, conditions", words(m.Phase, len(m.Conditions)), "racked 0")
			same(t, "the stranger is there", b.machine(s.ID).Name, s.Name)
		},
		"what was seen at different times of one stranger counts together": func(t *testing.T, b *bench) {
			b.apply(cabled(2))
			s, f := b.stranger(1, 0)
			at := inventory.Evidence{Source: "dhcp", MACs: []inventory.MAC{mac(1)}, Circuit: "leaf-1/1", Remote: "0x0102"}
			if p := must(b.Recognise(b.ctx(), s.ID, at))(t); p != nil {
				t.Errorf("taken for %s by its switch port alone", p.Name)
			}
			p := must(b.Recognise(b.ctx(), s.ID, inventory.FromFacts(f)))(t)
			if p == nil || p.Name != "n1" || p.NICs[0].MAC != mac(1) {
				t.Errorf("it is %+v", p)
			}
		},
		"of switches that call their ports the same the remote id says which is meant": func(t *testing.T, b *bench) {
			p := cabled(2)
			twin := p.Racks[0].Devices[0]
			twin.Name, twin.U, twin.RemoteID = "leaf-2", 41, "0x0202"
			p.Racks[0].Devices = append(p.Racks[0].Devices, twin, plan.Device{Name: "leaf-3", Kind: inventory.KindSwitch, U: 40, RemoteID: "0x0303"})
			p.Racks[0].Machines[1].NICs[0].Cable.To.Owner = "leaf-2"
			b.apply(p)
			for _, c := range []struct{ remote, want string }{{"0x0202", "leaf-2:2"}, {"0x0101", "leaf-1:2"}, {"", "leaf-1:2"}, {"0x0303", ""}} {
				e := must(b.Witness(b.ctx(), b.machine("n2").ID, inventory.Evidence{Source: "dhcp", Circuit: "leaf-1/2", Remote: c.remote}))(t)
				got := ""
				for _, port := range e.Ports {
					got += port.At.String()
				}
				same(t, "the port by remote id "+c.remote, got, c.want)
			}
			s, f := b.stranger(2, 0)
			at := inventory.Evidence{Source: "dhcp", MACs: []inventory.MAC{mac(2)}, Circuit: "leaf-1/2"}
			if m := must(b.Recognise(b.ctx(), s.ID, at))(t); m != nil {
				t.Fatalf("it is %s", m.Name)
			}
			at.Remote = "0x0202"
			must(b.Recognise(b.ctx(), s.ID, at))(t)
			if m := must(b.Recognise(b.ctx(), s.ID, inventory.FromFacts(f)))(t); m == nil || m.Name != "n2" {
				t.Errorf("it is %+v", m)
			}
		},
		"a serial of one slot on the port of another is a doubt on both, with the evidence, and nothing is bound": func(t *testing.T, b *bench) {
			b.apply(cabled(3))
			s, f := b.stranger(1, 3)
			if p := must(b.Recognise(b.ctx(), s.ID, inventory.FromFacts(f)))(t); p != nil {
				t.Fatalf("taken for %s", p.Name)
			}
			for _, name := range []string{"n1", "n3", s.ID} {
				m := b.machine(name)
				if len(m.Conditions) != 1 || m.Conditions[0].Type != inventory.IdentityMismatch ||
					!strings.Contains(m.Conditions[0].Evidence, "n1 by serial") || !strings.Contains(m.Conditions[0].Evidence, "n3 by lldp leaf-1:3") {
					t.Errorf("%s: %+v", name, m.Conditions)
				}
			}
			same(t, "phase", b.machine("n1").Phase, inventory.Planned)
			same(t, "conditions of the one that is not meant", len(b.machine("n2").Conditions), 0)

			moved := factsOf(1, 1) // the technician plugs it where it belongs
			if p := must(b.Recognise(b.ctx(), s.ID, inventory.FromFacts(moved)))(t); p == nil || p.Name != "n1" {
				t.Fatalf("it is %+v", p)
			}
			same(t, "doubts left", []int{len(b.machine("n1").Conditions), len(b.machine("n3").Conditions)}, []int{0, 0})
		},
		"of two strangers that race for one planned machine one is it": func(t *testing.T, b *bench) {
			b.apply(cabled(1))
			var strangers [2]*inventory.Machine
			strangers[0], _ = b.stranger(1, 1)
			strangers[1] = must(b.AddStranger(b.ctx(), mac(7), "", "provision"))(t)
			twin := factsOf(1, 1)
			twin.NICs = []inventory.SeenNIC{{Name: "eth0", MAC: mac(7)}}
			must(b.ChangeMachine(b.ctx(), strangers[1].ID, func(m *inventory.Machine) ([]event, error) {
				m.Facts = twin
				return nil, nil
			}))(t)
			won := [2]bool{}
			race(2, func(i int) {
				f := []*inventory.Facts{factsOf(1, 1), twin}[i]
				p, err := b.Recognise(b.ctx(), strangers[i].ID, inventory.FromFacts(f))
				if err != nil {
					t.Error(err)
				}
				won[i] = p != nil
			})
			if won[0] == won[1] {
				t.Fatalf("won: %v", won)
			}
			same(t, "strangers left", b.count("SELECT count(*) FROM machine WHERE rack_id IS NULL"), 1)
		},
		"of what a machine was seen by the newest is kept, and not without end": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			id := b.machine("n1").ID
			for i := range 200 {
				must(b.Witness(b.ctx(), id, inventory.Evidence{Source: "dhcp", Circuit: fmt.Sprintf("port %03d", i)}))(t)
				b.clock.Turn(time.Second)
			}
			seen := must(b.Identifiers(b.ctx(), id))(t)
			same(t, "how many, the oldest", words(len(seen), seen[0].Value), "128 port 072")
			b.clock.Turn(time.Hour)
			must(b.Witness(b.ctx(), id, inventory.Evidence{Source: "agent", Circuit: "port 199"}))(t)
			newest := must(b.Identifiers(b.ctx(), id))(t)[127]
			same(t, "source, last", words(newest.Source, newest.Last.Equal(b.clock.Now()), newest.First.Before(newest.Last)), "agent true true")
		},
	}
}

func kinds(list []inventory.Identifier) string {
	var out []string
	for _, i := range list {
		out = append(out, i.Kind)
	}
	return strings.Join(out, " ")
}
