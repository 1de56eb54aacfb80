package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/store"
)

// maxWait bounds a long poll.
const maxWait = time.Minute

type operationsIn struct {
	Machine string `query:"machine" maxLength:"128" doc:"Machine id or name"`
	Kind    string `query:"kind" enum:"deploy,inspect,power,locate,bmc,claim,firmware,erase,burn-in,rescue" doc:"Only those of this kind"`
	Open    bool   `query:"open" doc:"Only those that have not ended"`
	Limit   int    `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"The newest so many"`
}

// OperationIn names an operation.
type OperationIn struct {
	ID string `path:"id" minLength:"1" maxLength:"64" doc:"Operation id"`
}

type waitIn struct {
	OperationIn
	Wait    string `query:"wait" maxLength:"16" doc:"How long to wait for a change, e.g. 20s; at most 60s"`
	Version int64  `query:"version" minimum:"0" doc:"Version already seen: answers as soon as it is another. Without it only the end is waited for"`
}

func (s *server) operations() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"operations"}; return o }
	route(s, tag(op("GET", "/operations", "list-operations", "Operations, newest first")), s.listOperations)
	route(s, tag(op("GET", "/operations/{id}", "get-operation", "One operation; waits for a change if asked to")), s.getOperation)
	route(s, tag(op("POST", "/operations/{id}/cancel", "cancel-operation", "End an operation at its next safe point")),
		func(ctx context.Context, in *OperationIn) (*body[deploy.Operation], error) {
			return showOperation(s.Store.CancelOperation(ctx, in.ID, actor(ctx)))
		})
	route(s, tag(op("POST", "/operations/{id}/retry", "retry-operation", "Let a parked operation go on")),
		func(ctx context.Context, in *OperationIn) (*body[deploy.Operation], error) {
			return showOperation(s.Store.RetryOperation(ctx, in.ID, actor(ctx)))
		})
}

func showOperation(o *deploy.Operation, err error) (*body[deploy.Operation], error) {
	if err != nil {
		return nil, err
	}
	return &body[deploy.Operation]{shown(*o)}, nil
}

func (s *server) listOperations(ctx context.Context, in *operationsIn) (*body[wire.List[deploy.Operation]], error) {
	f := store.OperationFilter{Kind: in.Kind, Open: in.Open, Limit: in.Limit}
	if in.Machine != "" {
		m, err := s.Store.Machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		f.Machine = m.ID
	}
	out, err := listOf(s.Store.Operations(ctx, f))
	if err == nil {
		for i, o := range out.Body.Items {
			out.Body.Items[i] = shown(o)
		}
	}
	return out, err
}

func (s *server) getOperation(ctx context.Context, in *waitIn) (*body[deploy.Operation], error) {
	wait, err := parseWait(in.Wait)
	if err != nil {
		return nil, err
	}
	return showOperation(s.waitOperation(ctx, in.ID, in.Version, wait))
}

func parseWait(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, badQuery("wait", "is not a duration like 20s")
	}
	return min(d, maxWait), nil
}

// waitOperation returns the operation when it is another version than the one seen, or
// has ended, or the time is over.
func (s *server) waitOperation(ctx context.Context, id string, seen int64, wait time.Duration) (*deploy.Operation, error) {
	wake, stop := s.Store.NewEvents()
	defer stop()
	over := time.NewTimer(wait)
	defer over.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		o, err := s.Store.Operation(ctx, id)
		if err != nil || wait == 0 || o.State.Ended() || (seen > 0 && o.Version != seen) {
			return o, err
		}
		select {
		case <-wake:
		case <-tick.C:
		case <-over.C:
			return o, nil
		case <-ctx.Done():
			return nil, fault.Unreachablef("the server is stopping").WithHint("ask again")
		}
	}
}
