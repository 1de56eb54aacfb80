package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/fault"
)

// settled reports whether an operation goes no further by itself.
func settled(o deploy.Operation) bool { return o.State.Ended() || o.State == deploy.Parked }

// update is the newest state of the i-th operation, or why it cannot be had.
type update struct {
	i   int
	op  deploy.Operation
	err error
}

// follow shows operations until all are settled. The error says how the first of them
// ended badly.
func (w *world) follow(ctx context.Context, cl *client.Client, ops []deploy.Operation, timeout time.Duration) error {
	if err := w.await(ctx, cl, ops, timeout); err != nil {
		return err
	}
	if err := verdict(ops); err != nil || w.format == "table" {
		return err
	}
	return w.show(ops, func(io.Writer) {})
}

// await shows operations until all are settled, and leaves in ops how.
func (w *world) await(ctx context.Context, cl *client.Client, ops []deploy.Operation, timeout time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(<-chan time.Time)
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		over = t.C
	}
	updates, open := make(chan update), 0
	screen := w.screen(ops)
	defer screen.close()
	for _, o := range ops {
		if !settled(o) {
			open++
		}
	}
	if open > 0 {
		go track(ctx, cl, slices.Clone(ops), updates)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for open > 0 {
		select {
		case u := <-updates:
			if u.err != nil {
				return u.err
			}
			was := settled(ops[u.i])
			if ops[u.i] = u.op; !was && settled(u.op) {
				open--
			}
			screen.changed(u.i, u.op)
		case <-tick.C:
			screen.draw()
		case <-over:
			return fault.Unreachablef("not ended within %s: %d of %d", timeout, open, len(ops)).WithHint("the work goes on; 'rackwright watch' follows it again")
		case <-ctx.Done():
			return badly("the work goes on; 'rackwright watch' follows it again", "interrupted")
		}
	}
	return nil
}

// track sends each new version of operations, until ctx ends. A server that is away for a
// moment, as when it is restarted, is asked again for two minutes or so.
func track(ctx context.Context, cl *client.Client, ops []deploy.Operation, to chan<- update) {
	const patience = 4 // streams in a row that brought nothing; each tries ten times
	for failures := 0; ; {
		err := trackOnce(ctx, cl, ops, func(i int, o deploy.Operation) error {
			if failures = 0; o.Version <= ops[i].Version {
				return nil
			}
			ops[i] = o
			select {
			case to <- update{i: i, op: o}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if failures++; fault.Is(err, fault.Unreachable) && failures < patience && pause(ctx, 2*time.Second) {
			continue
		}
		select {
		case to <- update{err: err}:
		case <-ctx.Done():
		}
		return
	}
}

// trackOnce looks at operations and then follows the stream of all: what happens between
// the two is behind the event that was the last before the look.
func trackOnce(ctx context.Context, cl *client.Client, ops []deploy.Operation, tell func(int, deploy.Operation) error) error {
	last, err := cl.LastEvent(ctx)
	if err != nil {
		return err
	}
	index, open := map[string]int{}, map[string]deploy.Operation{}
	for i, o := range ops {
		index[o.ID] = i
	}
	page, err := cl.OperationPage(ctx, client.OperationQuery{Open: true, Limit: 1000})
	if err != nil {
		return err
	}
	for _, o := range page.Items {
		open[o.ID] = o
	}
	for i, o := range ops {
		now, ok := open[o.ID]
		if !ok && !o.State.Ended() {
			if now, err = cl.Operation(ctx, o.ID); err != nil {
				return err
			}
		}
		if err := tell(i, now); err != nil {
			return err
		}
	}
	q := client.StreamQuery{After: last}
	if len(ops) == 1 {
		q.Operation = ops[0].ID
	}
	return cl.WatchOperations(ctx, q, func(o deploy.Operation) error {
		if i, ok := index[o.ID]; ok {
			return tell(i, o)
		}
		return nil
	})
}

// pause waits and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// verdict is nil when all operations succeeded.
func verdict(ops []deploy.Operation) error {
	var first *deploy.Operation
	bad := 0
	for i := range ops {
		if ops[i].State != deploy.Succeeded {
			if bad++; first == nil {
				first = &ops[i]
			}
		}
	}
	if first == nil {
		return nil
	}
	text := fmt.Sprintf("%s of %s %s", first.Kind, first.Name, ended(*first))
	if len(ops) > 1 {
		text = fmt.Sprintf("%d of %d operations did not end well; %s", bad, len(ops), text)
	}
	hint := first.Hint
	if hint == "" && first.State == deploy.Parked {
		hint = "then 'rackwright operation retry " + first.ID + "'"
	}
	return badly(hint, "%s", text)
}

// ended says how an operation stands for who waits for it.
func ended(o deploy.Operation) string {
	why := ""
	if o.Message != "" {
		why = ": " + o.Message
	}
	if o.Reason != "" {
		why = " (" + o.Reason + ")" + why
	}
	switch s := o.Step(); {
	case o.State == deploy.Parked && s != nil:
		return fmt.Sprintf("needs hands at %q%s", s.Title, why)
	case o.State == deploy.Parked:
		return "needs hands" + why
	case o.State == deploy.Failed:
		return "failed" + why
	}
	return string(o.State) + why
}
