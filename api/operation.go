package api

import (
	"context"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
	"rackwright/store"
)

// maxWait bounds a long poll.
const maxWait = time.Minute

type operationsIn struct {
	Machine string   `query:"machine" maxLength:"128" doc:"Machine id or name"`
	Rack    string   `query:"rack" maxLength:"63" doc:"Only those on machines that stand in this rack"`
	Kinds   []string `query:"kind,explode" maxItems:"10" enum:"deploy,inspect,power,locate,bmc,claim,firmware,erase,burn-in,rescue" doc:"Only those of this kind; may be repeated, for any of them"`
	Open    bool     `query:"open" doc:"Only those that have not ended"`
	States  []string `query:"state,explode" maxItems:"6" enum:"queued,running,parked,succeeded,failed,cancelled" doc:"Only those in this state; may be repeated, for any of them"`
	Limit   int      `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"At most so many"`
	BehindIn
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
		func(ctx context.Context, in *steerIn) (*operationOut, error) {
			return s.steer(ctx, in, s.Store.CancelOperation)
		})
	route(s, tag(op("POST", "/operations/{id}/retry", "retry-operation", "Let a parked operation go on: what stopped it is checked again")),
		func(ctx context.Context, in *steerIn) (*operationOut, error) {
			return s.steer(ctx, in, s.Store.RetryOperation)
		})
	route(s, tag(op("GET", "/operations/{id}/log", "operation-log", "What happened in an operation, oldest first")), s.operationLog)
}

type steerIn struct {
	OperationIn
	TryIn
}

// steer cancels or retries an operation, or says how it would stand then.
func (s *server) steer(ctx context.Context, in *steerIn, turn func(ctx context.Context, id, actor string) (*deploy.Operation, error)) (*operationOut, error) {
	return s.showOperation(ctx)(tried(ctx, s, in.DryRun, func(ctx context.Context) (*deploy.Operation, error) { return turn(ctx, in.ID, actor(ctx)) }))
}

// operationOut is an operation with its version.
type operationOut struct {
	ETag string `header:"ETag"`
	Body deploy.Operation
}

// showOperation answers an operation with how far it is.
func (s *server) showOperation(ctx context.Context) func(*deploy.Operation, error) (*operationOut, error) {
	return func(o *deploy.Operation, err error) (*operationOut, error) {
		if err != nil {
			return nil, err
		}
		out := shown(*o)
		out.Progress = o.HowFar(s.Now(), s.took(ctx, o.Kind))
		return &operationOut{ETag: versionTag(o.Version), Body: out}, nil
	}
}

// enough is of how many earlier operations the steps are measured.
const enough = 20

// history is how long steps took, by kind, as it was known lately.
type history struct {
	mu    sync.Mutex
	kinds map[deploy.Kind]known
}

type known struct {
	took deploy.Durations
	at   time.Time
}

// took is how long the steps of a kind took lately; nil when that cannot be read now.
func (s *server) took(ctx context.Context, kind deploy.Kind) deploy.Durations {
	s.history.mu.Lock()
	k := s.history.kinds[kind]
	s.history.mu.Unlock()
	if s.Now().Sub(k.at) < time.Minute {
		return k.took
	}
	list, err := s.Store.Operations(ctx, store.OperationFilter{Kinds: []string{string(kind)}, States: []string{string(deploy.Succeeded)}, Limit: enough})
	if err != nil {
		return k.took
	}
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	if s.history.kinds == nil {
		s.history.kinds = map[deploy.Kind]known{}
	}
	s.history.kinds[kind] = known{deploy.Took(list), s.Now()}
	return s.history.kinds[kind].took
}

type logIn struct {
	OperationIn
	PageIn
}

func (s *server) operationLog(ctx context.Context, in *logIn) (*body[wire.List[journal.Event]], error) {
	o, err := s.Store.Operation(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.eventPage(ctx, in.PageIn, "id", store.EventFilter{Operation: o.ID})
}

func (s *server) listOperations(ctx context.Context, in *operationsIn) (*body[wire.List[deploy.Operation]], error) {
	f := store.OperationFilter{Rack: in.Rack, Kinds: in.Kinds, States: in.States, Open: in.Open}
	if in.Machine != "" {
		m, err := s.machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		f.Machine = m.ID
	}
	made := byTime("-created", func(o *deploy.Operation) (time.Time, string) { return o.Created, o.ID })
	out, err := keyset(ctx, in.BehindIn, in.Limit, made, func(p store.Page) ([]deploy.Operation, error) {
		f.Page, f.Limit = p, p.Limit
		return s.Store.Operations(ctx, f)
	})
	if err == nil {
		for i, o := range out.Body.Items {
			out.Body.Items[i] = shown(o)
			out.Body.Items[i].Progress = o.HowFar(s.Now(), s.took(ctx, o.Kind))
		}
	}
	return out, err
}

func (s *server) getOperation(ctx context.Context, in *waitIn) (*operationOut, error) {
	wait, err := parseWait(in.Wait)
	if err != nil {
		return nil, err
	}
	return s.showOperation(ctx)(s.waitOperation(ctx, in.ID, in.Version, wait))
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
