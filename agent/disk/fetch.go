package disk

import (
	"context"

	"rackwright/fault"
	"rackwright/images"
)

// Fetcher gets chunks, several at a time, and is patient: its error ends the write.
type Fetcher interface {
	// Fetch fills frame, whose length is c.Packed, with the bytes whose SHA-256 is c.Blob.
	// An error of kind Conflict says that there are only others.
	Fetch(ctx context.Context, c images.Chunk, frame []byte) error
}

func fetchProblem(err error) error {
	if fault.Is(err, fault.Conflict) {
		return &Problem{CauseDigest, fault.Conflictf("%w", err).
			WithHint("add the image to the server again; what is stored there is damaged")}
	}
	return &Problem{CauseFetch, fault.New(fault.KindOf(err), "image data cannot be fetched: %w", err).
		WithHint("see the server's log and the machine's link, then deploy again")}
}
