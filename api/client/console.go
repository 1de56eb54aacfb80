package client

import (
	"context"
	"net/http"

	"rackwright/api/wire"
)

// ConsoleText is what a machine said on its serial console behind a place; 0 is all that
// is kept.
func (c *Client) ConsoleText(ctx context.Context, machine string, after int64) (wire.ConsoleText, error) {
	return call[wire.ConsoleText](ctx, c, http.MethodGet, machinePath(machine, "/console"), query("after", number(after)), nil)
}

// TrustConsole forgets the host key that a console showed first.
func (c *Client) TrustConsole(ctx context.Context, machine string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, machinePath(machine, "/console/key"), nil, nil)
	return err
}
