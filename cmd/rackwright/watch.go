package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/fault"
)

func watchCommand(w *world) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{Use: "watch [MACHINE...]", Short: "Follow operations until they end", Args: names(0, -1),
		Long: "Follow the newest operation of each machine, or every open one. On a terminal each has a bar;\n" +
			"elsewhere each change is a line. Ends with status 0 when all ended well, else with 1 and the reason.",
		Example: "  rackwright watch\n  rackwright watch r1-u10 r1-u11 --timeout 30m",
		RunE: func(c *cobra.Command, machines []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			ops, err := newest(c.Context(), cl, machines)
			if err != nil {
				return err
			}
			if len(ops) == 0 {
				fmt.Fprintln(w.err, "No operation is open.")
				return nil
			}
			return w.follow(c.Context(), cl, ops, timeout)
		}}
	c.Flags().DurationVar(&timeout, "timeout", 0, "stop watching after this `time` (the work goes on)")
	return c
}

// newest returns each machine's newest operation, or every open one.
func newest(ctx context.Context, cl *client.Client, machines []string) ([]deploy.Operation, error) {
	if len(machines) == 0 {
		return cl.Operations(ctx, client.OperationQuery{Open: true, Limit: 1000})
	}
	var ops []deploy.Operation
	for _, m := range machines {
		list, err := cl.Operations(ctx, client.OperationQuery{Machine: m, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fault.NotFoundf("%s never had an operation", m).WithHint("begin one with 'rackwright deploy' or 'rackwright inspect'")
		}
		ops = append(ops, list[0])
	}
	return ops, nil
}

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
	for i, o := range ops {
		if !settled(o) {
			open++
			go poll(ctx, cl, i, o, updates)
		}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for open > 0 {
		select {
		case u := <-updates:
			if u.err != nil {
				return u.err
			}
			if ops[u.i] = u.op; settled(u.op) {
				open--
			}
			screen.changed(u.i, u.op)
		case <-tick.C:
			screen.draw()
		case <-over:
			return badly("the work goes on; 'rackwright watch' follows it again", "not ended within %s: %d of %d", timeout, open, len(ops))
		case <-ctx.Done():
			return badly("the work goes on; 'rackwright watch' follows it again", "interrupted")
		}
	}
	screen.close()
	if err := verdict(ops); err != nil || w.format == "table" {
		return err
	}
	return w.show(ops, func(io.Writer) {})
}

// poll sends each new version of an operation until it is settled. A server that is away
// for a moment, as when it is restarted, is asked again for two minutes.
func poll(ctx context.Context, cl *client.Client, i int, o deploy.Operation, to chan<- update) {
	for failures := 0; ; {
		next, err := cl.WaitOperation(ctx, o.ID, o.Version, 20*time.Second)
		if failures++; fault.Is(err, fault.Unreachable) && failures < 60 && pause(ctx, 2*time.Second) {
			continue
		}
		if err == nil {
			failures = 0
			if next.Version == o.Version && !settled(next) {
				continue
			}
			o = next
		}
		select {
		case to <- update{i, o, err}:
		case <-ctx.Done():
			return
		}
		if err != nil || settled(o) {
			return
		}
	}
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
