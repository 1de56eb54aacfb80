package redfish_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/probe"
	"rackwright/bmc/redfish"
	"rackwright/fault"
	"rackwright/racksim/faults"
	"rackwright/racksim/mockup"
)

// TestABMCIsKeptThroughFaults does the Custodian's changes while things go wrong.
func TestABMCIsKeptThroughFaults(t *testing.T) {
	const accounts, managers = "/redfish/v1/AccountService/Accounts", "/redfish/v1/Managers/*"
	for i, ill := range []faults.Fault{
		{Kind: faults.WrongETag},
		{Kind: faults.SessionFull},
		{Kind: faults.Error500, Method: "GET", Times: 3, After: 10},
		{Kind: faults.DropAfter, Method: "GET", Path: accounts, Times: 2},
		{Kind: faults.Late204, Path: managers, Method: "PATCH", Wait: 10 * time.Millisecond},
		{Kind: faults.Late202, Path: accounts, Method: "POST", Wait: 10 * time.Millisecond},
		{Kind: faults.DropAfter, Path: managers, Method: "PATCH", Times: 1},
	} {
		for _, name := range someVendors(i) {
			t.Run(fmt.Sprintf("%s/%d %s", name, i, ill.Kind), func(t *testing.T) {
				t.Parallel()
				m, set, access := replay(t, name, ill)
				c := dialReplay(t, access, swift())
				keep(t, m, c, access)
				if n := set.FailedLogins(); n > 0 {
					t.Errorf("%d logins failed", n)
				}
			})
		}
	}
}

// keep changes everything once and goes on with our own new password.
func keep(t *testing.T, m *mockup.BMC, c bmc.Controller, access bmc.Access) {
	t.Helper()
	const other, own = "Another-One-42", "Our-New-One-77"
	for what, err := range map[string]error{
		"CreateAccount": c.CreateAccount(t.Context(), "second", other, "Operator"),
		"SetPassword":   c.SetPassword(t.Context(), access.Username, own),
		"SetProtocol":   c.SetProtocol(t.Context(), "ipmi", false),
		"SetClock":      c.SetClock(t.Context(), []string{"192.0.2.1"}),
	} {
		if err != nil {
			t.Errorf("%s: %v (%s)", what, err, fault.HintOf(err))
		}
	}
	if !m.Knows("second", other) || !m.Knows(access.Username, own) {
		t.Error("the BMC does not know the passwords it was given")
	}
	m.EndSessions()
	if _, err := c.Power(t.Context()); err != nil {
		t.Errorf("Power with our new password: %v", err)
	}
	if err := c.DisableAccount(t.Context(), "second"); err != nil {
		t.Errorf("DisableAccount: %v", err)
	}
	if now, err := c.Clock(t.Context()); err != nil || !now.NTP || !slices.Contains(now.Servers, "192.0.2.1") {
		t.Errorf("clock %+v, %v", now, err)
	}
}

func TestAPasswordWhoseAnswerIsLostWasTakenOrNotAndNobodyGuesses(t *testing.T) {
	for _, name := range someVendors(3) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, set, access := replay(t, name, faults.Fault{Kind: faults.DropAfter, Method: "PATCH", Path: "/redfish/v1/AccountService/Accounts", Times: 1})
			c := dialReplay(t, access, swift())
			next := access
			next.Password = "Our-New-One-77"
			if err := c.SetPassword(t.Context(), access.Username, next.Password); !fault.Is(err, fault.Unreachable) || fault.HintOf(err) == "" {
				t.Fatalf("SetPassword = %v, want Unreachable with a hint", err)
			}
			if _, err := c.Power(t.Context()); !fault.Is(err, fault.Unreachable) {
				t.Errorf("Power = %v, want Unreachable", err)
			}
			if _, err := dialReplay(t, next, swift()).Power(t.Context()); err != nil {
				t.Errorf("Power with the new password: %v", err)
			}
			if n := set.FailedLogins(); n > 0 {
				t.Errorf("%d logins failed", n)
			}
		})
	}
}

func TestAProbeNoticesAClockThatIsOffAndAnETagThatDoesNotFit(t *testing.T) {
	_, _, access := replay(t, "hpe-ilo5", faults.Fault{Kind: faults.ClockOff, Wait: 3 * time.Hour})
	c := dialReplay(t, access, swift())
	r, err := probe.Ask(t.Context(), c, access.Address, time.Now)
	if err != nil || !slices.ContainsFunc(r.Contradictions, func(c probe.Contradiction) bool { return c.Rule == "clock" }) {
		t.Errorf("contradictions %+v, %v", r.Contradictions, err)
	}
}

func TestABMCThatBreaksInTheMiddleIsProbedAsFarAsItGoes(t *testing.T) {
	_, _, access := replay(t, "dell-idrac9", faults.Fault{Kind: faults.Truncated, Path: "/redfish/v1/AccountService"}, faults.Fault{Kind: faults.Answer, Status: 403, Method: "GET", Path: "/redfish/v1/UpdateService"})
	c := dialReplay(t, access, swift())
	r, err := probe.Ask(t.Context(), c, access.Address, time.Now)
	if err != nil || !r.Usable() || len(r.Unread) == 0 {
		t.Errorf("report %+v, %v", r, err)
	}
	for name, want := range map[string]string{"accounts": probe.Broken, "firmware": probe.Denied, "update": probe.Cannot} {
		if i := slices.IndexFunc(r.Abilities, func(a probe.Ability) bool { return a.Name == name }); i < 0 || r.Abilities[i].State != want {
			t.Errorf("%s: %+v, want %s", name, r.Abilities[i], want)
		}
	}
}

func TestARecordingGoesOnWithoutWhatCannotBeRead(t *testing.T) {
	_, _, access := replay(t, "supermicro-x12", faults.Fault{Kind: faults.Answer, Status: 403, Method: "GET", Path: "/redfish/v1/Chassis"})
	files, got := record(t, access, redfish.Recording{})
	if len(got.LeftOut) == 0 || files["redfish/v1/Chassis/index.json"] != nil || got.Resources < 10 {
		t.Errorf("%d resources, left out %v", got.Resources, got.LeftOut)
	}
	if f := facts(t, reopen(t, files)); f.System.Product == "" {
		t.Errorf("served again: %+v", f.System)
	}
}
