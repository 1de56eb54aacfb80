package redfish

import (
	"context"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
	"rackwright/fault"
)

// resetAction is #ComputerSystem.Reset.
type resetAction struct {
	Target  string              `json:"target"`
	Info    string              `json:"@Redfish.ActionInfo"`
	Allowed []schemas.ResetType `json:"ResetType@Redfish.AllowableValues"`
}

// undeclared is what we try at a BMC that declares no reset types: what Redfish had from
// the first version on.
func undeclared() []schemas.ResetType {
	return []schemas.ResetType{schemas.OnResetType, schemas.ForceOffResetType,
		schemas.GracefulShutdownResetType, schemas.ForceRestartResetType}
}

// resetTypes reads what the BMC offers: in the action itself, or behind ActionInfo as
// NVIDIA's and newer OpenBMC have it.
func (c *Controller) resetTypes(ctx context.Context, sys *system) ([]schemas.ResetType, error) {
	reset := sys.Actions.Reset
	if reset.Target == "" {
		return nil, fault.Invalidf("BMC %s: system %s cannot be switched (it has no Reset action)", c.access.Address, tidy(sys.ID)).
			WithHint("give the BMC's user the role Operator or Administrator, or license the BMC's power control")
	}
	if len(reset.Allowed) > 0 {
		return reset.Allowed, nil
	}
	if reset.Info == "" {
		return undeclared(), nil
	}
	info, err := schemas.GetObject[schemas.ActionInfo](c.client.WithContext(ctx), reset.Info)
	if err != nil {
		if fault.Is(err, fault.Denied) {
			return nil, err
		}
		c.log.Warn("bmc reset types unreadable, trying the standard ones", "err", c.explain("read ActionInfo", err))
		return undeclared(), nil
	}
	var types []schemas.ResetType
	values, _ := info.GetParamValues("ResetType", schemas.StringParameterTypes) // none declared is no error of ours
	for _, v := range values {
		types = append(types, schemas.ResetType(v))
	}
	if len(types) == 0 {
		return undeclared(), nil
	}
	return types, nil
}

// pick returns the first of wanted that is offered, as the BMC writes it, or "".
func pick(offered []schemas.ResetType, wanted ...schemas.ResetType) schemas.ResetType {
	for _, w := range wanted {
		if i := slices.IndexFunc(offered, func(o schemas.ResetType) bool { return strings.EqualFold(string(o), string(w)) }); i >= 0 {
			return offered[i]
		}
	}
	return ""
}

// reset posts the action once and returns the task's URI, if the BMC made one.
func (c *Controller) reset(ctx context.Context, sys *system, kind schemas.ResetType) (task string, err error) {
	c.log.Info("bmc reset", "type", kind)
	return c.act(ctx, sys.Actions.Reset.Target, map[string]schemas.ResetType{"ResetType": kind})
}

// failed says that the task a BMC made of a change came to nothing. A task that cannot be
// read says nothing.
func (c *Controller) failed(ctx context.Context, uri string) error {
	t := c.taskAt(ctx, uri)
	if t == nil || t.state() != bmc.TaskFailed {
		return nil
	}
	why := c.said(t.says())
	if why != "" {
		why = ": " + why
	}
	return fault.Conflictf("BMC %s: its task for the change ended as %s%s", c.access.Address, first(t.TaskState, t.JobState), why).
		WithHint("look at the BMC's own event log")
}

// staged reports whether the task stands in the BMC's queue until the machine's next reset.
func (c *Controller) staged(ctx context.Context, uri string) bool {
	t := c.taskAt(ctx, uri)
	return t != nil && t.state() == bmc.TaskWaiting
}

// taskAt reads a task; nil for none and for one that cannot be read.
func (c *Controller) taskAt(ctx context.Context, uri string) *task {
	if uri == "" || c.traits.monitorForgets && !strings.Contains(uri, "/Tasks/") {
		return nil
	}
	t, err := schemas.GetObject[task](c.client.WithContext(ctx), uri)
	if err != nil {
		return nil
	}
	return t
}
