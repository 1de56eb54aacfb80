package racking_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/racking"
	"rackwright/inventory/verify"
)

const (
	todo, doing, done, held, waived = racking.Todo, racking.Doing, racking.Done, racking.Held, racking.Waived
)

func TestTheListGoesFromTheBottomUp(t *testing.T) {
	for numbering, want := range map[inventory.Numbering]string{
		inventory.NumberedUp:   "pdu-a n1 n2 n3 leaf-1",
		inventory.NumberedDown: "pdu-a leaf-1 n2 n3 n1",
	} {
		v := rack()
		v.Inventory.Racks[0].Numbering = numbering
		var got []string
		for _, it := range v.Sheet(now).Items {
			got = append(got, it.Owner)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("numbered %s: %s", numbering, got)
		}
	}
}

func TestEvidenceCompletesSteps(t *testing.T) {
	for name, c := range map[string]struct {
		change func(v *racking.View)
		want   []racking.State
	}{
		"nothing happened": {func(*racking.View) {}, []racking.State{todo, todo, todo, todo, todo, todo}},
		"its serial was scanned": {func(v *racking.View) {
			v.Seen = []racking.Sighting{{Machine: "one", Kind: "serial", Value: "SN-1", Source: "scan"}}
		}, []racking.State{done, done, todo, todo, todo, todo}},
		"a MAC was seen": {func(v *racking.View) {
			v.Seen = []racking.Sighting{{Machine: "one", Kind: "mac", Value: mac(1).String(), Source: "dhcp"}}
		}, []racking.State{done, done, todo, todo, doing, todo}},
		"its BMC says on":        {func(v *racking.View) { one(v).Power = inventory.PowerOn }, []racking.State{todo, todo, todo, done, todo, todo}},
		"a supply is fed":        {func(v *racking.View) { heard(v, "", "", "ok") }, []racking.State{todo, todo, doing, done, todo, todo}},
		"a supply has no input":  {func(v *racking.View) { heard(v, "14", "15", "lost") }, []racking.State{todo, todo, doing, doing, todo, todo}},
		"every cable was heard":  {func(v *racking.View) { heard(v, "14", "15", "ok") }, []racking.State{todo, todo, done, done, todo, todo}},
		"two cables are swapped": {func(v *racking.View) { heard(v, "15", "14", "ok") }, []racking.State{todo, todo, doing, done, todo, todo}},
		"it is discovered":       {func(v *racking.View) { one(v).Phase = inventory.Discovered }, []racking.State{done, done, todo, done, done, doing}},
		"it is verified": {func(v *racking.View) {
			one(v).Phase = inventory.Verified
			heard(v, "14", "15", "ok")
		}, []racking.State{done, done, done, done, done, done}},
		"a person says it is mounted": {func(v *racking.View) { v.Marks = []racking.Mark{said("one", racking.Mount, done)} },
			[]racking.State{done, done, todo, todo, todo, todo}},
		"a person stopped it": {func(v *racking.View) {
			one(v).Phase = inventory.Discovered
			v.Marks = []racking.Mark{said("one", racking.Power, held), said("one", racking.Verified, waived)}
		}, []racking.State{done, done, todo, held, done, waived}},
	} {
		v := rack()
		c.change(v)
		if got := states(t, v, "n1"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAWordThatEvidenceContradictsDoesNotCount(t *testing.T) {
	v := rack()
	v.Marks = []racking.Mark{said("one", racking.Cabling, done)}
	if s := steps(t, v, "n1")[racking.Cabling]; s.State != done || s.Evidence[0].By != "ada" {
		t.Errorf("by word: %+v", s)
	}
	heard(v, "15", "14", "ok")
	s := steps(t, v, "n1")[racking.Cabling]
	if s.State != doing || !strings.Contains(s.Hint, "put nic1 → leaf-1:14, dac 2 m, label C-14 right: leaf-1.example:15 heard on nic1 (LLDP), the plan has leaf-1:14") {
		t.Errorf("against LLDP: %+v", s)
	}
	v.Marks[0].State = waived
	if s := steps(t, v, "n1")[racking.Cabling]; s.State != waived || s.Hint != "" {
		t.Errorf("waived: %+v", s)
	}
}

func TestASwapIsNamedOnceAndAWaivedCablePasses(t *testing.T) {
	v := rack()
	heard(v, "15", "14", "ok")
	wrong := func(nic string) inventory.Condition {
		return inventory.Condition{Type: verify.CablingWrong, Subject: nic, Hint: "nic1 and nic2 of n1 are swapped"}
	}
	one(v).Conditions = []inventory.Condition{wrong("nic1"), wrong("nic2")}
	if s := steps(t, v, "n1")[racking.Cabling]; s.State != doing || s.Hint != "nic1 and nic2 of n1 are swapped" {
		t.Errorf("%+v", s)
	}
	for i := range one(v).Conditions {
		one(v).Conditions[i].Waived = inventory.Waived{By: "bob", Reason: "same VLAN", At: now}
	}
	if s := steps(t, v, "n1")[racking.Cabling]; s.State != done || s.Evidence[0].Says != "nic1 waived: same VLAN" {
		t.Errorf("%+v", s)
	}
}

func TestACableThatTheSwitchPlansIsTheMachinesToo(t *testing.T) {
	v := rack()
	leaf := v.Inventory.Device("leaf-1")
	leaf.Ports = []inventory.Port{{Name: "Ethernet15", Cable: &inventory.Cable{To: inventory.End{Owner: "n1", Port: "nic2"}}}}
	one(v).NICs[1].Cable = nil
	heard(v, "14", "Eth1/15", "ok")
	if s := steps(t, v, "n1")[racking.Cabling]; s.State != done || len(s.Evidence) != 3 || s.Evidence[1].Says != "leaf-1:Ethernet15 heard on nic2 (LLDP)" {
		t.Errorf("%+v", s)
	}
}

func TestAHintSaysWhatToDoInPlainWords(t *testing.T) {
	v := rack()
	all := steps(t, v, "n1")
	for n, want := range map[racking.StepName]string{
		racking.Receive:  "unpack n1 (big), serial SN-1; its place: r1 u10-u11",
		racking.Mount:    "mount it in r1 u10-u11, 34 kg: two people or a lift; then 'rackwright scan SERIAL --rack r1 --u 10' or 'rackwright rack done r1 n1 mount'",
		racking.Cabling:  "nic1 → leaf-1:14, dac 2 m, label C-14; nic2 → leaf-1:15, dac 2 m, label C-15; psu1 → pdu-a:7, dac 2 m, label C-7",
		racking.Power:    "plug in its power supplies; then its button, or 'rackwright power n1 on'",
		racking.Seen:     "nothing to do but wait until it boots or its BMC answers; 'rackwright machine why n1' says what is missing",
		racking.Verified: "'rackwright inspect n1' reads its parts",
	} {
		if got := all[n].Hint; got != want {
			t.Errorf("%s:\n got %s\nwant %s", n, got, want)
		}
	}
	one(v).Phase = inventory.Discovered
	one(v).Conditions = []inventory.Condition{
		{Type: "dimm-missing", Subject: "A5", Evidence: "slot A5 is empty", Hint: "seat the DIMM in A5"},
		{Type: "cpu", Waived: inventory.Waived{By: "bob", Reason: "on loan"}}}
	s := steps(t, v, "n1")[racking.Verified]
	if s.State != doing || s.Hint != "seat the DIMM in A5" || len(s.Evidence) != 2 || s.Evidence[0].Says != "waived: cpu, on loan" ||
		s.Evidence[1].Says != "dimm-missing/A5: slot A5 is empty" {
		t.Errorf("verification: %+v", s)
	}
}

func TestMistakenIdentityKeepsItFromBeingSeen(t *testing.T) {
	v := rack()
	v.Seen = []racking.Sighting{{Machine: "one", Kind: "mac", Value: mac(1).String(), Source: "dhcp"}}
	one(v).Conditions = []inventory.Condition{{Type: inventory.IdentityMismatch, Evidence: "serial: plan has SN-1, agent saw SN-7", Hint: "see which it is"}}
	s := steps(t, v, "n1")[racking.Seen]
	if s.State != doing || !s.Evidence[0].Against || s.Hint != "see which it is" {
		t.Errorf("%+v", s)
	}
}

func TestSwitchesAndPDUsAreMarkedByHand(t *testing.T) {
	v := rack()
	if got := states(t, v, "leaf-1"); !slices.Equal(got, []racking.State{todo, todo, todo, todo}) {
		t.Errorf("leaf-1: %s", got)
	}
	if got := steps(t, v, "pdu-a"); len(got) != 3 || got[racking.Power].Hint != "plug it into feed A" {
		t.Errorf("pdu-a: %+v", got)
	}
	v.Marks = []racking.Mark{said("leaf", racking.Mount, done), said("leaf", racking.Power, waived)}
	if got := states(t, v, "leaf-1"); !slices.Equal(got, []racking.State{done, done, todo, waived}) {
		t.Errorf("leaf-1: %s", got)
	}
}

func TestABlinkingMachineIsPointedOut(t *testing.T) {
	v := rack()
	v.Blinking = map[string]time.Time{"one": now.Add(time.Minute)}
	if it := v.Sheet(now).Items[1]; it.Note != "its locator LED blinks until 10:01:00Z: look for it in r1 u10-u11" {
		t.Errorf("note %q", it.Note)
	}
}

func TestTheListCountsWhatIsOpen(t *testing.T) {
	v := rack()
	if s := v.Sheet(now); s.Total != 25 || s.Open != 25 || s.Held != 0 {
		t.Errorf("%d of %d open, %d held", s.Open, s.Total, s.Held)
	}
	v.Marks = []racking.Mark{said("leaf", racking.Power, held), said("leaf", racking.Mount, done), said("one", racking.Verified, waived)}
	if s := v.Sheet(now); s.Open != 22 || s.Held != 1 {
		t.Errorf("%d of %d open, %d held", s.Open, s.Total, s.Held)
	}
}
