package bmctest

import (
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

func (s suite) reset(t *testing.T) {
	c := s.dial(t)
	ok(t, "Off", c.Off(s.context(t), 0))
	if err := c.Reset(s.context(t)); !fault.Is(err, fault.Conflict) && !s.misses(t, Restarts, func() error { return err }) {
		t.Errorf("Reset of a machine that is off: %v, want Conflict", err)
	}
	s.is(t, c, inventory.PowerOff)
	ok(t, "On", c.On(s.context(t)))
	if s.misses(t, Restarts, func() error { return c.Reset(s.context(t)) }) {
		return
	}
	before := s.starts()
	s.able(t, "Reset", c.Reset(s.context(t)))
	s.is(t, c, inventory.PowerOn)
	if s.hooks.Starts != nil && s.starts() != before+1 {
		t.Errorf("Reset started the machine %d times", s.starts()-before)
	}
	ok(t, "Off", c.Off(s.context(t), 0))
}

// restartBMC leaves the machine as it is, on and off.
func (s suite) restartBMC(t *testing.T) {
	c := s.dial(t)
	if s.misses(t, SelfRestart, func() error { return c.ResetBMC(s.context(t)) }) {
		return
	}
	ok(t, "On", c.On(s.context(t)))
	before := s.starts()
	s.able(t, "ResetBMC", c.ResetBMC(s.context(t)))
	s.is(t, c, inventory.PowerOn)
	if s.starts() != before {
		t.Error("a restart of the BMC restarted the machine")
	}
	ok(t, "SetNextBoot after the restart", c.SetNextBoot(s.context(t), bmc.Boot{Target: bmc.BootNone}))
	ok(t, "Off", c.Off(s.context(t), 0))
}
