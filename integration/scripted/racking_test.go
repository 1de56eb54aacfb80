package scripted

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rackwright/inventory"
	"rackwright/inventory/racking"
	"rackwright/inventory/verify"
)

// A rack from the plan to the signature. Five machines are planned with their MACs, two
// with no more than serial number and cables, one with cables alone; two machines' cables
// to leaf-1 are in each other's ports.
func TestARackIsRackedCabledVerifiedAndSignedOff(t *testing.T) {
	s := newSite(t, 8)
	s.bay("r1-u02").leaf, s.bay("r1-u03").leaf = 3, 2
	planned, strangers, swapped := []string{"r1-u01", "r1-u02", "r1-u03", "r1-u04", "r1-u05"}, []string{"r1-u06", "r1-u07", "r1-u08"}, []string{"r1-u02", "r1-u03"}
	for _, name := range strangers {
		s.bay(name).noMAC = true
	}
	s.bay("r1-u08").noSerial = true
	s.open()
	refused(t, s.cmd("rack", "signoff", "r1"), 4, "open steps", "pdu-a receive (todo)")

	saying(t, s.command("scan", "rw:slot:r1:8", "SN-1008", "--yes"), "r1-u08 in r1 u8 is bound: serial SN-1008 new")
	refused(t, s.cmd("scan", "SN-1007", "--rack", "r1", "--u", "6", "--yes"), 4, "r1-u07's serial number", "you stand at r1 u6")
	s.knownByTwo(planned)

	s.command("power", "r1-u06", "on")
	s.command("power", "r1-u07", "on")
	s.inspect(append(planned, "r1-u08")...) // what it is to look into is not known by its MAC yet
	s.adopted(strangers)
	s.oneSwap(swapped)
	s.all("all but the swapped verified", func(m inventory.Machine) bool {
		return (m.Phase == inventory.Verified) != slices.Contains(swapped, m.Name)
	})
	s.stepsDone(func(owner string) bool { return !slices.Contains(swapped, owner) })
	for _, name := range swapped {
		s.cableStepNames(name, "swap the cables in leaf-1:Ethernet3 and leaf-1:Ethernet2")
	}
	refused(t, s.cmd("rack", "signoff", "r1"), 4, "open steps", "r1-u02 cable (doing)")

	s.bay("r1-u02").leaf, s.bay("r1-u03").leaf = 2, 3
	s.raise()
	s.inspect(swapped...)
	s.all("all verified and without conditions", func(m inventory.Machine) bool { return m.Phase == inventory.Verified && len(m.Conditions) == 0 })
	saying(t, s.command("rack", "cabling", "r1"), "16 cables planned, 16 heard, 16 right.", "No mistake was found.")
	s.stepsDone(func(string) bool { return true })

	s.gear()
	saying(t, s.command("rack", "signoff", "r1", "--note", "handed over"), "rack r1 signed off by admin: 8 machines, 4 devices")
	s.signed()
}

// knownByTwo waits until machines are discovered, and wants two identifiers that agree in
// the journal.
func (s *site) knownByTwo(names []string) {
	s.t.Helper()
	for _, name := range names {
		s.one(name, "discovered", func(m inventory.Machine) bool {
			return slices.ContainsFunc(s.moved(name), func(line string) bool { return strings.Contains(line, "discovered: serial and mac ") })
		})
	}
}

// adopted waits until machines without MACs have theirs: a stranger booted, was inspected
// and turned out to be them.
func (s *site) adopted(names []string) {
	s.t.Helper()
	for _, name := range names {
		b := *s.bay(name)
		m := s.one(name, "with its MACs", func(m inventory.Machine) bool {
			return m.NICs[0].MAC.String() == b.mac && m.NICs[1].MAC.String() == b.second()
		})
		if m.Serial != b.serial || m.Facts == nil {
			s.t.Errorf("%s adopted serial %q, facts %v", name, m.Serial, m.Facts)
		}
		lines := strings.Join(s.moved(name), "\n")
		saying(s.t, lines, "serial and lldp leaf-2:Ethernet", "agree", "unknown-"+strings.ReplaceAll(b.mac, ":", "")+" is this machine")
	}
	if text := s.command("machine", "list"); strings.Contains(text, "unknown-") {
		s.t.Errorf("a stranger's record is left:\n%s", text)
	}
}

