package client

import (
	"context"
	"net/http"

	"rackwright/api/wire"
	"rackwright/bmc"
	"rackwright/deploy"
)

func bmcGet[T any](ctx context.Context, c *Client, machine, what string, limit int) (T, error) {
	return call[T](ctx, c, http.MethodGet, machinePath(machine, "/bmc/"+what), query("limit", number(int64(limit))), nil)
}

func bmcList[T any](ctx context.Context, c *Client, machine, what string, limit int) ([]T, error) {
	l, err := bmcGet[wire.List[T]](ctx, c, machine, what, limit)
	return l.Items, err
}

// Readings reads a machine's sensors through its BMC.
func (c *Client) Readings(ctx context.Context, machine string) (bmc.Readings, error) {
	return bmcGet[bmc.Readings](ctx, c, machine, "sensors", 0)
}

// Settings reads a machine's BIOS settings.
func (c *Client) Settings(ctx context.Context, machine string) (bmc.Settings, error) {
	return bmcGet[bmc.Settings](ctx, c, machine, "settings", 0)
}

// Booting reads what a machine starts.
func (c *Client) Booting(ctx context.Context, machine string) (wire.Booting, error) {
	return bmcGet[wire.Booting](ctx, c, machine, "boot", 0)
}

// Clock reads the BMC's time.
func (c *Client) Clock(ctx context.Context, machine string) (bmc.Clock, error) {
	return bmcGet[bmc.Clock](ctx, c, machine, "clock", 0)
}

// Console says how a machine's serial console is reached.
func (c *Client) Console(ctx context.Context, machine string) (bmc.Console, error) {
	return bmcGet[bmc.Console](ctx, c, machine, "console", 0)
}

// Media lists a machine's virtual drives.
func (c *Client) Media(ctx context.Context, machine string) ([]bmc.Medium, error) {
	return bmcList[bmc.Medium](ctx, c, machine, "media", 0)
}

// Accounts lists the users of a machine's BMC.
func (c *Client) Accounts(ctx context.Context, machine string) ([]bmc.Account, error) {
	return bmcList[bmc.Account](ctx, c, machine, "accounts", 0)
}

// Protocols lists the services a machine's BMC offers.
func (c *Client) Protocols(ctx context.Context, machine string) ([]bmc.Protocol, error) {
	return bmcList[bmc.Protocol](ctx, c, machine, "protocols", 0)
}

// Components lists the firmware that a machine's BMC tells of.
func (c *Client) Components(ctx context.Context, machine string) ([]bmc.Component, error) {
	return bmcList[bmc.Component](ctx, c, machine, "firmware", 0)
}

// Subscriptions lists where a machine's BMC sends its events.
func (c *Client) Subscriptions(ctx context.Context, machine string) ([]bmc.Subscription, error) {
	return bmcList[bmc.Subscription](ctx, c, machine, "subscriptions", 0)
}

// BMCLog reads the newest entries of the BMC's log, newest first; a limit of 0 is the
// server's.
func (c *Client) BMCLog(ctx context.Context, machine string, limit int) ([]bmc.Entry, error) {
	return bmcList[bmc.Entry](ctx, c, machine, "log", limit)
}

// Manage begins one change at a machine's BMC.
func (c *Client) Manage(ctx context.Context, machine string, o deploy.BMCOrder) (deploy.Operation, error) {
	return call[deploy.Operation](ctx, c, http.MethodPost, machinePath(machine, "/actions/bmc"), nil, wire.Manage{BMCOrder: o})
}
