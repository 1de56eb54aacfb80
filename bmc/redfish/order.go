package redfish

import (
	"context"
	"slices"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
)

// maxBootOptions is how many entries of a boot order we look at; a server with many ports
// has fifty.
const maxBootOptions = 256

// bootOption is what we use of the BootOption schema.
type bootOption struct {
	resource
	BootOptionReference string
	DisplayName         string
	UefiDevicePath      string
	BootOptionEnabled   *bool // nil: not told
}

// BootOrder reads Boot.BootOrder and what its entries are called. Options that cannot be
// read have no name.
func (c *Controller) BootOrder(ctx context.Context) ([]bmc.BootOption, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return nil, c.explain("read the boot order", err)
	}
	order, err := c.orderOf(ctx, sys)
	if err != nil {
		return nil, err
	}
	known, err := c.bootOptions(ctx, sys)
	if err != nil {
		return nil, err
	}
	out := make([]bmc.BootOption, 0, len(order))
	for _, ref := range order {
		o := bmc.BootOption{Reference: ref}
		if at := slices.IndexFunc(known, func(k bootOption) bool { return k.BootOptionReference == ref }); at >= 0 {
			k := known[at]
			o.Name, o.Device = first(k.DisplayName, k.Name), tidy(k.UefiDevicePath)
			o.Disabled = k.BootOptionEnabled != nil && !*k.BootOptionEnabled
		}
		out = append(out, o)
	}
	return out, nil
}

// orderOf is the system's boot order, or what only its Settings tell.
func (c *Controller) orderOf(ctx context.Context, sys *system) ([]string, error) {
	order := sys.Boot.Order
	if len(order) == 0 {
		if later := c.settingsOf(ctx, sys); later != nil {
			order = later.Boot.Order
		}
	}
	if len(order) == 0 {
		return nil, fault.Invalidf("BMC %s does not tell the machine's boot order", c.access.Address).
			WithHint("set the order in the BIOS set-up, or ask for the next boot alone")
	}
	order = slices.DeleteFunc(slices.Clone(order), func(ref string) bool { return ref == "" || tidy(ref) != ref })
	return order[:min(len(order), maxBootOptions)], nil
}

// bootOptions reads what the entries are. Only a BMC that denies us is an error.
func (c *Controller) bootOptions(ctx context.Context, sys *system) ([]bootOption, error) {
	if sys.Boot.Options.URI == "" {
		return nil, nil
	}
	known, err := members[bootOption](c.under(ctx), sys.Boot.Options.URI, maxBootOptions)
	return known, c.forgive(ctx, "boot options", err)
}

// SetBootOrder writes the whole order into the system, or its Settings, and reads it back
// where it was written. One that waits in the BMC's queue for the next reset counts as well.
func (c *Controller) SetBootOrder(ctx context.Context, references []string) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	sys, err := c.read(ctx)
	if err != nil {
		return c.explain("read the boot order", err)
	}
	now, err := c.orderOf(ctx, sys)
	if err != nil {
		return err
	}
	if err := c.checkOrder(ctx, sys, references, now); err != nil {
		return err
	}
	want := slices.Clone(references)
	for _, ref := range now {
		if !slices.Contains(want, ref) {
			want = append(want, ref)
		}
	}
	later := c.settingsOf(ctx, sys)
	if slices.Equal(now, want) && (later == nil || len(later.Boot.Order) == 0 || slices.Equal(later.Boot.Order, want)) {
		return nil
	}
	return c.writeOrder(ctx, sys, want)
}

// checkOrder names all references that are not ones, at once.
func (c *Controller) checkOrder(ctx context.Context, sys *system, references, now []string) error {
	known := slices.Clone(now)
	if slices.ContainsFunc(references, func(ref string) bool { return !slices.Contains(now, ref) }) {
		options, err := c.bootOptions(ctx, sys) // one that is in no order yet
		if err != nil {
			return err
		}
		for _, o := range options {
			known = append(known, o.BootOptionReference)
		}
	}
	bad := fault.Invalidf("this is no boot order of BMC %s", c.access.Address).
		WithHint("the references are %s", tidy(strings.Join(now, ", ")))
	for i, ref := range references {
		switch {
		case !slices.Contains(known, ref):
			bad.Fields = append(bad.Fields, fault.Field{Path: tidy(ref), Message: "no such boot option"})
		case slices.Contains(references[:i], ref):
			bad.Fields = append(bad.Fields, fault.Field{Path: tidy(ref), Message: "listed twice"})
		}
	}
	if len(references) == 0 {
		bad.Fields = append(bad.Fields, fault.Field{Path: "references", Message: "none is given"})
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func (c *Controller) writeOrder(ctx context.Context, sys *system, want []string) error {
	places := c.places(ctx, sys, func(b boot) bool { return len(b.Order) > 0 })
	return c.inPlaces(ctx, places, func(at string) change {
		task, wrote := c.write(ctx, at, map[string]any{"Boot": map[string]any{"BootOrder": want}})
		return change{doing: "set the boot order", task: task, wrote: wrote, queued: true,
			look: func(ctx context.Context) (bool, error) {
				now, err := get[system](c.under(ctx), at)
				return err == nil && slices.Equal(now.Boot.Order, want), err
			},
			ignored: func() *fault.Error {
				return fault.Conflictf("BMC %s ignored the boot order: it reads back as it was", c.access.Address).
					WithHint("set it in the BIOS set-up; update the BMC's firmware")
			}}
	})
}
