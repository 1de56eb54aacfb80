package bmctest

import (
	"context"
	"maps"
	"slices"

	"rackwright/bmc"
	"rackwright/fault"
)

func (c *controller) Settings(ctx context.Context) (bmc.Settings, error) {
	if err := c.called(ctx, Settings); err != nil {
		return bmc.Settings{}, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return bmc.Settings{Now: maps.Clone(c.b.setup.now), Pending: maps.Clone(c.b.setup.pending)}, nil
}

func (c *controller) StageSettings(ctx context.Context, values map[string]string) error {
	if err := c.called(ctx, StageSettings); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	bad := fault.Invalidf("BMC %s cannot take these BIOS settings", c.b.access.Address).WithHint("read the settings")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, known := c.b.setup.now[name]; !known {
			bad.Fields = append(bad.Fields, fault.Field{Path: name, Message: "there is no such setting"})
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	for name, value := range values {
		c.b.setup.pending[name] = value
		if c.b.setup.now[name] == value {
			delete(c.b.setup.pending, name)
		}
	}
	return nil
}
