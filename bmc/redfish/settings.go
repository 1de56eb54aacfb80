package redfish

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
)

// Settings reads the BIOS attributes in force, and those of the Settings resource that differ.
func (c *Controller) Settings(ctx context.Context) (bmc.Settings, error) {
	now, err := c.readBIOS(ctx)
	if err != nil {
		return bmc.Settings{}, err
	}
	later, err := c.pendingBIOS(ctx, now)
	if err != nil {
		return bmc.Settings{}, c.explain("read the staged BIOS settings", err)
	}
	out := bmc.Settings{Now: now.text()}
	for name, value := range later.text() {
		if was, known := out.Now[name]; (!known || was != value) && len(out.Pending) < maxAttributes {
			if out.Pending == nil {
				out.Pending = map[string]string{}
			}
			out.Pending[name] = value
		}
	}
	return out, nil
}

func (c *Controller) readBIOS(ctx context.Context) (*bios, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return nil, c.explain("read the BIOS settings", err)
	}
	none := fault.Invalidf("BMC %s does not tell the BIOS settings", c.access.Address).
		WithHint("start the machine once, after which some BMCs know them; license or update the BMC")
	if sys.Bios.URI == "" {
		return nil, none
	}
	b, err := get[bios](c.under(ctx), sys.Bios.URI)
	if absent(err) || err == nil && len(b.Attributes) == 0 {
		return nil, none
	}
	if err != nil {
		return nil, c.explain("read the BIOS settings", err)
	}
	return b, nil
}

// pendingBIOS reads the Settings resource; without one, changes are made at once and
// nothing is pending.
func (c *Controller) pendingBIOS(ctx context.Context, now *bios) (*bios, error) {
	if now.pending() == "" {
		return &bios{}, nil
	}
	b, err := get[bios](c.under(ctx), now.pending())
	if absent(err) {
		return &bios{}, nil
	}
	return b, err
}

// target is where changes are written.
func (b *bios) target() string { return cmp.Or(b.pending(), b.ODataID) }

// text is the attributes as text, as many as are kept.
func (b *bios) text() map[string]string {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		value, ok := plainText(b.Attributes[name])
		if key := tidy(name); ok && key != "" && len(out) < maxAttributes {
			out[key] = value
		}
	}
	return out
}

// StageSettings writes what differs into the Settings resource, with the tag the BMC wants
// and for the next reset where it asks when, and reads it back. Types come from the attribute
// registry where it can be read, else from the values in force.
func (c *Controller) StageSettings(ctx context.Context, values map[string]string) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	now, err := c.readBIOS(ctx)
	if err != nil {
		return err
	}
	typed, err := c.typed(ctx, now, values)
	if err != nil {
		return err
	}
	later, err := c.pendingBIOS(ctx, now)
	if err != nil {
		return c.explain("read the staged BIOS settings", err)
	}
	maps.DeleteFunc(typed, func(name string, _ any) bool { return expected(now, later, name) == values[name] })
	if len(typed) == 0 {
		return nil
	}
	c.log.Info("bmc stages BIOS settings", "names", slices.Sorted(maps.Keys(typed)))
	task, wrote := c.stage(ctx, now, typed)
	if wrote == nil && task == "" && c.traits.jobAfterStage {
		task, wrote = c.commit(ctx, now)
	}
	return c.verifyStaged(ctx, now, task, values, wrote)
}

// expected is the value that a setting has from the next reset on.
func expected(now, later *bios, name string) string {
	for _, b := range []*bios{later, now} {
		if value, ok := plainText(b.Attributes[name]); ok {
			return value
		}
	}
	return ""
}

// stage writes the attributes. A BMC that announces apply times and takes none is told
// without.
func (c *Controller) stage(ctx context.Context, now *bios, typed map[string]any) (task string, err error) {
	payload := map[string]any{"Attributes": typed}
	if slices.Contains(now.Settings.Times, onReset) {
		payload["@Redfish.SettingsApplyTime"] = map[string]string{"ApplyTime": onReset}
	}
	task, err = c.write(ctx, now.target(), payload)
	if illFormed(err) && payload["@Redfish.SettingsApplyTime"] != nil && strings.Contains(err.Error(), "ApplyTime") {
		delete(payload, "@Redfish.SettingsApplyTime")
		task, err = c.write(ctx, now.target(), payload)
	}
	return task, err
}

// commit makes the job without which iDRAC leaves staged attributes where they are; see
// the quirk. Where the write made one already, iDRAC says that they are committed.
func (c *Controller) commit(ctx context.Context, now *bios) (task string, err error) {
	if c.manager == "" {
		return "", nil
	}
	task, err = c.act(ctx, strings.TrimRight(c.manager, "/")+"/Jobs", map[string]string{"TargetSettingsURI": now.target()})
	if illFormed(err) && strings.Contains(strings.ToLower(err.Error()), "already committed") {
		return "", nil
	}
	return task, err
}

// verifyStaged reads until every value is pending or in force.
func (c *Controller) verifyStaged(ctx context.Context, now *bios, task string, values map[string]string, wrote error) error {
	var differ []string
	err := c.verify(ctx, change{doing: "stage BIOS settings", task: task, wrote: wrote,
		look: func(ctx context.Context) (bool, error) {
			b, err := get[bios](c.under(ctx), now.ODataID)
			if err != nil {
				return false, err
			}
			later, err := c.pendingBIOS(ctx, b)
			if err != nil {
				return false, err
			}
			differ = slices.DeleteFunc(slices.Sorted(maps.Keys(values)), func(name string) bool { return expected(b, later, name) == values[name] })
			return len(differ) == 0, nil
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s accepted BIOS settings that do not read back: %s", c.access.Address, tidy(strings.Join(differ, ", "))).
				WithHint("restart the machine, so that what is staged is applied, and try again; some settings depend on others")
		}})
	if err != nil {
		return err
	}
	return c.failed(ctx, task)
}
