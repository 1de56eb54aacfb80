package bmctest

import (
	"slices"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// overrideEnds is that a start uses up an override for the next start, and no other. A
// stranger's machine may take minutes to it.
func (s suite) overrideEnds(t *testing.T) {
	c := s.dial(t)
	target := s.hooks.Targets[0]
	for _, lasting := range []bool{false, true} {
		ok(t, "Off", c.Off(s.context(t), 0))
		want := bmc.Boot{Target: target, Lasting: lasting}
		if lasting && s.misses(t, Lasting, func() error { return c.SetNextBoot(s.context(t), want) }) {
			continue
		}
		ok(t, "SetNextBoot", c.SetNextBoot(s.context(t), want))
		stays := lasting || slices.Contains(s.hooks.Without, Once)
		s.nextIs(t, c, target, stays)
		ok(t, "On", c.On(s.context(t)))
		switch {
		case stays:
			s.nextIs(t, c, target, true)
		case !s.hooks.Stranger:
			s.nextIs(t, c, bmc.BootNone, false)
		}
		ok(t, "clear", c.SetNextBoot(s.context(t), bmc.Boot{Target: bmc.BootNone}))
		s.nextIs(t, c, bmc.BootNone, false)
	}
	ok(t, "Off", c.Off(s.context(t), 0))
}

func (s suite) nextIs(t *testing.T, c bmc.Controller, target bmc.Target, lasting bool) {
	t.Helper()
	got, err := c.NextBoot(s.context(t))
	if err != nil || got.Target != target || got.Lasting != lasting {
		t.Fatalf("NextBoot = %+v, %v; want %s, lasting %t", got, err, target, lasting)
	}
}

// bootURI is set with the target http, read back, and taken back by the same target without.
func (s suite) bootURI(t *testing.T) {
	c := s.dial(t)
	for _, wrong := range []bmc.Boot{
		{Target: bmc.BootPXE, URI: "http://192.0.2.1/a.efi"},
		{Target: bmc.BootHTTP, URI: "file:///etc/passwd"},
		{Target: bmc.BootHTTP, URI: "http://user:secret@192.0.2.1/a.efi"},
	} {
		if err := c.SetNextBoot(s.context(t), wrong); !fault.Is(err, fault.Invalid) {
			t.Errorf("SetNextBoot(%+v) = %v, want Invalid", wrong, err)
		}
	}
	if s.hooks.BootURI == "" {
		return
	}
	for _, uri := range []string{s.hooks.BootURI, ""} {
		ok(t, "SetNextBoot", c.SetNextBoot(s.context(t), bmc.Boot{Target: bmc.BootHTTP, URI: uri}))
		if got, err := c.NextBoot(s.context(t)); err != nil || got.Target != bmc.BootHTTP || got.URI != uri {
			t.Fatalf("NextBoot = %+v, %v; want http from %q", got, err, uri)
		}
	}
	ok(t, "clear", c.SetNextBoot(s.context(t), bmc.Boot{Target: bmc.BootNone}))
}

func references(order []bmc.BootOption) (out []string) {
	for _, o := range order {
		out = append(out, o.Reference)
	}
	return out
}

// order is turned round and back. It may be staged: a start brings it into force.
func (s suite) order(t *testing.T) {
	c := s.dial(t)
	if s.misses(t, Order, func() error { _, err := c.BootOrder(s.context(t)); return err }) {
		s.misses(t, Order, func() error { return c.SetBootOrder(s.context(t), []string{"Boot0001"}) })
		return
	}
	first, err := c.BootOrder(s.context(t))
	ok(t, "BootOrder", err)
	was := references(first)
	for i, ref := range was {
		if ref == "" || slices.Contains(was[:i], ref) {
			t.Fatalf("the order %q has empty or double references", was)
		}
	}
	for _, wrong := range [][]string{nil, {"no-such-option"}, {was[0], was[0]}} {
		if err := c.SetBootOrder(s.context(t), wrong); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("SetBootOrder(%q) = %v, want Invalid with a hint", wrong, err)
		}
	}
	last := was[len(was)-1]
	turned := append([]string{last}, was[:len(was)-1]...)
	s.orderBecomes(t, c, []string{last}, turned)
	s.orderBecomes(t, c, was, was)
}

func (s suite) orderBecomes(t *testing.T, c bmc.Controller, ask, want []string) {
	t.Helper()
	for range 2 {
		ok(t, "SetBootOrder", c.SetBootOrder(s.context(t), ask))
	}
	ok(t, "Off", c.Off(s.context(t), 0))
	ok(t, "On", c.On(s.context(t)))
	ok(t, "Off", c.Off(s.context(t), 0))
	if got, err := c.BootOrder(s.context(t)); err != nil || !slices.Equal(references(got), want) {
		t.Fatalf("after a start the order is %q, %v; want %q", references(got), err, want)
	}
}

// secureBoot is asked for, runs from the next start on, and goes off again.
func (s suite) secureBoot(t *testing.T) {
	c := s.dial(t)
	if s.misses(t, SecureBoots, func() error { return c.SetSecureBoot(s.context(t), true) }) {
		return
	}
	was, err := c.SecureBoot(s.context(t))
	ok(t, "SecureBoot", err)
	for _, on := range []bool{!was.On, !was.On, was.On} {
		s.able(t, "SetSecureBoot", c.SetSecureBoot(s.context(t), on))
		ok(t, "Off", c.Off(s.context(t), 0))
		ok(t, "On", c.On(s.context(t)))
		got, err := c.SecureBoot(s.context(t))
		if err != nil || got.On != on || got.Running != on {
			t.Fatalf("after a start SecureBoot = %+v, %v; want it %t", got, err, on)
		}
	}
	ok(t, "Off", c.Off(s.context(t), 0))
}

func (s suite) keys(t *testing.T) {
	c := s.dial(t)
	if err := c.ResetSecureBootKeys(s.context(t), "throw-away"); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown change of keys: %v, want Invalid", err)
	}
	if s.misses(t, KeyResets, func() error { return c.ResetSecureBootKeys(s.context(t), bmc.KeysToDefault) }) {
		return
	}
	s.able(t, "ResetSecureBootKeys", c.ResetSecureBootKeys(s.context(t), bmc.KeysToDefault))
	if power, err := c.Power(s.context(t)); err != nil || power == inventory.PowerUnknown {
		t.Errorf("afterwards the power is %s, %v", power, err)
	}
}
