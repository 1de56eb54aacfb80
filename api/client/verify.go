package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/inventory/verify"
)

// Verification returns what a machine is to be beside what was observed.
func (c *Client) Verification(ctx context.Context, machine string) (wire.Verification, error) {
	return call[wire.Verification](ctx, c, http.MethodGet, machinePath(machine, "/verification"), nil, nil)
}

// Waive lets differences of a machine pass.
func (c *Client) Waive(ctx context.Context, machine string, w wire.Waive) (inventory.Machine, error) {
	return call[inventory.Machine](ctx, c, http.MethodPost, machinePath(machine, "/waivers"), nil, w)
}

// Waivers returns what lets conditions of a machine pass: all, or of a rule and a subject.
func (c *Client) Waivers(ctx context.Context, machine, rule, on string) ([]wire.GivenWaiver, error) {
	return all[wire.GivenWaiver](ctx, c, machinePath(machine, "/waivers"), query("rule", rule, "on", on))
}

// Unwaive ends a waiver that was given by hand.
func (c *Client) Unwaive(ctx context.Context, machine, rule, on string) (inventory.Machine, error) {
	return call[inventory.Machine](ctx, c, http.MethodDelete, machinePath(machine, "/waivers"), query("rule", rule, "on", on), nil)
}

// MachineParts returns a machine's components as they came and went, newest first.
func (c *Client) MachineParts(ctx context.Context, machine string) ([]inventory.Part, error) {
	return all[inventory.Part](ctx, c, machinePath(machine, "/parts"), nil)
}

// Parts says through which machines a part went, newest first.
func (c *Client) Parts(ctx context.Context, serial string) ([]inventory.Part, error) {
	return all[inventory.Part](ctx, c, "/parts", query("serial", serial))
}

// Cabling returns the mistakes in a rack's cables and the moves that mend them.
func (c *Client) Cabling(ctx context.Context, rack string) (verify.Wiring, error) {
	return call[verify.Wiring](ctx, c, http.MethodGet, "/racks/"+url.PathEscape(rack)+"/cabling", nil, nil)
}
