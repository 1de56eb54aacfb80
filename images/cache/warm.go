package cache

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"rackwright/images"
)

// Warm fetches all chunks of an image, a few at a time, and tells how many of them are
// there.
func (c *Cache) Warm(ctx context.Context, digest, ticket string, told func(done, total int)) error {
	text, err := c.Manifest(ctx, digest, ticket)
	if err != nil {
		return err
	}
	m, err := images.DecodeManifest(text, digest)
	if err != nil {
		return err
	}
	var names []string
	seen := map[string]bool{}
	for _, chunk := range m.Chunks {
		if !seen[chunk.Blob] {
			seen[chunk.Blob] = true
			names = append(names, chunk.Blob)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	var came atomic.Int64
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			err := c.fill(ctx, name, ticket)
			if err == nil {
				told(int(came.Add(1)), len(names))
			}
			return err
		})
	}
	return g.Wait()
}

// fill waits until a chunk is there.
func (c *Cache) fill(ctx context.Context, blob, ticket string) error {
	file, growing, err := c.Chunk(ctx, blob, ticket)
	if err != nil {
		return err
	}
	defer file.Close()
	if growing == nil {
		return nil
	}
	_, err = growing.Grown(ctx, growing.Size()-1)
	return err
}
