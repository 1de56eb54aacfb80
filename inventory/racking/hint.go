package racking

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/verify"
)

// heavyKG is from where two people lift (EN 1005-2 recommends 25 kg for one).
const heavyKG = 25

// hint says what to do next for an open step of a machine.
func (v *View) hint(m *inventory.Machine, n StepName) string {
	switch n {
	case Receive:
		return v.unpack(m.Name, m.Model, *m.Slot, m.Serial)
	case Mount:
		return v.lift(m.Model, *m.Slot) + fmt.Sprintf("; then 'rackwright scan SERIAL --rack %s --u %d' or 'rackwright rack done %s %s mount'", m.Slot.Rack, m.Slot.U, m.Slot.Rack, m.Name)
	case Cabling:
		return v.plug(m)
	case Power:
		if m.BMC != nil {
			return "plug in its power supplies; then its button, or 'rackwright power " + m.Name + " on'"
		}
		return "plug in its power supplies and press its button"
	case Seen:
		return seenHint(m)
	}
	return verifiedHint(m)
}

func (v *View) unpack(name, model string, s inventory.Slot, serial string) string {
	text := "unpack " + name
	if model != "" {
		text += " (" + model + ")"
	}
	if serial != "" {
		text += ", serial " + serial
	}
	return text + "; its place: " + s.String()
}

func (v *View) lift(model string, s inventory.Slot) string {
	text := "mount it in " + s.String()
	if s.U == 0 && s.Chassis == "" {
		text = "mount it " + s.String()
	}
	if m := v.Inventory.Model(model); m != nil && m.WeightKG > heavyKG {
		text += fmt.Sprintf(", %g kg: two people or a lift", m.WeightKG)
	}
	return text
}

// plug lists the cables that are still to be plugged in, with what is wrong first.
func (v *View) plug(m *inventory.Machine) string {
	nics, psus := v.runs(m)
	if len(nics)+len(psus) == 0 {
		return "the plan names no cable: plug it in, then 'rackwright rack done " + m.Slot.Rack + " " + m.Name + " cable'"
	}
	var wrong, missing []string
	for _, r := range append(nics, psus...) {
		switch e, ok := v.heard(m, r); {
		case e.Against:
			text := "put " + r.String() + " right: " + e.Says
			for _, c := range open(m, verify.CablingWrong) { // the whole rack was solved: it names the swap
				if c.Subject == r.Port && c.Hint != "" {
					text = c.Hint
				}
			}
			if !slices.Contains(wrong, text) {
				wrong = append(wrong, text)
			}
		case !ok:
			missing = append(missing, r.String())
		}
	}
	return strings.Join(append(wrong, missing...), "; ")
}

func seenHint(m *inventory.Machine) string {
	if c := open(m, inventory.IdentityMismatch); len(c) > 0 {
		return c[0].Hint
	}
	return "nothing to do but wait until it boots or its BMC answers; 'rackwright machine why " + m.Name + "' says what is missing"
}

func verifiedHint(m *inventory.Machine) string {
	var hints []string
	for _, c := range open(m, "") {
		if c.Hint != "" && len(hints) < 3 {
			hints = append(hints, c.Hint)
		}
	}
	if len(hints) > 0 {
		return strings.Join(hints, "; ")
	}
	if m.Facts == nil {
		return "'rackwright inspect " + m.Name + "' reads its parts"
	}
	return "its parts are being compared with the plan; 'rackwright machine show " + m.Name + "' says what differs"
}

// device makes the steps of something that is not provisioned. Nothing sees it, so people
// say how it stands.
func (v *View) device(d *inventory.Device) Item {
	it := Item{Owner: d.Name, ID: d.ID, Kind: d.Kind, Slot: *d.Slot, Model: d.Model}
	mount, receive := v.mark(d.ID, Mount), proof{}
	if mount != nil && mount.State == Done {
		receive.done = true
		receive.add(Evidence{Says: "it is in its slot"})
	}
	it.Steps = []Task{step(Receive, v.mark(d.ID, Receive), receive, v.unpack(d.Name, d.Model, *d.Slot, d.Serial)),
		step(Mount, mount, proof{}, v.lift(d.Model, *d.Slot))}
	runs := deviceRuns(d)
	if len(runs) > 0 {
		var list []string
		for _, r := range runs {
			list = append(list, r.String())
		}
		it.Steps = append(it.Steps, step(Cabling, v.mark(d.ID, Cabling), proof{}, strings.Join(list, "; ")))
	}
	if d.Kind != inventory.KindPanel && d.Kind != inventory.KindOther || len(d.PSUs) > 0 {
		hint := "switch it on"
		if d.Kind == inventory.KindPDU && d.Feed != "" {
			hint = "plug it into feed " + d.Feed
		}
		it.Steps = append(it.Steps, step(Power, v.mark(d.ID, Power), proof{}, hint))
	}
	return it
}

// deviceRuns lists the cables that a device's plan names: uplinks and power.
func deviceRuns(d *inventory.Device) (out []Run) {
	for _, p := range d.Ports {
		if p.Cable != nil {
			out = append(out, Run{p.Name, p.Cable})
		}
	}
	return append(out, psuRuns(d.PSUs)...)
}
