package bmc

import (
	"context"
	"maps"
	"slices"
	"strings"

	"rackwright/fault"
)

// ByScheme is a Dialer that chooses a driver by the scheme of the address.
type ByScheme map[string]Dialer

// Dial opens with the driver of the scheme.
func (d ByScheme) Dial(ctx context.Context, a Access) (Controller, error) {
	scheme, _, _ := strings.Cut(a.Address, "://")
	driver := d[strings.ToLower(scheme)]
	if driver == nil {
		return nil, fault.Invalidf("a BMC address begins with one of %s", strings.Join(slices.Sorted(maps.Keys(d)), ", ")).
			WithHint("write bmc.address as https://host[:port], or ipmi://host[:port] for a BMC without Redfish")
	}
	return driver.Dial(ctx, a)
}
