package verify

import (
	"fmt"

	"rackwright/inventory"
)

// nics compares the number of ports, and looks for the MACs of the plan.
func (c *comparison) nics() {
	by := c.source(func(f *inventory.Facts) bool { return len(f.NICs) > 0 })
	if by == nil {
		return
	}
	ports := Ports(c.seen)
	seen := map[inventory.MAC]bool{}
	for _, n := range ports {
		seen[n.MAC] = true
	}
	for _, n := range c.m.NICs {
		if !n.MAC.IsZero() && !seen[n.MAC] {
			c.differs(NICMissing, n.Name, "mac-not-seen", "MAC "+n.MAC.String(), "it on none of "+count(len(ports), "port"),
				"port "+n.Name+" was not seen: seat its card, or correct its MAC in the plan", by)
		}
	}
	if want := c.want.Parts.NICs; len(ports) < want {
		c.differs(NICMissing, "", "count", count(want, "port"), fmt.Sprint(len(ports)), "seat or add the missing network card", by)
	}
}
