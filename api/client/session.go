package client

import (
	"context"
	"net/http"

	"rackwright/access"
	"rackwright/api/wire"
)

// LoginTerms returns how people log in to the server.
func (c *Client) LoginTerms(ctx context.Context) (access.LoginTerms, error) {
	return call[access.LoginTerms](ctx, c, http.MethodGet, "/sessions/terms", nil, nil)
}

// OpenSession logs a person in, and tells the session's secret this once.
func (c *Client) OpenSession(ctx context.Context, p access.LoginProof) (wire.TokenGiven, error) {
	return call[wire.TokenGiven](ctx, c, http.MethodPost, "/sessions", nil, p)
}

// OpenRackSession uses a rack's code up, and tells the session's secret this once.
func (c *Client) OpenRackSession(ctx context.Context, u wire.CodeUse) (wire.TokenGiven, error) {
	return call[wire.TokenGiven](ctx, c, http.MethodPost, "/sessions/rack", nil, u)
}

// EndSession ends the session that this client asks with.
func (c *Client) EndSession(ctx context.Context) (access.Token, error) {
	return call[access.Token](ctx, c, http.MethodDelete, "/sessions/current", nil, nil)
}

// AddRackCode gives a code that opens a technician's session for a rack.
func (c *Client) AddRackCode(ctx context.Context, rack string, o wire.CodeOrder) (wire.CodeGiven, error) {
	return call[wire.CodeGiven](ctx, c, http.MethodPost, rackPath(rack, "/codes"), nil, o)
}

// EndRackCodes takes back the codes of a rack that nobody has used.
func (c *Client) EndRackCodes(ctx context.Context, rack string) (wire.CodesEnded, error) {
	return call[wire.CodesEnded](ctx, c, http.MethodDelete, rackPath(rack, "/codes"), nil, nil)
}
