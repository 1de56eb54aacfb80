package scripted

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rackwright/inventory"
)

// site is a world with one rack as the field builds it: a model with parts, two leaf
// switches, a PDU on each of two feeds, and machines with every cable. The rack file and
// the plan are written from the same bays, each from what it is to know.
type site struct {
	*world
	bays []bay
	head string // of the plan; empty: siteHead
}

// bay is one machine: what the plan says of it, and what is really there.
type bay struct {
	name, serial string
	mac          string // of nic1; nic2 has the one that follows
	leaf         int    // number of the port nic1 is really in, of leaf-1
	dimms        int    // modules that are really there, of the model's two
	bmc          int    // port of its BMC
	on           bool   // when the rack starts
	holds        string // a signature that is on its disk at first

	noMAC, noSerial bool // the plan does not know them
	gone            bool // the plan does not have it any more
	fault           string
}

// newSite is n machines, all as planned.
func newSite(t *testing.T, n int) *site {
	t.Helper()
	s := &site{world: newWorld(t, nil)}
	for i := range n {
		s.bays = append(s.bays, bay{name: fmt.Sprintf("r1-u%02d", i+1), serial: fmt.Sprintf("SN-%04d", 1001+i),
			mac: fmt.Sprintf("52:54:00:79:00:%02x", 2*i), leaf: i + 1, dimms: 2, bmc: 9001 + i})
		s.nodes = append(s.nodes, node{name: s.bays[i].name, firmware: "uefi"})
	}
	return s
}

// open starts a server, the rack and applies the plan.
func (s *site) open() *site {
	s.t.Helper()
	s.serve("a", s.api, s.config("a", "127.0.0.1:8480", ""))
	s.raise()
	s.applySite()
	return s
}

// bay finds a machine's.
func (s *site) bay(name string) *bay {
	s.t.Helper()
	i := slices.IndexFunc(s.bays, func(b bay) bool { return b.name == name })
	if i < 0 {
		s.t.Fatalf("there is no %s", name)
	}
	return &s.bays[i]
}

// second is the MAC of nic2.
func (b bay) second() string {
	mac, err := inventory.ParseMAC(b.mac)
	if err != nil {
		panic(err)
	}
	mac[5]++
	return mac.String()
}

// raise writes the rack file and starts the rack, the one before ended.
func (s *site) raise() {
	s.t.Helper()
	if s.rack != nil {
		s.rack.end(15)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "rack: r1\nsite: lab\nrelay: {listen: %s, server: %s, interface: lo}\nmachines:\n", rackAddress, "10.77.0.1")
	for i, m := range s.bays {
		power := "off"
		if m.on {
			power = "on"
		}
		dimms := []string{"{slot: A1, size: 32768, speed: 4800, serial: D1-" + m.serial + "}", "{slot: B1, size: 32768, speed: 4800, serial: D2-" + m.serial + "}"}
		fmt.Fprintf(&b, `  - {name: %s, u: %d, kind: scripted, fault: %q, firmware: uefi, power: %q, vendor: Example, model: R1, serial: %s, cpus: 24, memory: 65536, dimms: [%s],
     nics: [{mac: %q, switch: leaf-1, port: Ethernet%d}, {mac: %q, switch: leaf-2, port: Ethernet%d}],
     psus: [{name: PSU 1, watts: 600}, {name: PSU 2, watts: 600}], disks: [{size: 8GiB, bus: nvme, serial: DISK-%s, holds: [%s]}], bmc: {address: "%s:%d"}}
`, m.name, i+1, m.fault, power, m.serial, strings.Join(dimms[:m.dimms], ", "), m.mac, m.leaf, m.second(), i+1, m.serial, m.holds, rackAddress, m.bmc)
	}
	s.rack = startRack(s.t, s.ctx, s.dir, write(s.t, filepath.Join(s.dir, "rack.yaml"), b.String()))
}

