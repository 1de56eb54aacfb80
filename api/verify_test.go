package api_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/inventory/verify"
)

// missing gives m1 facts and a difference.
func missing(m *inventory.Machine) {
	m.Facts = &inventory.Facts{Source: "agent", Observed: time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), DIMMs: []inventory.DIMM{{Slot: "DIMM_A1", SizeMiB: 65536, Serial: "M-1"}},
		NICs: []inventory.SeenNIC{{Name: "eth0", MAC: m.NICs[0].MAC, Link: true}}}
	m.Phase = inventory.Discovered
	m.Conditions = []inventory.Condition{{Type: verify.DIMMMissing, Subject: "A2", Reason: "missing", Evidence: "expected 64 GiB, observed no module (agent, 2026-03-04)", Hint: "DIMM A2 missing: reseat or replace it"},
		{Type: "bmc-unusable", Reason: "denied"}}
}

func TestAVerificationIsWhatWasWantedSeenAndFoundDifferent(t *testing.T) {
	s, url := rack(t)
	s.Change("m1", missing)
	_, text := ask(t, "GET", url+"/machines/m1/verification", "")
	v := decode[wire.Verification](t, text)
	if len(v.Observed) != 1 || len(v.Conditions) != 1 || v.Conditions[0].Subject != "A2" || v.Awaits != "dimm-missing A2" || len(v.NICs) != 1 {
		t.Errorf("told %s", text)
	}
	if answer, _ := ask(t, "GET", url+"/machines/m9/verification", ""); answer.StatusCode != 404 {
		t.Errorf("of nobody: %s", answer.Status)
	}
	_, text = ask(t, "GET", url+"/machines/m2/verification", "")
	if strings.Contains(text, "null") {
		t.Errorf("of what was not seen: %s", text)
	}
}

func TestADifferenceIsWaivedByNameAndReason(t *testing.T) {
	s, url := rack(t)
	s.Change("m1", missing)
	for body, status := range map[string]int{`{"rule":"dimm-missing","on":"A2"}`: 422, `{"rule":"dimm-missing","on":"B1","reason":"r"}`: 404, `{"rule":"dimm-missing","on":"A2","reason":"ordered"}`: 200} {
		if answer, text := ask(t, "POST", url+"/machines/m1/waivers", body); answer.StatusCode != status {
			t.Errorf("%s: %s %s", body, answer.Status, text)
		}
	}
	m, err := s.Machine(t.Context(), "m1")
	if err != nil || m.Conditions[0].Waived.Reason != "ordered" || m.Conditions[0].Waived.By == "" {
		t.Errorf("waived as %+v, %v", m.Conditions, err)
	}
	answer, text := ask(t, "DELETE", url+"/machines/m1/waivers?rule=dimm-missing&on=A2", "")
	if m, _ = s.Machine(t.Context(), "m1"); answer.StatusCode != 200 || !m.Conditions[0].Waived.At.IsZero() {
		t.Errorf("%s %s: %+v", answer.Status, text, m.Conditions)
	}
}

func TestAPartIsFoundByItsSerial(t *testing.T) {
	s, url := rack(t)
	s.Change("m1", missing)
	for path, want := range map[string]int{"/parts?serial=M-1": 1, "/parts?serial=M-2": 0, "/machines/m1/parts": 2, "/machines/m2/parts": 0} {
		_, text := ask(t, "GET", url+path, "")
		if got := decode[wire.List[inventory.Part]](t, text).Items; len(got) != want || strings.Contains(text, "null") {
			t.Errorf("%s: %s", path, text)
		}
	}
	if answer, _ := ask(t, "GET", url+"/parts", ""); answer.StatusCode != 422 {
		t.Errorf("without a serial: %s", answer.Status)
	}
}

func TestTheCablesOfARackAreSolved(t *testing.T) {
	_, url := rack(t)
	_, text := ask(t, "GET", url+"/racks/r1/cabling", "")
	if w := decode[verify.Wiring](t, text); w.Planned != 0 || strings.Contains(text, "null") {
		t.Errorf("told %s", text)
	}
	if answer, _ := ask(t, "GET", url+"/racks/r9/cabling", ""); answer.StatusCode != 404 {
		t.Errorf("of no rack: %s", answer.Status)
	}
}
