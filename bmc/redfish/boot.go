package redfish

import (
	"context"
	"slices"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
)

// SetNextBoot sets the override, or clears any, and reads it back. The mode is sent when
// it is asked for; a BMC without modes is told without, and one that then reads back
// another mode is a Conflict.
func (c *Controller) SetNextBoot(ctx context.Context, b bmc.Boot) error {
	want, err := wanted(b)
	if err != nil {
		return err
	}
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	sys, err := c.read(ctx)
	if err != nil {
		return c.explain("read the boot override", err)
	}
	if c.traits.attributeCD {
		if done, err := c.bootAttribute(ctx, sys, b); done || err != nil {
			return err
		}
	}
	if want.Enabled == disabled {
		return c.clearBoot(ctx, sys)
	}
	now := c.bootShown(ctx, sys)
	want.Target = c.source(want.Target, now.Allowed)
	if err := c.offersBoot(want, now); err != nil {
		return err
	}
	if want.Mode == "" && c.traits.modeWithTarget {
		want.Mode = now.Mode
	}
	return c.setBoot(ctx, sys, want, want.forms(now))
}

// source is how this machine calls a target: the virtual CD has two names, and some services
// write theirs in another case than the schema.
func (c *Controller) source(target string, allowed []string) string {
	if i := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, target) }); i >= 0 && target != cd {
		return allowed[i]
	}
	if target == cd && slices.Contains(allowed, usbCD) && (c.traits.usbCD || !slices.Contains(allowed, cd)) {
		return usbCD
	}
	return target
}

// offersBoot refuses what the BMC says it cannot do, before anything is written.
func (c *Controller) offersBoot(want, now boot) error {
	if len(now.Allowed) > 0 && !slices.Contains(now.Allowed, want.Target) {
		return fault.Invalidf("BMC %s cannot boot from %s next, only from %s", c.access.Address, want.Target,
			tidy(strings.Join(now.Allowed, ", "))).
			WithHint("choose another way of booting for this machine, or update the BMC's firmware")
	}
	if want.Enabled == continuous && (c.traits.onceOnly || len(now.Enablers) > 0 && !slices.Contains(now.Enablers, continuous)) {
		return fault.Invalidf("BMC %s overrides the next start only, not every one", c.access.Address).
			WithHint("set the machine's own boot order instead")
	}
	return nil
}

// places are where a change of the boot settings is written, best first: the system, or its
// Settings resource (DSP0266 "Settings resources"), which is first where it tells the
// property to change (sushy's rule: iDRAC10, AMI and Nokia have it there). gofish's SetBoot
// goes to Settings after any error, a timeout too; we only after an answer that says "not
// here", or when what was accepted has no effect.
func (c *Controller) places(ctx context.Context, sys *system, tells func(boot) bool) []string {
	pending := sys.pending()
	if pending == "" {
		return []string{c.system}
	}
	if later := c.settingsOf(ctx, sys); c.traits.settingsFirst || later != nil && tells(later.Boot) {
		return []string{pending, c.system}
	}
	return []string{c.system, pending}
}

// setBoot writes the override in one of its forms where the BMC takes it, and reads it back
// from where it was written until it is as wanted there, or in the system itself. An
// override that lasts although it was wanted once is one, too, where the BMC knows no other
// (sushy-emulator): NextBoot tells it.
func (c *Controller) setBoot(ctx context.Context, sys *system, want boot, forms []map[string]any) error {
	places := c.places(ctx, sys, func(b boot) bool { return b.Target != "" })
	return c.inPlaces(ctx, places, func(at string) change {
		now := sys.Boot
		task, wrote := c.writeForms(ctx, at, forms)
		if illFormed(wrote) && now.fulfils(want) {
			wrote = nil // some refuse what is already so
		}
		return change{doing: "set the boot override", task: task, wrote: wrote,
			look: func(ctx context.Context) (bool, error) {
				seen, read, err := c.bootAt(ctx, at, want)
				if err != nil {
					return false, err
				}
				now = seen
				if want.Enabled == once && !now.inForce() && traceOf(read).dated(traceOf(sys)) {
					return false, fault.Conflictf("BMC %s: the machine restarted meanwhile and used the boot override %s up", c.access.Address, want).
						WithHint("set it again; whoever restarts the machine is done with it first")
				}
				return now.fulfils(want) || sys.Boot.Target != want.Target && now.outlasts(want), nil
			},
			ignored: func() *fault.Error {
				if wrote == nil && now.outlasts(want) {
					return nil
				}
				return fault.Conflictf("BMC %s ignored the boot override: asked for %s, it reads back %s", c.access.Address, asked(want), now).
					WithHint("restart the BMC or update its firmware; until then set the boot order by hand")
			}}
	})
}

