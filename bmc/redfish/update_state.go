package redfish

import (
	"context"

	"rackwright/bmc"
)

// hpeUpdate is the state of an update where an iLO makes no task of it. The states are
// those of HpeiLOUpdateServiceExt.
type hpeUpdate struct {
	resource
	Oem struct {
		Hpe struct {
			State                string
			FlashProgressPercent float64
			Result               struct{ MessageID string }
		}
	}
}

// updateProgress reads it. Idle says nothing about the last update: lost.
func (c *Controller) updateProgress(ctx context.Context, uri string) (bmc.Task, error) {
	h, err := get[hpeUpdate](c.under(ctx), uri)
	if err != nil {
		return bmc.Task{}, c.explain("read the state of the update", err)
	}
	hpe := h.Oem.Hpe
	t := bmc.Task{ID: uri, State: bmc.TaskRunning, Message: c.said(hpe.Result.MessageID)}
	if hpe.FlashProgressPercent > 0 {
		t.Percent = int(min(hpe.FlashProgressPercent, 100))
	}
	switch hpe.State {
	case "Complete":
		t.State, t.Percent = bmc.TaskDone, 100
	case "Error":
		t.State = bmc.TaskFailed
	case "Idle", "":
		t.State = bmc.TaskLost
	}
	return t, nil
}
