package probe_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/bmc/probe"
	"rackwright/fault"
)

// rack is a BMC in memory and a session at it.
func rack(t *testing.T) (*bmctest.BMC, bmc.Controller) {
	t.Helper()
	access := bmc.Access{Address: "https://bmc1.example", Username: "root", Password: "right-one"}
	r := bmctest.NewRack()
	b := r.Add(access, bmctest.Server(1))
	c, err := r.Dial(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

func state(r probe.Report, name string) string {
	for _, a := range r.Abilities {
		if a.Name == name {
			return a.State
		}
	}
	return "not asked"
}

func TestAProbeChangesNothingAndTellsWhatEachQuestionCameTo(t *testing.T) {
	b, c := rack(t)
	b.Fail(bmctest.Place, fault.Deniedf("not to you"))
	b.Fail(bmctest.Clock, fault.Unreachablef("HTTP 500"))
	r, err := probe.Ask(t.Context(), c, "https://bmc1.example", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"power": probe.Can, "facts": probe.Can, "accounts": probe.Can, "place": probe.Denied, "clock": probe.Broken} {
		if got := state(r, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if !r.Usable() || r.Serial != bmctest.Server(1).System.Serial || r.Certificate == nil || r.ClockOff != nil {
		t.Errorf("report %+v", r)
	}
	for _, op := range []bmctest.Op{bmctest.On, bmctest.Off, bmctest.Cycle, bmctest.SetNextBoot, bmctest.Locate, bmctest.CreateAccount, bmctest.SetPassword, bmctest.DisableAccount,
		bmctest.SetProtocol, bmctest.SetClock, bmctest.ReplaceCertificate, bmctest.SetPlace} {
		if slices.Contains(b.Calls(), op) {
			t.Errorf("it called %s", op)
		}
	}
}

func TestABMCWhosePowerCannotBeReadIsNotUsable(t *testing.T) {
	b, c := rack(t)
	b.Fail(bmctest.Power, fault.Deniedf("not to you"))
	r, err := probe.Ask(t.Context(), c, "https://bmc1.example", time.Now)
	if err != nil || r.Usable() {
		t.Errorf("report %+v, %v", r, err)
	}
}

func TestAClockThatIsOffIsAContradiction(t *testing.T) {
	b, c := rack(t)
	b.Ahead(time.Hour)
	r, err := probe.Ask(t.Context(), c, "https://bmc1.example", time.Now)
	if err != nil || r.ClockOff == nil || *r.ClockOff != time.Hour ||
		!slices.ContainsFunc(r.Contradictions, func(c probe.Contradiction) bool { return c.Rule == "clock" }) {
		t.Errorf("report %+v, %v", r, err)
	}
}

func TestAProbeEndsWithItsContext(t *testing.T) {
	_, c := rack(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := probe.Ask(ctx, c, "https://bmc1.example", time.Now); !fault.Is(err, fault.Unreachable) || fault.HintOf(err) == "" {
		t.Errorf("Ask = %v, want Unreachable with a hint", err)
	}
}
