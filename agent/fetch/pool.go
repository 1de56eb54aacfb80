// Package fetch gets the chunks of images from whichever source has them, the near ones
// before the far, and proves each by its digest. It writes nothing.
package fetch

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/images"
)

// Source has chunks. Several may be asked for at a time.
type Source interface {
	// Get fills frame with the chunk of that name and that size.
	Get(ctx context.Context, blob string, frame []byte) error
}

// Pool is the sources of one image, nearest first. The last one has every chunk and is
// waited for when all fail; the others may lack some, be slow, or lie.
type Pool struct {
	backoff func(ctx context.Context, failures int) error
	now     func() time.Time
	grace   time.Duration
	sum     func([]byte) [32]byte // SHA-256

	mu    sync.Mutex
	known []*source
}

// New makes a pool. Backoff waits before every source is asked again, having failed so many
// times in a row; its error ends patience. Now is a clock that does not jump.
func New(sources []Source, backoff func(ctx context.Context, failures int) error, now func() time.Time) *Pool {
	p := &Pool{backoff: backoff, now: now, grace: 5 * time.Second, sum: quickSHA256()}
	for _, s := range sources {
		p.known = append(p.known, &source{Source: s})
	}
	return p
}

// Fetch fills frame, whose length is c.Packed, with the bytes whose SHA-256 is c.Blob.
// Errors are faults: Conflict when the last source has other bytes, ctx's, and what the
// last source said when patience is spent or will not help.
func (p *Pool) Fetch(ctx context.Context, c images.Chunk, frame []byte) error {
	damaged := 0
	for failures := 1; ; failures++ {
		err := p.round(ctx, c, frame)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errDamaged):
			if damaged++; damaged > 1 { // once, a bit may have flipped on the way
				return fault.Conflictf("the chunk for byte %d is damaged in every source: %w", c.Offset, err)
			}
		case !fault.Is(err, fault.Unreachable):
			return err
		}
		if wait := p.backoff(ctx, failures); wait != nil {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// round asks one source after the other until one gives the chunk. The error is that of the
// last source.
func (p *Pool) round(ctx context.Context, c images.Chunk, frame []byte) error {
	asked := make([]bool, len(p.known))
	for {
		i := p.choose(asked)
		if i < 0 {
			return fault.Internalf("there is no source of chunks")
		}
		asked[i] = true
		err := p.try(ctx, i, c, frame)
		if err == nil || ctx.Err() != nil || i == len(p.known)-1 {
			return err
		}
	}
}

// errDamaged means that a source gave other bytes than were asked for.
var errDamaged = errors.New("its SHA-256 is another")

// try asks one source and remembers how that went.
func (p *Pool) try(ctx context.Context, i int, c images.Chunk, frame []byte) error {
	last := i == len(p.known)-1
	asking, cancel := ctx, context.CancelFunc(func() {})
	if !last {
		asking, cancel = context.WithTimeout(ctx, p.allowance(len(frame)))
	}
	defer cancel()
	began := p.now()
	err := p.known[i].Get(asking, c.Blob, frame)
	took := p.now().Sub(began)
	if sum := p.sum(frame); err == nil && hex.EncodeToString(sum[:]) != c.Blob {
		err = fault.New(fault.Unreachable, "chunk %.16s: %w", c.Blob, errDamaged)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[i].probing = false
	if err == nil {
		p.known[i].succeeded(len(frame), took)
		for _, nearer := range p.known[:i] {
			nearer.rate *= forgive
		}
	} else if ctx.Err() == nil {
		p.known[i].failed(err, p.now())
	}
	return err
}

// slow is the rate in bytes a second below which a source is given up for the next.
const slow = 128 << 10

// allowance is how long a source may take over n bytes while there is another to ask.
func (p *Pool) allowance(n int) time.Duration {
	return p.grace + time.Duration(n)*time.Second/slow
}
