package ipmi

import (
	"context"
	"errors"

	library "github.com/bougou/go-ipmi"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// devices are the boot device selectors (IPMI 2.0, table 28-14, parameter 5) that are a
// target; there is none for UEFI HTTP boot.
func devices() map[bmc.Target]library.BootDeviceSelector {
	return map[bmc.Target]library.BootDeviceSelector{
		bmc.BootNone:  library.BootDeviceSelectorNoOverride,
		bmc.BootPXE:   library.BootDeviceSelectorForcePXE,
		bmc.BootDisk:  library.BootDeviceSelectorForceHardDrive,
		bmc.BootCD:    library.BootDeviceSelectorForceCDROM,
		bmc.BootSetup: library.BootDeviceSelectorForceBIOSSetup,
	}
}

// SetNextBoot sets the boot flags and reads them back. BMCs drop them after a minute
// without a restart (parameter 3); they are asked not to, and those that do not know the
// question are left as they are.
func (c *Controller) SetNextBoot(ctx context.Context, b bmc.Boot) error {
	device, ok := devices()[b.Target]
	switch {
	case b.Target == bmc.BootHTTP || b.URI != "":
		return fault.Invalidf("BMC %s cannot boot from http over IPMI", c.access.Address).WithHint("boot from pxe")
	case !ok || b.Mode != "" && b.Mode != inventory.UEFI && b.Mode != inventory.BIOS:
		return fault.Invalidf("next boot %q in mode %q is not one we know", b.Target, b.Mode)
	}
	was, err := c.flags(ctx)
	if err != nil {
		return err
	}
	if c.vague && b.Lasting {
		return fault.Invalidf("BMC %s does not tell whether a boot override lasts", c.access.Address).WithHint("set the boot order in the BIOS")
	}
	want := library.BootOptionParam_BootFlags{BootFlagsValid: b.Target != bmc.BootNone, Persist: b.Lasting && b.Target != bmc.BootNone,
		BootDeviceSelector: device, BIOSBootType: was.BIOSBootType}
	if b.Mode != "" {
		want.BIOSBootType = library.BIOSBootType(b.Mode == inventory.UEFI)
	}
	if c.fulfils(was, want) {
		return nil
	}
	wrote := c.write(ctx, "set the next boot", func(ctx context.Context, cl *library.Client) error {
		keep := &library.BootOptionParam_BMCBootFlagValidBitClear{DontClearOnCommandReceivedTimeout: true}
		if err := cl.SetSystemBootOptionsParamFor(ctx, keep); err != nil {
			if _, refused := errors.AsType[*library.ResponseError](err); !refused {
				return err
			}
		}
		return cl.SetSystemBootOptionsParamFor(ctx, &want)
	})
	if wrote != nil && !fault.Is(wrote, fault.Unreachable) {
		return wrote
	}
	is, err := c.flags(ctx)
	if err == nil && want.BootFlagsValid && !is.BootFlagsValid && is.BootDeviceSelector == device {
		c.vague = true
	}
	switch {
	case err != nil:
		return err
	case c.fulfils(is, want):
		return nil
	case wrote != nil:
		return wrote
	}
	return fault.Conflictf("BMC %s ignored the boot override: asked for %s, it reads back %s", c.access.Address, b.Target, c.overrideOf(is).Target).
		WithHint("restart the BMC or update its firmware; until then set the boot order by hand")
}

// flags reads parameter 5.
func (c *Controller) flags(ctx context.Context) (library.BootOptionParam_BootFlags, error) {
	var out library.BootOptionParam_BootFlags
	err := c.read(ctx, "read the boot override", func(ctx context.Context, cl *library.Client) error {
		return cl.GetSystemBootOptionsParamFor(ctx, &out)
	})
	return out, err
}

func (c *Controller) fulfils(is, want library.BootOptionParam_BootFlags) bool {
	if !want.BootFlagsValid {
		return !c.inForce(is)
	}
	return c.inForce(is) && is.BootDeviceSelector == want.BootDeviceSelector &&
		(c.vague || is.Persist == want.Persist && is.BIOSBootType == want.BIOSBootType)
}

// inForce goes by the valid bit, except at a BMC that never sets it (OpenIPMI's): that
// tells the device and nothing else.
func (c *Controller) inForce(f library.BootOptionParam_BootFlags) bool {
	return (f.BootFlagsValid || c.vague) && f.BootDeviceSelector != library.BootDeviceSelectorNoOverride
}

// NextBoot reads the override in force. A device we never set is named as the library does.
func (c *Controller) NextBoot(ctx context.Context) (bmc.Boot, error) {
	is, err := c.flags(ctx)
	if err != nil {
		return bmc.Boot{}, err
	}
	return c.overrideOf(is), nil
}

func (c *Controller) overrideOf(f library.BootOptionParam_BootFlags) bmc.Boot {
	if !c.inForce(f) {
		return bmc.Boot{Target: bmc.BootNone}
	}
	out := bmc.Boot{Target: bmc.Target(f.BootDeviceSelector.String()), Lasting: f.Persist}
	switch {
	case c.vague:
	case f.BIOSBootType == library.BIOSBootTypeEFI:
		out.Mode = inventory.UEFI
	default:
		out.Mode = inventory.BIOS
	}
	for target, device := range devices() {
		if device == f.BootDeviceSelector {
			out.Target = target
		}
	}
	return out
}
