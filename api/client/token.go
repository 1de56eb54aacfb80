package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"rackwright/access"
	"rackwright/api/wire"
)

func tokenPath(token, rest string) string { return "/tokens/" + url.PathEscape(token) + rest }

// Whoami returns who this client is to the server, and what it may.
func (c *Client) Whoami(ctx context.Context) (wire.Whoami, error) {
	return call[wire.Whoami](ctx, c, http.MethodGet, "/whoami", nil, nil)
}

// Tokens returns all tokens by name, with those that were revoked if asked to.
func (c *Client) Tokens(ctx context.Context, revoked bool) ([]access.Token, error) {
	return all[access.Token](ctx, c, "/tokens", query("revoked", flag(revoked)))
}

// Token returns a token by id or name.
func (c *Client) Token(ctx context.Context, token string) (access.Token, error) {
	return call[access.Token](ctx, c, http.MethodGet, tokenPath(token, ""), nil, nil)
}

// AddToken gives a token, and tells its secret this once.
func (c *Client) AddToken(ctx context.Context, g access.Grant) (wire.TokenGiven, error) {
	return call[wire.TokenGiven](ctx, c, http.MethodPost, "/tokens", nil, g)
}

// RotateToken gives a token another secret; a zero time leaves its end.
func (c *Client) RotateToken(ctx context.Context, token string, expires time.Time) (wire.TokenGiven, error) {
	return call[wire.TokenGiven](ctx, c, http.MethodPost, tokenPath(token, "/rotate"), nil, wire.TokenRotation{Expires: expires})
}

// RevokeToken ends a token for good.
func (c *Client) RevokeToken(ctx context.Context, token string) (access.Token, error) {
	return call[access.Token](ctx, c, http.MethodDelete, tokenPath(token, ""), nil, nil)
}
