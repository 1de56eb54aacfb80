package store

import (
	"context"

	"rackwright/access"
)

type boundedKey struct{}

// Bounded holds what is written where somebody says they stand to a scope, in the transaction
// that writes it: a scan that binds, and the word of a cache. What is beyond is NotFound.
func Bounded(ctx context.Context, scope access.Scope) context.Context {
	return context.WithValue(ctx, boundedKey{}, scope)
}

// holds reports whether a place is within the scope that a call is bounded to.
func holds(ctx context.Context, site, rack string) bool {
	s, ok := ctx.Value(boundedKey{}).(access.Scope)
	return !ok || s.Whole() || s.Holds(access.Place{Site: site, Rack: rack})
}

// boundedRack is NotFound for a rack beyond.
func boundedRack(ctx context.Context, q queryer, name string) error {
	r, err := rack(ctx, q, name)
	if err == nil && !holds(ctx, r.Site, r.Name) {
		return noRack(name)
	}
	return err
}
