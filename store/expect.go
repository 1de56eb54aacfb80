package store

import (
	"context"
	"errors"

	"rackwright/fault"
)

// ErrChanged is the cause of a Conflict because a thing is not as its sender had seen it.
var ErrChanged = errors.New("another version")

type expectKey struct{}

type expected struct {
	noun    string
	version int64
}

// Expect makes changes of the one machine or operation that a call is about depend on its
// version: one that finds another version is Conflict by ErrChanged and writes nothing.
// noun is machines or operations; others have no effect.
func Expect(ctx context.Context, noun string, version int64) context.Context {
	return context.WithValue(ctx, expectKey{}, expected{noun, version})
}

// asSeen refuses what is not of the version that the call expects.
func asSeen(ctx context.Context, noun, name string, version int64) error {
	e, ok := ctx.Value(expectKey{}).(expected)
	if !ok || e.noun != noun || e.version == version {
		return nil
	}
	return &fault.Error{Kind: fault.Conflict, Message: name + " was changed since it was seen", Hint: "look at it again and decide anew", Err: ErrChanged}
}
