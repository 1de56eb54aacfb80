package stream

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// Reader is one who follows a feed.
type Reader[F any] struct {
	After int64        // the id it has seen; negative: it wants what happens from now on
	Wants func(F) bool // its filter, and what it may see
	// Behind reads what is older than the feed has at hand, in pages: what it wants behind
	// an id and up to another at most, and up to which id that is all.
	Behind func(ctx context.Context, after, until int64) (entries []Entry[F], upTo int64, err error)
	// Still is asked with each heartbeat whether the reader may go on; nil: it may.
	Still func(ctx context.Context) bool
}

// Out takes messages, each whole, within a time of its own.
type Out interface{ Write(p []byte) error }

// block is how much is sent at a time.
const block = 32 << 10

// blocks are reused: a reader needs one only for a moment.
var blocks = sync.Pool{New: func() any { b := make([]byte, 0, block); return &b }}

// Join adds a reader. What it returns sends it what it wants until ctx ends (nil), the
// reader does not take what it is sent, or its time is over (nil), and must be called.
// Nothing is queued for a reader: it only has a position.
func (f *Feed[F]) Join(ctx context.Context, r Reader[F]) (serve func(ctx context.Context, out Out) error, err error) {
	ring, err := f.join(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, out Out) error {
		defer f.leave()
		return f.follow(ctx, out, &r, ring)
	}, nil
}

func (f *Feed[F]) follow(ctx context.Context, out Out, r *Reader[F], ring *ring[F]) error {
	now := ring.behind(0)
	if r.After < 0 || r.After > now.cursor {
		r.After = now.cursor
	}
	ends := time.Now().Add(longest)
	beats := now.beats
	if err := out.Write(cursor(r.After, ": follows")); err != nil { // for who comes back before the first event
		return err
	}
	for {
		pos, err := f.catchUp(ctx, out, r, ring)
		if err != nil {
			return err
		}
		for {
			n := ring.behind(pos)
			if n.lost {
				break // the ring turned meanwhile
			}
			sent, err := send(out, n.entries, r.Wants)
			if err != nil {
				return err
			}
			pos, r.After = n.pos, n.cursor
			if n.beats != beats {
				beats = n.beats
				if time.Now().After(ends) || r.Still != nil && !r.Still(ctx) {
					return nil
				}
				if !sent {
					if err := out.Write(cursor(r.After, ": still here")); err != nil {
						return err
					}
				}
			}
			select {
			case <-n.more:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// cursor is a message that tells where the reader is, and nothing else (WHATWG HTML,
// section 9.2.6: a message without data only sets the last event id).
func cursor(id int64, comment string) []byte {
	b := strconv.AppendInt(append(make([]byte, 0, 40), "id: "...), id, 10)
	b = append(b, '\n')
	b = append(b, comment...)
	return append(b, "\n\n"...)
}

// catchUp brings a reader to where the ring begins, a page at a time.
func (f *Feed[F]) catchUp(ctx context.Context, out Out, r *Reader[F], ring *ring[F]) (pos int64, err error) {
	for {
		if pos, ok := ring.place(r.After); ok {
			return pos, nil
		}
		entries, upTo, err := f.page(ctx, r, ring.last())
		if err != nil {
			return 0, err
		}
		sent, err := send(out, entries, r.Wants)
		if err != nil {
			return 0, err
		}
		r.After = max(upTo, r.After+1)
		if !sent {
			if err := out.Write(cursor(r.After, ": on the way")); err != nil {
				return 0, err
			}
		}
	}
}

// page reads a page for one of the few who may at a time.
func (f *Feed[F]) page(ctx context.Context, r *Reader[F], until int64) ([]Entry[F], int64, error) {
	select {
	case f.late <- struct{}{}:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	defer func() { <-f.late }()
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	return r.Behind(ctx, r.After, until)
}

// send writes the entries that are wanted, and of several with one key the last.
func send[F any](out Out, entries []Entry[F], wants func(F) bool) (sent bool, err error) {
	if len(entries) == 1 { // as nearly always
		if !wants(entries[0].Facts) {
			return false, nil
		}
		return true, out.Write(entries[0].Text)
	}
	if len(entries) == 0 {
		return false, nil
	}
	return sendMany(out, entries, wants)
}

func sendMany[F any](out Out, entries []Entry[F], wants func(F) bool) (sent bool, err error) {
	p := blocks.Get().(*[]byte)
	b := (*p)[:0]
	defer func() {
		if cap(b) <= 2*block {
			*p = b
			blocks.Put(p)
		}
	}()
	newest := lastOfKey(entries)
	for i := range entries {
		e := &entries[i]
		if e.Key != "" && newest[e.Key] != i || !wants(e.Facts) {
			continue
		}
		sent = true
		if len(b) > 0 && len(b)+len(e.Text) > block {
			if err := out.Write(b); err != nil {
				return true, err
			}
			b = b[:0]
		}
		b = append(b, e.Text...)
	}
	if len(b) > 0 {
		err = out.Write(b)
	}
	return sent, err
}

func lastOfKey[F any](entries []Entry[F]) map[string]int {
	if entries[0].Key == "" {
		return nil
	}
	newest := make(map[string]int, len(entries))
	for i := range entries {
		newest[entries[i].Key] = i
	}
	return newest
}
