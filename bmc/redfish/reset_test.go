package redfish

import (
	"context"
	"net/http"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

func (m *mock) offers(types ...string) {
	m.tree[m.System]["Actions"].(object)["#ComputerSystem.Reset"].(object)["ResetType@Redfish.AllowableValues"] = types
}

// asked lists the reset types that were sent.
func (m *mock) asked() (out []any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, in := range m.sent {
		if in["ResetType"] != nil {
			out = append(out, in["ResetType"])
		}
	}
	return out
}

func on(t *testing.T, name string, timing Timing, types ...string) (*mock, *Controller) {
	t.Helper()
	m := newMock(t, name)
	if len(types) > 0 {
		m.offers(types...)
	}
	c := open(t, m, &Dialer{Timing: timing})
	if err := c.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.with(func() { m.sent = nil })
	return m, c
}

func TestACycleTakesThePowerAwayWhereItCan(t *testing.T) {
	for name, c := range map[string]struct{ offered, sent []string }{
		"power cycle":          {[]string{"On", "ForceOff", "ForceRestart", "PowerCycle", "FullPowerCycle"}, []string{"PowerCycle"}},
		"off and on":           {[]string{"On", "ForceOff", "ForceRestart", "FullPowerCycle"}, []string{"ForceOff", "On"}},
		"only a reset, traced": {[]string{"On", "ForceRestart"}, []string{"ForceRestart"}},
	} {
		m, d := on(t, "dell", quick(), c.offered...)
		if err := d.Cycle(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := m.asked()
		if len(got) != len(c.sent) || got[0] != c.sent[0] || m.Starts() != 2 {
			t.Errorf("%s: sent %v, %d starts", name, got, m.Starts())
		}
	}
}

func TestAMachineThatStaysOffAfterACycleIsPoweredOn(t *testing.T) {
	timing := quick()
	timing.Settle = 3 * short
	m, c := on(t, "dell", timing, "On", "ForceOff", "PowerCycle")
	m.with(func() {
		m.fault = times(1, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				m.turn(inventory.PowerOff)
			}
			return r.Method == http.MethodPost
		})
	})
	if err := c.Cycle(t.Context()); err != nil || m.Power() != inventory.PowerOn {
		t.Errorf("Cycle: %v, the machine is %s", err, m.Power())
	}
}

func TestPowerThatBouncesIsNoSuccess(t *testing.T) {
	timing := quick()
	timing.Settle = short
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: timing})
	reads := 0
	m.with(func() {
		m.fault = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && r.URL.Path == m.System { // on and off in turns
				reads++
				m.tree[m.System]["PowerState"] = map[bool]string{true: "Off", false: "On"}[reads%2 == 1]
			}
			return false
		}
	})
	want(t, c.On(t.Context()), fault.Conflict, "accepted On")
}

func TestAResetThatLeavesNoTraceIsAnErrorAndTakesNoPowerAway(t *testing.T) {
	timing := quick()
	timing.Proof = short
	m, c := on(t, "dell", timing)
	m.with(func() { m.deaf = true })
	want(t, c.Reset(t.Context()), fault.Conflict, "accepted ForceRestart", "nothing shows")
	if got := m.asked(); len(got) != 1 || got[0] != "ForceRestart" {
		t.Errorf("sent %v", got)
	}
}

func TestAResetThatCannotBeDoneWithoutThePowerIsInvalid(t *testing.T) {
	_, c := on(t, "dell", quick(), "On", "ForceOff", "PowerCycle")
	want(t, c.Reset(t.Context()), fault.Invalid, "without taking the power away", "PowerCycle")
}

func TestAResetThatIsRefusedForNowIsSentAgain(t *testing.T) {
	m, c := on(t, "dell", quick())
	m.with(func() { m.fault = times(2, says("POST", m.resetTarget(), 503, "")) })
	if err := c.Reset(t.Context()); err != nil || m.Starts() != 2 {
		t.Errorf("Reset: %v, %d starts", err, m.Starts())
	}
}

func TestABMCThatDoesNotRestartItselfIsAnError(t *testing.T) {
	m := newMock(t, "dell")
	timing := quick()
	timing.Settle = short
	c := open(t, m, &Dialer{Timing: timing})
	m.with(func() { m.deaf = true })
	want(t, c.ResetBMC(t.Context()), fault.Conflict, "nothing shows that it restarted")
	c.manager = ""
	want(t, c.ResetBMC(t.Context()), fault.Invalid, "manager")
}

func TestABMCThatIsCutOffByItsOwnRestartIsWaitedFor(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	cut := false
	m.with(func() {
		m.fault = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost || cut {
				return false
			}
			cut = true
			clear(m.tokens)
			m.away = 2 * (maxReadRetries + 1)
			panic(http.ErrAbortHandler)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.ResetBMC(ctx); err != nil {
		t.Fatal(err)
	}
	if n := m.count("POST /redfish/v1/Managers"); n != 1 {
		t.Errorf("%d restarts were sent", n)
	}
	if _, err := c.Power(ctx); err != nil {
		t.Error(err)
	}
}