// writeForms writes the first form of a change that is not refused for what it says.
func (c *Controller) writeForms(ctx context.Context, at string, forms []map[string]any) (task string, err error) {
	for i, form := range forms {
		task, err = c.write(ctx, at, map[string]any{"Boot": form})
		if !illFormed(err) || i == len(forms)-1 {
			return task, err
		}
		c.log.Info("bmc refuses the boot override as it is said, saying it another way", "err", c.explain("set the boot override", err))
	}
	return task, err
}

// clearBoot disables the override; already disabled is no write.
func (c *Controller) clearBoot(ctx context.Context, sys *system) error {
	now := c.bootIn(ctx, sys)
	if !now.inForce() {
		return nil
	}
	return c.setBoot(ctx, sys, boot{Enabled: disabled}, clearing(now))
}

// bootAt is the override as it reads after it was written, beside the system: the system's
// own where that is as wanted. One that is to go must be gone from both the system and its
// Settings.
func (c *Controller) bootAt(ctx context.Context, at string, want boot) (boot, *system, error) {
	sys, err := c.read(ctx)
	switch {
	case err != nil:
		return boot{}, nil, err
	case want.Enabled == disabled:
		return c.bootIn(ctx, sys), sys, nil
	case at == c.system || sys.Boot.fulfils(want):
		return sys.Boot, sys, nil
	}
	later, err := get[system](c.under(ctx), at)
	if err != nil {
		return boot{}, nil, err
	}
	return later.Boot, sys, nil
}

func asked(want boot) string {
	if !want.inForce() {
		return "none"
	}
	return want.String()
}

// NextBoot reads the override in force.
func (c *Controller) NextBoot(ctx context.Context) (bmc.Boot, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return bmc.Boot{}, c.explain("read the boot override", err)
	}
	now := c.bootIn(ctx, sys)
	if !now.inForce() && c.traits.attributeCD {
		if a, err := c.serverBoot(ctx); err == nil && a.booted() {
			return a.boot(), nil
		}
	}
	return overrideOf(now), nil
}

// bootIn is the override in force or pending: a BMC that takes overrides in its Settings
// resource (iDRAC10) shows it in the system itself only after the next reset.
func (c *Controller) bootIn(ctx context.Context, sys *system) boot {
	if sys.Boot.inForce() && !c.traits.settingsFirst {
		return sys.Boot
	}
	later := c.settingsOf(ctx, sys)
	if later != nil && (later.Boot.inForce() || later.Boot.Enabled != "" && c.traits.settingsFirst) {
		return later.Boot
	}
	return sys.Boot
}

// bootShown is the system's boot, completed by what only its Settings tell (iDRAC10: sushy,
// resources/system/system.py).
func (c *Controller) bootShown(ctx context.Context, sys *system) boot {
	now := sys.Boot
	later := c.settingsOf(ctx, sys)
	if later == nil {
		return now
	}
	if len(now.Allowed) == 0 {
		now.Allowed = later.Boot.Allowed
	}
	if len(now.Enablers) == 0 {
		now.Enablers = later.Boot.Enablers
	}
	if now.Mode == "" {
		now.Mode = later.Boot.Mode
	}
	if now.URI == "" {
		now.URI = later.Boot.URI
	}
	return now
}

// settingsOf reads the system's Settings resource; nil where there is none to read.
func (c *Controller) settingsOf(ctx context.Context, sys *system) *system {
	pending := sys.pending()
	if pending == "" {
		return nil
	}
	later, _ := get[system](c.under(ctx), pending) // nil beside an error
	return later
}
