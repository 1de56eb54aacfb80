package redfish

import (
	"context"
	"slices"

	"rackwright/fault"
)

// maxChassis is how many enclosures of a system are asked for a locator LED or power
// supplies; a sled in a multi-node chassis has two.
const maxChassis = 8

// lamp is one way to light a machine: LocationIndicatorActive (ComputerSystem v1.12,
// Chassis v1.14) or the older IndicatorLED with its values.
type lamp struct {
	at   string // URI of the system or chassis
	text string // value of IndicatorLED; empty: LocationIndicatorActive
}

// Locate lights or darkens the LED by which a person finds the machine, on the system or
// else on its chassis, and reads it back. Already so is no write.
func (c *Controller) Locate(ctx context.Context, on bool) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	lamps, err := c.lamps(ctx, on)
	if err != nil {
		return c.explain("read the locator LED", err)
	}
	if len(lamps) == 0 {
		return fault.Invalidf("BMC %s has no locator LED", c.access.Address).
			WithHint("find the machine by its slot and the label on it, or update the BMC's firmware")
	}
	for _, l := range lamps {
		if err = c.light(ctx, l, on); err == nil || ctx.Err() != nil || fault.Is(err, fault.Denied) {
			return err
		}
	}
	return err
}

// lamps lists what can be tried, best first.
func (c *Controller) lamps(ctx context.Context, on bool) ([]lamp, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	places := append([]*system{sys}, c.enclosures(ctx, sys)...)
	var out []lamp
	for _, p := range places {
		if p.Locator != nil {
			out = append(out, lamp{at: p.ODataID})
		}
	}
	for _, p := range places {
		if p.Indicator == "" {
			continue
		}
		for _, text := range indicator(on) {
			if len(p.Indicators) == 0 || slices.Contains(p.Indicators, text) {
				out = append(out, lamp{at: p.ODataID, text: text})
			}
		}
	}
	return out, nil
}

// indicator lists the values of IndicatorLED, the one easiest to see first.
func indicator(on bool) []string {
	if on {
		return []string{"Blinking", "Lit"}
	}
	return []string{"Off"}
}

// enclosures reads the chassis of the system as far as they can be read.
func (c *Controller) enclosures(ctx context.Context, sys *system) []*system {
	var out []*system
	for _, l := range sys.Links.Chassis[:min(len(sys.Links.Chassis), maxChassis)] {
		chassis, err := get[system](c.under(ctx), l.URI)
		if err != nil {
			c.log.Debug("bmc chassis unreadable", "err", c.explain("read a chassis", err))
			continue
		}
		out = append(out, chassis)
	}
	return out
}

// light writes one lamp, unless it is as wanted, and reads it back.
func (c *Controller) light(ctx context.Context, l lamp, on bool) error {
	if now, err := get[system](c.under(ctx), l.at); err == nil && l.stands(now, on) {
		return nil
	}
	payload := map[string]any{"LocationIndicatorActive": on}
	if l.text != "" {
		payload = map[string]any{"IndicatorLED": l.text}
	}
	task, wrote := c.write(ctx, l.at, payload)
	return c.verify(ctx, change{doing: "switch the locator LED", task: task, wrote: wrote,
		look: func(ctx context.Context) (bool, error) {
			s, err := get[system](c.under(ctx), l.at)
			return err == nil && l.reads(s, on), err
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s ignored the locator LED: asked for %s, it does not read back", c.access.Address, l.asked(on)).
				WithHint("look at the machine; restart the BMC or update its firmware if the LED stays as it was")
		}})
}

// stands reports whether there is nothing to write. Lit alone is no proof that somebody
// asked for it: on some machines it is how a healthy one looks.
func (l lamp) stands(s *system, on bool) bool {
	return l.reads(s, on) && (l.text == "" || s.Indicator == l.text)
}

// reads reports whether the lamp is as wanted. Some BMCs blink when told Lit and the
// other way round.
func (l lamp) reads(s *system, on bool) bool {
	if l.text == "" {
		return s.Locator != nil && *s.Locator == on
	}
	return slices.Contains(indicator(on), s.Indicator)
}

func (l lamp) asked(on bool) string {
	switch {
	case l.text != "":
		return l.text
	case on:
		return "on"
	}
	return "off"
}
