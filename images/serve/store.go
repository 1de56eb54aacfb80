package serve

import (
	"context"
	"os"

	"rackwright/fault"
	"rackwright/images/cache"
)

// Local is a store that has whole chunks.
type Local interface {
	Chunk(blob string) (*os.File, error)
	Manifest(digest string) ([]byte, error)
}

// Shelves are a server's own store and, behind it, a cache of another's: nil for none.
type Shelves struct {
	Store Local
	Cache Shelf
}

// Chunk opens a chunk of the store, else of the cache.
func (s Shelves) Chunk(ctx context.Context, blob, ticket string) (*os.File, cache.Growing, error) {
	f, err := s.Store.Chunk(blob)
	if s.Cache != nil && fault.Is(err, fault.NotFound) {
		return s.Cache.Chunk(ctx, blob, ticket)
	}
	return f, nil, err
}

// Manifest reads a manifest of the store, else of the cache.
func (s Shelves) Manifest(ctx context.Context, digest, ticket string) ([]byte, error) {
	b, err := s.Store.Manifest(digest)
	if s.Cache != nil && fault.Is(err, fault.NotFound) {
		return s.Cache.Manifest(ctx, digest, ticket)
	}
	return b, err
}
