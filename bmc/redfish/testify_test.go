package redfish_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/bmc/probe"
	"rackwright/racksim"
	"rackwright/racksim/mockup"
)

func TestEveryVendorsTreeIsProbedAndNothingIsChanged(t *testing.T) {
	for _, name := range mockup.Vendors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _, access := replay(t, name)
			c := dialReplay(t, access, swift())
			before := m.Resource(m.Host())
			report, err := probe.Ask(t.Context(), c, access.Address, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			if !report.Usable() || report.Model == "" || report.Vendor == "" || report.Firmware == "" || report.Certificate == nil || report.Certificate.NotAfter.IsZero() {
				t.Errorf("report %+v", report)
			}
			for _, a := range report.Abilities {
				if a.State == probe.Broken {
					t.Errorf("%s is broken: %s", a.Name, a.Says)
				}
				if strings.Contains(a.Says, access.Password) {
					t.Errorf("%s tells the password: %s", a.Name, a.Says)
				}
			}
			for _, c := range report.Contradictions {
				t.Errorf("%s: %s", c.Rule, c.Says)
			}
			for _, u := range report.Unread {
				t.Errorf("not read: %s", u)
			}
			if after := m.Resource(m.Host()); m.Starts() != 0 && after["PowerState"] != before["PowerState"] {
				t.Errorf("the machine was %v and is %v", before["PowerState"], after["PowerState"])
			}
		})
	}
}

func TestRacksimsBMCAgreesWithItself(t *testing.T) {
	_, _, access := simulate(t, racksim.UEFI)
	c := dialReplay(t, access, swift())
	report, err := probe.Ask(t.Context(), c, access.Address, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Contradictions) != 0 || !report.Usable() {
		t.Errorf("contradictions %+v", report.Contradictions)
	}
	if !slices.ContainsFunc(report.Abilities, func(a probe.Ability) bool { return a.Name == "accounts" && a.State == probe.Can }) {
		t.Errorf("abilities %+v", report.Abilities)
	}
}
