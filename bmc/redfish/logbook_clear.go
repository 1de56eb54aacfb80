package redfish

import (
	"context"
	"slices"

	"rackwright/bmc"
	"rackwright/fault"
)

// ClearLog empties the logs that Log reads and the BMC lets us clear, one after the other,
// and reads them back: what stood in them is gone, while the BMC may have noted the
// clearing. A log that cannot be cleared (iDRAC's Lifecycle log) stays; none that can is
// Invalid.
func (c *Controller) ClearLog(ctx context.Context) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	logs, err := c.logs(ctx)
	if err != nil {
		return c.explain("list the logs", err)
	}
	logs = slices.DeleteFunc(logs, func(l *logService) bool { return l.Actions.Clear.Target == "" })
	if len(logs) == 0 {
		return c.noLog("has no event log that can be cleared")
	}
	for _, l := range logs {
		if err := c.clear(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// clear empties one log. The action goes out once; what it did is read.
func (c *Controller) clear(ctx context.Context, l *logService) error {
	before, err := c.newest(ctx, l, maxEntries)
	if err != nil {
		return c.explain("read the log", err)
	}
	if len(before) == 0 {
		return nil
	}
	c.log.Info("bmc log cleared", "log", l.name)
	task, wrote := c.act(ctx, l.Actions.Clear.Target, struct{}{})
	if absent(wrote) {
		return c.noLog("says that its event log can be cleared, and has nothing that does it")
	}
	return c.verify(ctx, change{doing: "clear the log", task: task, wrote: wrote, once: true,
		look: func(ctx context.Context) (bool, error) {
			now, err := c.newest(ctx, l, len(before)+1)
			return err == nil && !slices.ContainsFunc(now, func(e bmc.Entry) bool { return slices.Contains(before, e) }), err
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s kept its log %s: it was told to clear it, and the entries are still there", c.access.Address, l.name).
				WithHint("clear it at the BMC's own pages; restart the BMC if that does not help")
		}})
}