// siteHead is the plan without its machines. Feed B carries eight machines and two
// switches when feed A is lost, and no more of them.
const siteHead = `site: lab
models:
  - name: example-r1
    vendor: Example
    product: R1
    weight_kg: 17
    watts: 300
    psus: [{name: psu1, connector: c14, watts: 600}, {name: psu2, connector: c14, watts: 600}]
    parts:
      cpus: [{socket: CPU1, cores: 24}]
      dimms: [{slot: A1, size_mib: 32768, speed_mts: 4800}, {slot: B1, size_mib: 32768, speed_mts: 4800}]
      disks: [{type: nvme, bytes: 8000000000}]
      nics: 2
    firmware: [{component: bmc, version: 1.0.0}]
  - name: example-leaf
    kind: switch
    watts: 150
    psus: [{name: psu1, connector: c14}, {name: psu2, connector: c14}]
    ports: [{name: Ethernet1-48, connector: sfp}]
  - name: example-pdu
    kind: pdu
    ports: [{name: 1-24, connector: c13}]
racks:
  - name: r1
    weight_limit_kg: 600
    feeds: [{name: A, volts: 230, amps: 20}, {name: B, volts: 230, amps: 16}]
    devices:
      - {name: pdu-a, model: example-pdu, feed: A}
      - {name: pdu-b, model: example-pdu, feed: B}
      - {name: leaf-1, u: 41, model: example-leaf, psus: [{name: psu1, cable: {to: "pdu-a:23"}}, {name: psu2, cable: {to: "pdu-b:23"}}]}
      - {name: leaf-2, u: 42, model: example-leaf, psus: [{name: psu1, cable: {to: "pdu-a:24"}}, {name: psu2, cable: {to: "pdu-b:24"}}]}
    machines:
`

// plan is the whole plan as people wrote it.
func (s *site) plan() string {
	var b strings.Builder
	b.WriteString(cmp.Or(s.head, siteHead))
	for i, m := range s.bays {
		if !m.gone {
			b.WriteString(s.planned(m, i+1))
		}
	}
	return b.String()
}

// planned is one machine of the plan, in the unit and ports of that number.
func (s *site) planned(m bay, n int) string {
	known := ""
	if !m.noSerial {
		known = ", serial: " + m.serial
	}
	mac := func(of string) string {
		if m.noMAC {
			return ""
		}
		return fmt.Sprintf("mac: %q, ", of)
	}
	return fmt.Sprintf(`      - name: %s
        u: %d
        model: example-r1%s
        nics:
          - {%snetwork: provision, address: 10.77.0.%d, connector: sfp, boot: true, cable: {to: "leaf-1:Ethernet%d", type: dac}}
          - {%sconnector: sfp, cable: {to: "leaf-2:Ethernet%d", type: dac}}
        psus: [{name: psu1, cable: {to: "pdu-a:%d"}}, {name: psu2, cable: {to: "pdu-b:%d"}}]
        bmc: {address: "https://%s:%d", username: admin, password_file: %s/rack/%s/bmc.password}
        root_disk: {type: nvme}
`, m.name, n, strings.ReplaceAll(known, ", serial", "\n        serial"), mac(m.mac), 64+n, n, mac(m.second()), n, n, n, rackAddress, m.bmc, s.dir, m.name)
}

// applySite writes the plan and applies it.
func (s *site) applySite() string {
	s.t.Helper()
	write(s.t, filepath.Join(s.dir, "plan/rack.yaml"), s.plan())
	return s.command("apply", "-f", filepath.Join(s.dir, "plan"), "--yes")
}

// all waits until every machine is as asked.
func (s *site) all(what string, is func(inventory.Machine) bool) {
	s.t.Helper()
	until(s.t, s.ctx, what, func() bool {
		for _, b := range s.bays {
			if m, err := s.client.Machine(s.ctx, b.name); !b.gone && (err != nil || !is(m)) {
				return false
			}
		}
		return true
	}, s.state)
}

// one waits until a machine is as asked.
func (s *site) one(name, what string, is func(inventory.Machine) bool) (m inventory.Machine) {
	s.t.Helper()
	until(s.t, s.ctx, name+" "+what, func() bool {
		var err error
		m, err = s.client.Machine(s.ctx, name)
		return err == nil && is(m)
	}, func() string { return s.state() + s.command("machine", "verify", name) + s.console(name) })
	return m
}

// state is what a person would look at when something does not come.
func (s *site) state() string {
	return s.command("machine", "list") + s.command("rack", "tasks", "r1") + s.command("rack", "cabling", "r1") + s.command("operation", "list")
}

// in tells machines in a phase.
func in(p inventory.Phase) func(inventory.Machine) bool {
	return func(m inventory.Machine) bool { return m.Phase == p }
}

// inspect looks into machines and waits until the agent has told what it saw.
func (s *site) inspect(names ...string) {
	s.t.Helper()
	out, err := s.cmd(append([]string{"inspect", "--watch", "--timeout", patience.String()}, names...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("inspect: %v\n%s%s", err, out, s.state())
	}
}

// moved lists what the journal has of a machine's phases.
func (s *site) moved(name string) (all []string) {
	s.t.Helper()
	events, err := s.client.Timeline(s.ctx, name, 1000)
	ok(s.t, err)
	for _, e := range events {
		if e.Kind == "machine.phase" {
			all = append(all, e.Actor+": "+e.Summary)
		}
	}
	return all
}

// saying wants every part in a text.
func saying(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in\n%s", p, text)
		}
	}
}
