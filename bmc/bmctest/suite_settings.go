package bmctest

import (
	"maps"
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
)

// Setting is a BIOS setting to change: its name and another value than it has.
type Setting struct{ Name, Value string }

// settings are staged, pending until a start, then in force, and put back.
func (s suite) settings(t *testing.T) {
	c := s.dial(t)
	if s.misses(t, Setups, func() error { _, err := c.Settings(s.context(t)); return err }) {
		s.misses(t, Setups, func() error { return c.StageSettings(s.context(t), map[string]string{"A": "b"}) })
		return
	}
	before, err := c.Settings(s.context(t))
	ok(t, "Settings", err)
	if len(before.Now) == 0 {
		t.Error("no settings")
	}
	err = c.StageSettings(s.context(t), map[string]string{"NoSuchSettingA": "x", "NoSuchSettingB": "y"})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "NoSuchSettingA") || !strings.Contains(err.Error(), "NoSuchSettingB") {
		t.Errorf("unknown settings: %v, want Invalid that names both", err)
	}
	change := s.hooks.Setting
	if change.Name == "" {
		return
	}
	was := before.Now[change.Name]
	if was == "" || was == change.Value {
		t.Fatalf("setting %s is %q, nothing to change", change.Name, was)
	}
	s.settles(t, c, change)
	s.settles(t, c, Setting{change.Name, was})
	if after, err := c.Settings(s.context(t)); err != nil || !maps.Equal(after.Now, before.Now) || len(after.Pending) != 0 {
		t.Errorf("settings %v, %v; before %v", after, err, before)
	}
}

func (s suite) settles(t *testing.T, c bmc.Controller, want Setting) {
	t.Helper()
	for range 2 {
		ok(t, "StageSettings", c.StageSettings(s.context(t), map[string]string{want.Name: want.Value}))
	}
	got, err := c.Settings(s.context(t))
	if err != nil || got.Pending[want.Name] != want.Value && got.Now[want.Name] != want.Value {
		t.Fatalf("staged %+v, pending are %v, %v", want, got.Pending, err)
	}
	ok(t, "Off", c.Off(s.context(t), 0))
	ok(t, "On", c.On(s.context(t)))
	got, err = c.Settings(s.context(t))
	if err != nil || got.Now[want.Name] != want.Value || got.Pending[want.Name] != "" {
		t.Fatalf("after a start %s is %q, pending %v, %v; want %q", want.Name, got.Now[want.Name], got.Pending, err, want.Value)
	}
	ok(t, "Off", c.Off(s.context(t), 0))
}
