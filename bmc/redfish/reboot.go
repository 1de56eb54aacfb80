package redfish

import (
	"context"
	"errors"
	"slices"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/fault"
)

// ResetBMC restarts the BMC (Manager.Reset), watches it go, and returns when it answers
// again. It went when it stops answering, drops our session or tells a new LastResetTime.
func (c *Controller) ResetBMC(ctx context.Context) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	before, err := c.itself(ctx)
	if err != nil {
		return c.explain("read the manager", err)
	}
	if before.Actions.Reset.Target == "" {
		return fault.Invalidf("BMC %s cannot restart itself (its manager has no Reset action)", c.access.Address).
			WithHint("give the BMC's user the role Administrator, or restart the BMC by hand")
	}
	kind, err := c.managerReset(ctx, before)
	if err != nil {
		return err
	}
	ticket := c.wire.ticket(ctx)
	c.log.Info("bmc restarts itself", "type", kind)
	task, err := c.act(ctx, before.Actions.Reset.Target, map[string]schemas.ResetType{"ResetType": kind})
	if err != nil && (neverDone(err) || fault.Is(c.explain("restart", err), fault.Denied)) {
		return c.explain("restart itself", err)
	}
	if err := c.left(ctx, before, ticket, task); err != nil {
		return err
	}
	_, err = c.until(ctx, c.timing.Restart, func(s *system) bool { return s.PowerState != "" })
	if errors.Is(err, errNotYet) {
		return fault.Unreachablef("BMC %s restarted and does not tell the power state after %s", c.access.Address, c.timing.Restart).
			WithHint("wait until it has started fully; unplug the machine for a minute if it stays so")
	}
	if err != nil {
		return c.explain("come back after its restart", err)
	}
	return nil
}

// managerReset picks how the BMC restarts: by itself rather than cut short.
func (c *Controller) managerReset(ctx context.Context, m *manager) (schemas.ResetType, error) {
	offered, err := c.resetTypes(ctx, m.ID, m.Actions.Reset)
	if err != nil {
		return "", c.explain("read the manager's reset types", err)
	}
	if slices.Equal(offered, undeclared()) {
		return schemas.ForceRestartResetType, nil // the only one that Manager v1.0 requires
	}
	kind := pick(offered, schemas.GracefulRestartResetType, schemas.ForceRestartResetType)
	if kind == "" {
		return "", fault.Invalidf("BMC %s offers no restart of itself, only %.200v", c.access.Address, offered).
			WithHint("update the BMC's firmware, or unplug the machine for a minute")
	}
	return kind, nil
}

// left waits until something shows that the BMC restarts. Once is enough.
func (c *Controller) left(ctx context.Context, before *manager, ticket, task string) error {
	was := timeOf(before.LastResetTime)
	_, err := await(ctx, c, c.timing.Settle, 1, func(ctx context.Context) (*manager, bool, error) {
		m, err := get[manager](c.under(ctx), c.manager)
		switch {
		case fault.Is(err, fault.Denied):
			return nil, false, err
		case ctx.Err() != nil:
			return nil, false, err
		case err != nil, timeOf(m.LastResetTime).After(was), c.wire.ticket(ctx) != ticket:
			return m, true, nil
		}
		return m, false, c.failed(ctx, task)
	})
	if errors.Is(err, errNotYet) {
		return fault.Conflictf("BMC %s accepted its restart, but nothing shows that it restarted within %s", c.access.Address, c.timing.Settle).
			WithHint("look at the BMC's event log; unplug the machine for a minute if it hangs")
	}
	if err != nil {
		return c.explain("restart itself", err)
	}
	return nil
}

// ticket is the token of our session; it changes when we had to log in again.
func (w *wire) ticket(ctx context.Context) string {
	if w.take(ctx) != nil {
		return ""
	}
	defer w.release()
	return w.token
}
