package redfish

import (
	"context"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/fault"
)

// action is where an action is posted that takes no choice of values.
type action struct {
	Target string `json:"target"`
}

// resetAction is #ComputerSystem.Reset or #Manager.Reset.
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
func (c *Controller) resetTypes(ctx context.Context, id string, reset resetAction) ([]schemas.ResetType, error) {
	if reset.Target == "" {
		return nil, fault.Invalidf("BMC %s: %s cannot be switched (it has no Reset action)", c.access.Address, tidy(id)).
			WithHint("give the BMC's user the role Operator or Administrator, or license the BMC's power control")
	}
	if len(reset.Allowed) > 0 {
		return reset.Allowed, nil
	}
	if reset.Info == "" {
		return undeclared(), nil
	}
	info, err := schemas.GetObject[schemas.ActionInfo](c.under(ctx), reset.Info)
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
