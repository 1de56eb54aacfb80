package redfish

import (
	"context"
	"net/http"
	"slices"

	"github.com/stmcginnis/gofish/schemas"

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

// pick returns the first of wanted that is offered, or "".
func pick(offered []schemas.ResetType, wanted ...schemas.ResetType) schemas.ResetType {
	for _, w := range wanted {
		if slices.Contains(offered, w) {
			return w
		}
	}
	return ""
}

// reset posts the action once and returns the task's URI, if the BMC made one. An ETag
// is not sent: it guards a resource's contents, and an action changes none.
func (c *Controller) reset(ctx context.Context, sys *system, kind schemas.ResetType) (task string, err error) {
	c.log.Info("bmc reset", "type", kind)
	resp, err := c.client.WithContext(ctx).Post(sys.Actions.Reset.Target, map[string]schemas.ResetType{"ResetType": kind})
	defer schemas.DeferredCleanupHTTPResponse(resp)
	if err != nil {
		return "", err
	}
	if resp.StatusCode == http.StatusAccepted {
		return odataID(peek(resp)), nil // the Task; its monitor is left alone, Lenovo's forgets the task when read
	}
	return "", nil
}

// failed says that the task a BMC made of a reset came to nothing. A task that cannot be
// read says nothing.
func (c *Controller) failed(ctx context.Context, task string) error {
	if task == "" {
		return nil
	}
	t, err := schemas.GetObject[schemas.Task](c.client.WithContext(ctx), task)
	if err != nil {
		return nil
	}
	switch t.TaskState {
	case schemas.ExceptionTaskState, schemas.KilledTaskState, schemas.CancelledTaskState:
		said := ""
		if len(t.Messages) > 0 {
			said = ": " + c.wire.scrub(tidy(t.Messages[len(t.Messages)-1].Message))
		}
		return fault.Conflictf("BMC %s: its task for the reset ended as %s%s", c.access.Address, t.TaskState, said).
			WithHint("look at the BMC's own event log")
	}
	return nil
}
