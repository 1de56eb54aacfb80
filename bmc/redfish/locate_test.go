package redfish

import (
	"testing"

	"rackwright/fault"
)

func TestAnLEDThatCannotBlinkIsLit(t *testing.T) {
	m := newMock(t, "lenovo")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() { m.RefusesLED = "Blinking" })
	if err := c.Locate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if led := m.tree[m.System]["IndicatorLED"]; led != "Lit" {
		t.Errorf("the LED is %v", led)
	}
}

// A healthy PowerEdge with an old iDRAC reads Lit.
func TestALitIndicatorIsNoProofThatSomebodyAskedForIt(t *testing.T) {
	m := newMock(t, "dell")
	m.with(func() {
		delete(m.tree[m.System], "LocationIndicatorActive")
		delete(m.tree["/redfish/v1/Chassis/System.Embedded.1"], "LocationIndicatorActive")
	})
	c := open(t, m, &Dialer{Timing: quick()})
	if err := c.Locate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if led := m.tree[m.System]["IndicatorLED"]; led != "Blinking" {
		t.Errorf("the LED is %v", led)
	}
}

func TestAMachineWithoutALocatorLEDSaysSo(t *testing.T) {
	m := newMock(t, "lenovo")
	m.with(func() { delete(m.tree[m.System], "IndicatorLED") })
	c := open(t, m, &Dialer{Timing: quick()})
	want(t, c.Locate(t.Context(), true), fault.Invalid, "no locator LED")
	if n := m.count("PATCH"); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestAnLEDThatDoesNotChangeIsAnError(t *testing.T) {
	m := newMock(t, "dell10")
	timing := quick()
	timing.Boot = short
	c := open(t, m, &Dialer{Timing: timing})
	m.with(func() { m.deaf = true })
	want(t, c.Locate(t.Context(), true), fault.Conflict, "asked for on")
}

func TestAnLEDThatTheSystemRefusesIsSwitchedOnTheChassis(t *testing.T) {
	m := newMock(t, "supermicro-x12")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.tree[m.System]["LocationIndicatorActive"] = false
		m.fault = times(1, says("PATCH", m.System, 405, "Base.1.8.PropertyNotWritable"))
	})
	if err := c.Locate(t.Context(), true); err != nil || !m.Lit() {
		t.Fatalf("Locate: %v, lit %t", err, m.Lit())
	}
	if on := m.tree["/redfish/v1/Chassis/1"]["LocationIndicatorActive"]; on != true {
		t.Errorf("the chassis' LED is %v", on)
	}
}
