package client

import (
	"context"
	"net/http"

	"rackwright/api/wire"
	"rackwright/boot/attempt"
)

// mostBoots is how many boots a page has at most: the server makes each of many events.
const mostBoots = 100

// Boots returns the newest so many tries of a machine to boot, the newest first; 0: all.
func (c *Client) Boots(ctx context.Context, machine string, limit int) ([]attempt.Attempt, error) {
	page := mostBoots
	if limit > 0 {
		page = min(limit, page)
	}
	list, err := most[attempt.Attempt](ctx, c, limit, machinePath(machine, "/boots"), query("limit", number(int64(page))))
	return list, err
}

// Trace returns the last DHCP packets of a machine that the server has in memory.
func (c *Client) Trace(ctx context.Context, machine string) (wire.Trace, error) {
	return call[wire.Trace](ctx, c, http.MethodGet, machinePath(machine, "/trace"), nil, nil)
}

// TracePCAP returns the same packets as a capture file.
func (c *Client) TracePCAP(ctx context.Context, machine string) ([]byte, error) {
	return c.bytes(ctx, machinePath(machine, "/trace.pcap"), nil)
}

// TraceStrangers returns the last DHCP packets of machines in no plan, of a MAC, by a relay
// and a circuit of it; an empty value is any.
func (c *Client) TraceStrangers(ctx context.Context, mac, relay, circuit string) (wire.Trace, error) {
	return call[wire.Trace](ctx, c, http.MethodGet, "/dhcp/trace", query("mac", mac, "relay", relay, "circuit", circuit), nil)
}
