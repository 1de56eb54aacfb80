package redfish

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// boot is ComputerSystem.Boot as far as overrides go.
type boot struct {
	Enabled string   `json:"BootSourceOverrideEnabled"`
	Target  string   `json:"BootSourceOverrideTarget"`
	Mode    string   `json:"BootSourceOverrideMode"`
	Allowed []string `json:"BootSourceOverrideTarget@Redfish.AllowableValues"`
}

const (
	once     = string(schemas.OnceBootSourceOverrideEnabled)
	disabled = string(schemas.DisabledBootSourceOverrideEnabled)
	noTarget = string(schemas.NoneBootSource)
)

// inForce reports whether the next start goes elsewhere than the boot order.
func (b boot) inForce() bool {
	return b.Enabled != "" && b.Enabled != disabled && b.Target != "" && b.Target != noTarget
}

// String is what a person reads in an error.
func (b boot) String() string {
	if !b.inForce() {
		return "no override"
	}
	return strings.TrimSpace(tidy(b.Enabled + " " + b.Target + " " + b.Mode))
}

// wanted is the override that makes b true; ok is false for a target nobody defined.
func wanted(b bmc.Boot) (want boot, ok bool) {
	want = boot{Enabled: once, Mode: modeName(b.Mode)}
	switch b.Target {
	case bmc.BootNone:
		return boot{Enabled: disabled}, true
	case bmc.BootPXE:
		want.Target = string(schemas.PxeBootSource)
	case bmc.BootHTTP:
		want.Target = string(schemas.UefiHTTPBootSource)
	case bmc.BootDisk:
		want.Target = string(schemas.HddBootSource)
	default:
		return boot{}, false
	}
	return want, b.Mode == "" || want.Mode != ""
}

func modeName(f inventory.Firmware) string {
	switch f {
	case inventory.UEFI:
		return string(schemas.UEFIBootSourceOverrideMode)
	case inventory.BIOS:
		return string(schemas.LegacyBootSourceOverrideMode)
	}
	return ""
}

