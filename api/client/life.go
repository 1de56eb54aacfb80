package client

import (
	"context"
	"net/http"
	"time"

	"rackwright/api/wire"
	"rackwright/inventory"
)

// Gates says what opens each phase of a machine and what is lacking.
func (c *Client) Gates(ctx context.Context, machine string) ([]inventory.Gate, error) {
	l, err := call[wire.List[inventory.Gate]](ctx, c, http.MethodGet, machinePath(machine, "/gates"), nil, nil)
	return l.Items, err
}

// Identifiers says by what a machine was seen.
func (c *Client) Identifiers(ctx context.Context, machine string) ([]inventory.Identifier, error) {
	return all[inventory.Identifier](ctx, c, machinePath(machine, "/identifiers"), nil)
}

// History returns a machine and those whose place it took, the newest first.
func (c *Client) History(ctx context.Context, machine string) ([]inventory.Machine, error) {
	return all[inventory.Machine](ctx, c, machinePath(machine, "/history"), nil)
}

// Hold keeps a machine in maintenance; 0 is as long as the server likes.
func (c *Client) Hold(ctx context.Context, machine, reason string, long time.Duration) (inventory.Machine, error) {
	in := wire.Keep{Reason: reason}
	if long != 0 {
		in.For = long.String()
	}
	return call[inventory.Machine](ctx, c, http.MethodPost, machinePath(machine, "/hold"), nil, in)
}

// HoldOf returns the hold of a machine; NotFound while nobody holds it.
func (c *Client) HoldOf(ctx context.Context, machine string) (inventory.Hold, error) {
	return call[inventory.Hold](ctx, c, http.MethodGet, machinePath(machine, "/hold"), nil, nil)
}

// ReleaseHold ends a hold.
func (c *Client) ReleaseHold(ctx context.Context, machine string) (inventory.Machine, error) {
	return call[inventory.Machine](ctx, c, http.MethodDelete, machinePath(machine, "/hold"), nil, nil)
}

// Retire takes a machine out for good.
func (c *Client) Retire(ctx context.Context, machine string, r inventory.Retirement) (inventory.Machine, error) {
	return call[inventory.Machine](ctx, c, http.MethodPost, machinePath(machine, "/retire"), nil, r)
}

// Replace puts new hardware in a machine's place and returns the new machine.
func (c *Client) Replace(ctx context.Context, machine string, r inventory.Replacement) (inventory.Machine, error) {
	return call[inventory.Machine](ctx, c, http.MethodPost, machinePath(machine, "/replace"), nil, r)
}
