package redfish

import (
	"context"
	"errors"

	"rackwright/bmc"
	"rackwright/fault"
)

// serverBoot is iDRAC's own override among its attributes. It is beside the one of
// Redfish, and the only one that knows the virtual CD.
type serverBoot struct {
	resource
	Attributes struct {
		Device string `json:"ServerBoot.1.FirstBootDevice"`
		Once   string `json:"ServerBoot.1.BootOnce"`
	}
}

// Values of FirstBootDevice and BootOnce.
const (
	dellVirtualCD = "VCD-DVD"
	dellNormal    = "Normal"
	dellEnabled   = "Enabled"
	dellDisabled  = "Disabled"
)

// booted reports whether the next start goes to the virtual CD.
func (a *serverBoot) booted() bool { return a.Attributes.Device == dellVirtualCD }

func (a *serverBoot) boot() bmc.Boot {
	return bmc.Boot{Target: bmc.BootCD, Lasting: a.Attributes.Once == dellDisabled}
}

// errNoAttributes is a BMC without attributes of this kind.
var errNoAttributes = errors.New("no attributes of ServerBoot")

// serverBoot reads the override; errNoAttributes where there is none.
func (c *Controller) serverBoot(ctx context.Context) (*serverBoot, error) {
	if c.manager == "" {
		return nil, errNoAttributes
	}
	m, err := get[manager](c.under(ctx), c.manager)
	if err != nil {
		return nil, err
	}
	a, err := get[serverBoot](c.under(ctx), m.ownAttributes())
	if absent(err) || err == nil && a.Attributes.Device == "" {
		return nil, errNoAttributes
	}
	return a, err
}

// bootAttribute sets the virtual CD where it is asked for, in place of an override, and
// takes it back where something else is. Done means that nothing is left to do.
func (c *Controller) bootAttribute(ctx context.Context, sys *system, b bmc.Boot) (done bool, err error) {
	a, err := c.serverBoot(ctx)
	if errors.Is(err, errNoAttributes) {
		return false, nil
	}
	if err != nil {
		return false, c.explain("read its boot attributes", err)
	}
	if b.Target != bmc.BootCD {
		if !a.booted() {
			return false, nil
		}
		return false, c.setServerBoot(ctx, a, dellNormal, "")
	}
	if mode := modeName(b.Mode); mode != "" && sys.Boot.Mode != "" && sys.Boot.Mode != mode {
		return false, fault.Invalidf("BMC %s boots the virtual CD in the mode of the machine, %s, not in %s", c.access.Address, tidy(sys.Boot.Mode), mode).
			WithHint("leave the mode out, or change the BIOS setting BootMode")
	}
	if err := c.clearBoot(ctx, sys); err != nil {
		return false, err
	}
	often := dellEnabled
	if b.Lasting {
		often = dellDisabled
	}
	return true, c.setServerBoot(ctx, a, dellVirtualCD, often)
}

// setServerBoot writes the attributes, unless they are so, and reads them back. An empty often
// is left alone.
func (c *Controller) setServerBoot(ctx context.Context, a *serverBoot, device, often string) error {
	is := func(a *serverBoot) bool {
		return a.Attributes.Device == device && (often == "" || a.Attributes.Once == often)
	}
	if is(a) {
		return nil
	}
	attributes := map[string]string{"ServerBoot.1.FirstBootDevice": device}
	if often != "" {
		attributes["ServerBoot.1.BootOnce"] = often
	}
	task, wrote := c.write(ctx, a.ODataID, map[string]any{"Attributes": attributes})
	last := a
	return c.verify(ctx, change{doing: "set the boot device", task: task, wrote: wrote,
		look: func(ctx context.Context) (bool, error) {
			now, err := c.serverBoot(ctx)
			if err != nil {
				return false, err
			}
			last = now
			return is(now), nil
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s ignored the boot device: asked for %s, it reads back %s", c.access.Address, device, tidy(last.Attributes.Device)).
				WithHint("look whether the BMC's lockdown mode is on; restart the BMC or update its firmware")
		}})
}