// SetNextBoot sets the one-time override, or clears any, and reads it back. The mode is
// sent when it is asked for; a BMC without modes (Supermicro X10) is told without, and
// one that then reads back another mode is a Conflict.
func (c *Controller) SetNextBoot(ctx context.Context, b bmc.Boot) error {
	want, ok := wanted(b)
	if !ok {
		return fault.Invalidf("next boot %q in mode %q is not one we know", b.Target, b.Mode)
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
	if want.Enabled == disabled {
		return c.clearBoot(ctx, sys)
	}
	if len(sys.Boot.Allowed) > 0 && !slices.Contains(sys.Boot.Allowed, want.Target) {
		return fault.Invalidf("BMC %s cannot boot from %s next, only from %s", c.access.Address, want.Target,
			tidy(strings.Join(sys.Boot.Allowed, ", "))).
			WithHint("choose another way of booting for this machine, or update the BMC's firmware")
	}
	if want.Mode == "" && c.traits.modeWithTarget {
		want.Mode = sys.Boot.Mode
	}
	at, err := c.writeBoot(ctx, sys, want)
	if want.Mode != "" && modeRefused(err) {
		c.log.Info("bmc refuses the boot mode, asking without", "mode", want.Mode, "err", c.explain("set the boot mode", err))
		at, err = c.writeBoot(ctx, sys, boot{Enabled: want.Enabled, Target: want.Target})
	}
	return c.verifyBoot(ctx, at, want, err)
}

// modeRefused is an answer after which the mode may be what was wrong.
func modeRefused(err error) bool {
	return statusOf(err) == http.StatusBadRequest || statusOf(err) == http.StatusUnprocessableEntity
}

// clearBoot disables the override; already disabled is no write. Some BMCs want the
// target None said as well, some refuse it.
func (c *Controller) clearBoot(ctx context.Context, sys *system) error {
	if !c.bootIn(ctx, sys).inForce() {
		return nil
	}
	at, err := c.writeBoot(ctx, sys, boot{Enabled: disabled})
	if statusOf(err) == http.StatusBadRequest {
		at, err = c.writeBoot(ctx, sys, boot{Enabled: disabled, Target: noTarget})
	}
	return c.verifyBoot(ctx, at, boot{Enabled: disabled}, err)
}

// verifyBoot reads back from where the override was written until it is as wanted.
// A write with an unclear outcome is judged by what reads back, too.
func (c *Controller) verifyBoot(ctx context.Context, at string, want boot, wrote error) error {
	if wrote != nil && neverDone(wrote) || errors.Is(wrote, context.Canceled) {
		return c.explain("set the boot override", wrote)
	}
	if wrote != nil && fault.Is(wrote, fault.Denied) {
		return wrote
	}
	sys, err := c.poll(ctx, c.timing.Boot, func(ctx context.Context) (*system, bool, error) {
		sys, err := c.readAt(ctx, at)
		return sys, err == nil && sys.Boot.fulfils(want), err
	})
	switch {
	case err == nil:
		return nil
	case wrote != nil:
		return c.explain("set the boot override", wrote)
	case errors.Is(err, errNotYet):
		return fault.Conflictf("BMC %s ignored the boot override: asked for %s, it reads back %s", c.access.Address, asked(want), sys.Boot).
			WithHint("restart the BMC or update its firmware; until then set the boot order by hand")
	}
	return c.explain("read the boot override back", err)
}

func asked(want boot) string {
	if !want.inForce() {
		return "none"
	}
	return want.String()
}

// fulfils compares what reads back with what was asked. A BMC that tells no mode has none.
func (b boot) fulfils(want boot) bool {
	if want.Enabled == disabled {
		return !b.inForce()
	}
	return b.Enabled == want.Enabled && b.Target == want.Target &&
		(want.Mode == "" || b.Mode == "" || b.Mode == want.Mode)
}

// NextBoot reads the override in force. A target we never set is named in lower case.
func (c *Controller) NextBoot(ctx context.Context) (bmc.Boot, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return bmc.Boot{}, c.explain("read the boot override", err)
	}
	return overrideOf(c.bootIn(ctx, sys)), nil
}

func overrideOf(b boot) bmc.Boot {
	if !b.inForce() {
		return bmc.Boot{Target: bmc.BootNone}
	}
	out := bmc.Boot{Target: bmc.Target(strings.ToLower(tidy(b.Target)))}
	switch schemas.BootSource(b.Target) {
	case schemas.UefiHTTPBootSource:
		out.Target = bmc.BootHTTP
	case schemas.HddBootSource:
		out.Target = bmc.BootDisk
	}
	switch b.Mode {
	case string(schemas.UEFIBootSourceOverrideMode):
		out.Mode = inventory.UEFI
	case string(schemas.LegacyBootSourceOverrideMode):
		out.Mode = inventory.BIOS
	}
	return out
}

// bootIn is the override in force or pending: a BMC that takes overrides in its Settings
// resource (iDRAC10) shows it in the system itself only after the next reset.
func (c *Controller) bootIn(ctx context.Context, sys *system) boot {
	pending := sys.Settings.SettingsObject.URI
	if sys.Boot.inForce() || pending == "" || pending == c.system {
		return sys.Boot
	}
	later, err := c.readAt(ctx, pending)
	if err != nil || !later.Boot.inForce() {
		return sys.Boot
	}
	return later.Boot
}

// payload is what is sent: what is empty is left alone.
func (b boot) payload() map[string]any {
	out := map[string]string{"BootSourceOverrideEnabled": b.Enabled}
	if b.Target != "" {
		out["BootSourceOverrideTarget"] = b.Target
	}
	if b.Mode != "" {
		out["BootSourceOverrideMode"] = b.Mode
	}
	return map[string]any{"Boot": out}
}
