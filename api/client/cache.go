package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/api/wire"
	"rackwright/images"
)

// Caches returns the caches of image chunks.
func (c *Client) Caches(ctx context.Context) ([]images.Cache, error) {
	return all[images.Cache](ctx, c, "/caches", nil)
}

// Cache returns a cache by name.
func (c *Client) Cache(ctx context.Context, name string) (images.Cache, error) {
	return call[images.Cache](ctx, c, http.MethodGet, "/caches/"+url.PathEscape(name), nil, nil)
}

// BeatCache says how a cache stands and returns what it is to do.
func (c *Client) BeatCache(ctx context.Context, name string, b wire.CacheBeat) (wire.CacheOrders, error) {
	return call[wire.CacheOrders](ctx, c, http.MethodPut, "/caches/"+url.PathEscape(name), nil, b)
}

// ForgetCache forgets a cache.
func (c *Client) ForgetCache(ctx context.Context, name string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "/caches/"+url.PathEscape(name), nil, nil)
	return err
}