// oneSwap wants the solution of the rack's cables to be one swap of these two machines.
func (s *site) oneSwap(names []string) {
	s.t.Helper()
	var w verify.Wiring
	until(s.t, s.ctx, "the swap", func() bool {
		var err error
		w, err = s.client.Cabling(s.ctx, "r1")
		return err == nil && w.Heard == 16
	}, s.state)
	if len(w.Causes) != 1 || w.Causes[0].Reason != verify.Swapped || len(w.Moves) != 1 || w.Right != 14 {
		s.t.Fatalf("%+v", w)
	}
	var owners []string
	for _, n := range w.Causes[0].NICs {
		owners = append(owners, n.Machine)
	}
	if !slices.Equal(owners, names) {
		s.t.Errorf("the swap is of %v", owners)
	}
	saying(s.t, s.command("rack", "cabling", "r1"), "16 cables planned, 16 heard, 14 right.", "1. swap the cables in leaf-1:Ethernet3 and leaf-1:Ethernet2")
	s.all("the condition on the swapped, and on no other", func(m inventory.Machine) bool {
		has := slices.ContainsFunc(m.Conditions, func(c inventory.Condition) bool { return c.Type == verify.CablingWrong })
		return has == slices.Contains(names, m.Name)
	})
}

// stepsDone waits until the machines asked about have all their steps done, by evidence.
func (s *site) stepsDone(of func(string) bool) {
	s.t.Helper()
	until(s.t, s.ctx, "all steps done by evidence", func() bool {
		sheet, err := s.client.RackTasks(s.ctx, "r1")
		if err != nil {
			return false
		}
		for _, it := range sheet.Items {
			for _, step := range it.Steps {
				if it.Kind == inventory.KindMachine && of(it.Owner) && (step.State != racking.Done || len(step.Evidence) == 0) {
					return false
				}
			}
		}
		return true
	}, func() string { return s.command("rack", "tasks", "r1", "--all") })
}

// cableStepNames wants the list to say what hands have to do.
func (s *site) cableStepNames(owner, words string) {
	s.t.Helper()
	sheet, err := s.client.RackTasks(s.ctx, "r1")
	ok(s.t, err)
	for _, it := range sheet.Items {
		for _, step := range it.Steps {
			if it.Owner == owner && step.Name == racking.Cabling && (step.State == racking.Done || !strings.Contains(step.Hint, words)) {
				s.t.Errorf("%s cable: %s, %q", owner, step.State, step.Hint)
			}
		}
	}
}

// gear says how switches and PDUs stand: nothing sees them.
func (s *site) gear() {
	s.t.Helper()
	saying(s.t, s.command("scan", "SW-0001", "--rack", "r1", "--u", "41", "--yes"), "leaf-1 in r1 u41 is bound: serial SW-0001 new")
	for _, owner := range []string{"leaf-2", "pdu-a", "pdu-b"} {
		s.command("rack", "done", "r1", owner, "mount")
	}
	for _, owner := range []string{"leaf-1", "leaf-2", "pdu-a", "pdu-b"} {
		s.command("rack", "done", "r1", owner, "power")
	}
	for _, owner := range []string{"leaf-1", "leaf-2"} {
		s.command("rack", "done", "r1", owner, "cable")
	}
}

// signed wants the record to have what was handed over and who did what.
func (s *site) signed() {
	s.t.Helper()
	list, err := s.client.SignOffs(s.ctx, "r1")
	ok(s.t, err)
	if len(list) != 1 {
		s.t.Fatalf("%d records", len(list))
	}
	r, err := s.client.SignOff(s.ctx, "r1", list[0].ID)
	ok(s.t, err)
	if r.By != "admin" || r.Note != "handed over" || len(r.Machines) != 8 || len(r.Devices) != 4 {
		s.t.Fatalf("%+v", r)
	}
	for i, m := range r.Machines {
		b := s.bay(m.Name)
		if m.Serial != b.serial || len(m.MACs) != 2 || m.MACs[0].MAC.String() != b.mac || len(m.Cables) != 4 || len(m.Steps) != 6 || m.Slot.U != i+1 ||
			!slices.ContainsFunc(m.Firmware, func(v inventory.Version) bool { return v.Component == "bmc" }) {
			s.t.Errorf("%+v", m)
		}
	}
	text := fmt.Sprintf("%+v", r)
	saying(s.t, text, "scanned serial SN-1008 By:admin", "scanned serial SW-0001 By:admin", "leaf-1:Ethernet2 heard on nic1 (LLDP) By:agent")
}
