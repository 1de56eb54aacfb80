package storetest

import (
	"net/netip"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/journal"
)

func views() chapter {
	return chapter{
		"the boot view has every port of every machine and every network": func(t *testing.T, b *bench) {
			b.apply(fullPlan())
			v := must(b.View(b.ctx()))(t)
			same(t, "revision", v.Revision, must(b.Revision(b.ctx()))(t))
			same(t, "hosts and networks", []int{v.Hosts(), len(v.Networks())}, []int{4, 2})
			if c := v.Host(mac(21)); c == nil || !c.BMC || c.Address != addr("10.0.1.11") || c.Name != "n1" || v.HostAt(addr("10.0.1.11")) != c {
				t.Errorf("n1's BMC is %+v", c)
			}
			h := v.Host(mac(1))
			if h == nil || h.Name != "n1" || h.Machine != b.machine("n1").ID || h.Network != "provision" || h.Address != addr("10.0.0.11") ||
				h.Firmware != inventory.BIOS || h.UUID != "11111111-2222-3333-4444-555555555501" || h.Intent != boot.LocalDisk || h.Operation != "" {
				t.Errorf("host is %+v", h)
			}
			if spare := v.Host(mac(11)); spare == nil || spare.Network != "" || spare.Address.IsValid() {
				t.Errorf("the port without a network is %+v", spare)
			}
			same(t, "by IPv6 address", v.HostAt(addr("2001:db8:0:20::11")), h)
			same(t, "by an IPv6 address made of its MAC", v.HostAt(b.provision().Made(mac(2))).Name, "n2")
			same(t, "by UUID", v.MachineOf(h.UUID), h.Machine)
			same(t, "the IPv6 subnet's network", v.NetworkOf(addr("2001:db8:0:20::77")), b.provision())
			if id := v.Installation(); len(id) != 36 || must(b.View(b.ctx()))(t).Installation() != id {
				t.Errorf("the installation is %q", id)
			}
			same(t, "by address", v.HostAt(addr("10.0.0.12")).Name, "n2")
			same(t, "network", v.NetworkOf(addr("10.0.0.77")), b.provision())
			if v.Host(mac(99)) != nil || v.NetworkOf(netip.MustParseAddr("192.0.2.1")) != nil {
				t.Error("it knows what nobody declared")
			}
		},
		"a machine is told to load the agent only while its operation wants it": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			intent := func() boot.Intent { return must(b.View(b.ctx()))(t).Host(mac(1)).Intent }
			b.deployment("n1")
			same(t, "queued", intent(), boot.LocalDisk)
			for _, c := range []struct {
				state deploy.State
				step  deploy.StepName
				want  boot.Intent
			}{
				{deploy.Running, deploy.StepBootNet, boot.RunAgent}, {deploy.Running, deploy.StepWrite, boot.RunAgent}, {deploy.Parked, deploy.StepWrite, boot.RunAgent},
				{deploy.Running, deploy.StepReboot, boot.LocalDisk}, {deploy.Running, deploy.StepPhone, boot.LocalDisk}, {deploy.Succeeded, deploy.StepSettle, boot.LocalDisk},
			} {
				b.moveTo(c.state, c.step)
				same(t, string(c.state)+" "+string(c.step), intent(), c.want)
				same(t, "n2", must(b.View(b.ctx()))(t).Host(mac(2)).Intent, boot.LocalDisk)
			}
		},
		"the revision grows with what the view shows and with nothing else": func(t *testing.T, b *bench) {
			grows := func(what string, want bool, do func()) {
				t.Helper()
				before := must(b.Revision(b.ctx()))(t)
				do()
				if got := must(b.Revision(b.ctx()))(t) > before; got != want {
					t.Errorf("%s: grew is %v", what, got)
				}
			}
			grows("a plan", true, func() { b.apply(planOf(2)) })
			grows("the same plan", false, func() { b.apply(planOf(2)) })
			grows("a stranger", true, func() { must(b.AddStranger(b.ctx(), mac(9), "", "provision"))(t) })
			grows("the same stranger", false, func() { must(b.AddStranger(b.ctx(), mac(9), "", "provision"))(t) })
			grows("a queued operation", false, func() { b.deployment("n1") })
			grows("its first netboot step", true, func() { b.moveTo(deploy.Running, deploy.StepBootNet) })
			grows("progress", false, func() { b.moveTo(deploy.Running, deploy.StepWrite) })
			grows("parking", false, func() { b.moveTo(deploy.Parked, deploy.StepWrite) })
			grows("its end", true, func() { b.moveTo(deploy.Succeeded, deploy.StepSettle) })
			grows("power read back", false, func() {
				must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
					m.Power = inventory.PowerOn
					return nil, nil
				}))(t)
			})
			grows("an observed UUID", true, func() {
				must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) {
					m.UUID = "observed"
					return nil, nil
				}))(t)
			})
			grows("retirement", true, func() { must(b.ChangeMachine(b.ctx(), "n2", setPhase(inventory.Retired)))(t) })
			grows("events", false, func() { ok(t, b.AppendEvents(b.ctx(), []journal.Event{{Kind: journal.ServerEvent}})) })
		},
		"a cancelled operation netboots nobody": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.deployment("n1")
			b.moveTo(deploy.Parked, deploy.StepWrite)
			o := must(b.View(b.ctx()))(t).Host(mac(1)).Operation
			before := must(b.Revision(b.ctx()))(t)
			must(b.CancelOperation(b.ctx(), o, "tester"))(t)
			same(t, "intent", must(b.View(b.ctx()))(t).Host(mac(1)).Intent, boot.LocalDisk)
			same(t, "revision", must(b.Revision(b.ctx()))(t), before+1)
		},
		"a plan that changes something signals it": func(t *testing.T, b *bench) {
			c, stop := b.Changed()
			defer stop()
			b.apply(planOf(1))
			signalled(t, c)
		},
	}
}

// moveTo saves the one open operation at a step.
func (b *bench) moveTo(s deploy.State, step deploy.StepName) {
	b.t.Helper()
	var id string
	ok(b.t, b.raw().QueryRowContext(b.ctx(), `SELECT CAST(id AS text) FROM operation WHERE state IN ('queued', 'running', 'parked')`).Scan(&id))
	o := must(b.Operation(b.ctx(), id))(b.t)
	for i := range o.Steps {
		if o.Steps[i].Name == step {
			o.Current = i
		}
	}
	o.State, o.Due = s, b.clock.Now().Add(time.Hour)
	ok(b.t, b.SaveOperation(b.ctx(), o))
}
