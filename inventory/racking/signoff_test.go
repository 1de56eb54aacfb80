package racking_test

import (
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/racking"
)

// finished is the rack with n1 alone, verified, and its devices marked by hand.
func finished() *racking.View {
	v := rack()
	v.Inventory.Machines = []inventory.Machine{*one(v)}
	heard(v, "14", "15", "ok")
	m := one(v)
	m.Phase, m.AssetTag, m.BMC.MAC = inventory.Verified, "A-1", mac(9)
	m.Facts.Versions = []inventory.Version{{Component: "bios", Version: "2.1"}}
	m.Conditions = []inventory.Condition{{Type: "dimm-missing", Subject: "A5", Waived: inventory.Waived{By: "bob", Reason: "on loan", At: now}}}
	m.Waivers = []inventory.Waiver{{Rule: "psus-on-one-feed", Reason: "lab"}}
	for _, owner := range []string{"leaf", "pdu"} {
		for _, n := range racking.Steps()[:4] {
			v.Marks = append(v.Marks, said(owner, n, racking.Done))
		}
	}
	return v
}

func TestASignOffHasWhatStandsInTheRackAndWhoDidWhat(t *testing.T) {
	s, err := finished().SignOff("carl", "all good", now)
	if err != nil {
		t.Fatal(err)
	}
	if s.Rack != "r1" || s.By != "carl" || !s.At.Equal(now) || s.Note != "all good" || len(s.Machines) != 1 || len(s.Devices) != 2 {
		t.Fatalf("%+v", s)
	}
	m := s.Machines[0]
	if m.Serial != "SN-1" || m.AssetTag != "A-1" || m.BMC != mac(9) || len(m.MACs) != 1 || m.Firmware[0].Version != "2.1" || m.Cables[0].Label != "C-14" || m.Slot.U != 10 {
		t.Errorf("machine %+v", m)
	}
	if len(m.Waivers) != 2 || m.Waivers[0].What != "dimm-missing/A5" || m.Waivers[0].By != "bob" || m.Waivers[1].What != "psus-on-one-feed" {
		t.Errorf("waivers %+v", m.Waivers)
	}
	if len(m.Steps) != 6 || len(m.Steps[2].Evidence) != 3 || s.Devices[1].Steps[0].Evidence[0].By != "ada" {
		t.Errorf("steps %+v, devices %+v", m.Steps, s.Devices)
	}
}

func TestARackWithAnOpenOrHeldStepIsNotSignedOff(t *testing.T) {
	v := finished()
	v.Marks[0].State = racking.Held
	one(v).Phase = inventory.Discovered
	_, err := v.SignOff("carl", "", now)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "leaf-1 receive (held)") || !strings.Contains(err.Error(), "n1 verified (doing)") || fault.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	_, err = rack().SignOff("carl", "", now)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "and 17 more") {
		t.Errorf("%v", err)
	}
	v.Rack = "r7"
	if _, err := v.SignOff("carl", "", now); !fault.Is(err, fault.Conflict) {
		t.Errorf("an empty rack: %v", err)
	}
}
