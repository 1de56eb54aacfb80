package plan

import (
	"fmt"

	"rackwright/inventory"
)

// machineEffects says what a change of a machine will cause and what may go wrong.
// Applying a plan reboots nothing: what a running system has, it keeps until its next
// boot or lease.
func (c *comparer) machineEffects(old, m *inventory.Machine) (effects, risks []string) {
	if feeds := c.after.feedsText(m.PSUs); feeds != "" && (old == nil || feeds != c.after.feedsText(old.PSUs)) {
		effects = append(effects, "will be powered from "+feeds)
	}
	if old == nil || old.Phase == inventory.Planned {
		return effects, nil
	}
	say := func(list *[]string, format string, args ...any) { *list = append(*list, fmt.Sprintf(format, args...)) }
	if old.Slot != nil && *old.Slot != *m.Slot {
		say(&effects, "is expected in %s from now on; moving it is for a technician", slotText(m.Slot))
		say(&risks, "%s was seen in %s: until it is moved, what is observed disagrees with the plan", m.Name, slotText(old.Slot))
	}
	c.addressEffects(old, m, &effects, &risks)
	if a, b := old.BootNIC(), m.BootNIC(); a != nil && b != nil && a.MAC != b.MAC {
		say(&effects, "netboots from %s (%s) at its next boot", b.Name, macText(b.MAC))
		if old.Phase == inventory.Active {
			say(&risks, "%s runs and netboot was on %s: if %s has no link, the next deployment does not start", m.Name, a.Name, b.Name)
		}
	}
	if old.Firmware != m.Firmware {
		say(&effects, "is to boot by %s at its next deployment; nothing is rebooted now", m.Firmware)
	}
	if old.RootDisk != m.RootDisk && old.Phase == inventory.Active {
		say(&risks, "the next deployment of %s may write another disk (%s) than the one its system is on", m.Name, m.RootDisk)
	}
	if old.BMC != nil && (m.BMC == nil || m.BMC.Address != old.BMC.Address) {
		say(&effects, "its BMC is no longer reached at %s", old.BMC.Address)
	}
	if old.Serial != m.Serial || old.UUID != m.UUID {
		say(&effects, "is known by its new serial number and UUID from now on")
		say(&risks, "if the hardware in the slot has the old ones, it counts as another machine")
	}
	return effects, risks
}

func (c *comparer) addressEffects(old, m *inventory.Machine, effects, risks *[]string) {
	renumbered := false
	pairs(old.NICs, m.NICs, func(n *inventory.NIC) string { return n.Name }, func(name string, a, b *inventory.NIC) {
		if a == nil || b == nil || a.Address == b.Address {
			return
		}
		switch {
		case !b.Address.IsValid():
			*effects = append(*effects, fmt.Sprintf("%s of %s no longer has %s", name, m.Name, a.Address))
		case !a.Address.IsValid():
			*effects = append(*effects, fmt.Sprintf("%s of %s gets %s at its next lease", name, m.Name, b.Address))
		default:
			*effects = append(*effects, fmt.Sprintf("renumbers %s from %s to %s at its next lease", m.Name, a.Address, b.Address))
		}
		renumbered = true
	})
	if renumbered && old.Phase == inventory.Active {
		*risks = append(*risks, fmt.Sprintf("%s runs a system that was given the old address: it keeps it until it renews its lease, or for good where it is written down", m.Name))
	}
}

// deviceEffects does the same for a device.
func (c *comparer) deviceEffects(old, d *inventory.Device) (effects, risks []string) {
	if feeds := c.after.feedsText(d.PSUs); feeds != "" && (old == nil || feeds != c.after.feedsText(old.PSUs)) {
		effects = append(effects, "will be powered from "+feeds)
	}
	if old == nil {
		return effects, nil
	}
	if old.Feed != d.Feed && d.Kind == inventory.KindPDU && old.Feed != "" {
		risks = append(risks, fmt.Sprintf("all that is plugged into %s changes from feed %s to %s", d.Name, old.Feed, d.Feed))
	}
	if old.System() != d.System() && d.Kind == inventory.KindSwitch {
		effects = append(effects, fmt.Sprintf("its ports are known by the LLDP name %s from now on", d.System()))
	}
	return effects, risks
}
