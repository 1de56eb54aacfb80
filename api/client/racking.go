package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/inventory/racking"
)

func rackPath(rack, rest string) string { return "/racks/" + url.PathEscape(rack) + rest }

// Places returns every place of a rack and how it stands.
func (c *Client) Places(ctx context.Context, rack string) ([]racking.Place, error) {
	return all[racking.Place](ctx, c, rackPath(rack, "/slots"), nil)
}

// Slot says what should be at a spot of a rack, was seen there and was adopted.
func (c *Client) Slot(ctx context.Context, rack string, s racking.Spot) (racking.Answer, error) {
	return call[racking.Answer](ctx, c, http.MethodGet, rackPath(rack, "/slots/"+strconv.Itoa(s.U)),
		query("face", string(s.Face), "side", string(s.Side), "bay", s.Bay), nil)
}

// RackTasks returns what is to be done in a rack.
func (c *Client) RackTasks(ctx context.Context, rack string) (racking.Sheet, error) {
	return call[racking.Sheet](ctx, c, http.MethodGet, rackPath(rack, "/racking"), nil, nil)
}

// MarkStep says how a step of a machine or device of a rack stands.
func (c *Client) MarkStep(ctx context.Context, rack, owner string, step racking.StepName, a racking.Action, reason string) (racking.Item, error) {
	return call[racking.Item](ctx, c, http.MethodPost, rackPath(rack, "/racking/"+url.PathEscape(owner)+"/"+url.PathEscape(string(step))), nil,
		wire.RackStep{Action: string(a), Reason: reason})
}

// Scan says what codes are, and binds them when it is confirmed.
func (c *Client) Scan(ctx context.Context, s wire.Codes) (racking.Scan, error) {
	return call[racking.Scan](ctx, c, http.MethodPost, "/scan", nil, s)
}

// SignOffRack records that a rack is done.
func (c *Client) SignOffRack(ctx context.Context, rack, note string) (racking.SignOff, error) {
	return call[racking.SignOff](ctx, c, http.MethodPost, rackPath(rack, "/signoff"), nil, wire.SignOffNote{Note: note})
}

// SignOffs returns the sign-off records of a rack, newest first.
func (c *Client) SignOffs(ctx context.Context, rack string) ([]racking.SignOff, error) {
	return all[racking.SignOff](ctx, c, rackPath(rack, "/signoffs"), nil)
}

// SignOff returns one record.
func (c *Client) SignOff(ctx context.Context, rack, id string) (racking.SignOff, error) {
	return call[racking.SignOff](ctx, c, http.MethodGet, rackPath(rack, "/signoffs/"+url.PathEscape(id)), nil, nil)
}

// Locate blinks a machine's locator LED for so many seconds, or puts it out.
func (c *Client) Locate(ctx context.Context, machine string, on bool, seconds int) (deploy.Operation, error) {
	return call[deploy.Operation](ctx, c, http.MethodPost, machinePath(machine, "/actions/locate"), nil, wire.Locate{On: on, Seconds: seconds})
}
