package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// feed is by which stream a command learns that it should look again.
type feed int

const (
	polled       feed = iota // by none: there is no stream of it
	byMachines               // states of machines
	byOperations             // states of operations
	byEvents                 // all that happens
)

// How often is looked without a word of the stream, and at most with one.
const (
	lookAnyway = 30 * time.Second
	lookPolled = 2 * time.Second
	lookRest   = 250 * time.Millisecond
)

// watchable gives a command that shows something --watch: it shows it again with each
// change, until it is interrupted or what it shows goes no further.
func (w *world) watchable(c *cobra.Command, by feed, of func(args []string) client.StreamQuery) *cobra.Command {
	var watch bool
	var timeout time.Duration
	c.Flags().BoolVar(&watch, "watch", false, "show it again with each change")
	c.Flags().DurationVar(&timeout, "timeout", 0, "with --watch: stop after this `time`")
	once := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if !watch {
			return once(c, args)
		}
		cl, err := w.connect()
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(c.Context())
		defer cancel()
		if timeout > 0 {
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		q := client.StreamQuery{}
		if of != nil {
			q = of(args)
		}
		c.SetContext(ctx)
		return w.live(ctx, wakes(ctx, cl, by, q), by, func() error { return once(c, args) })
	}
	return c
}

// live looks again and again.
func (w *world) live(ctx context.Context, wake <-chan bool, by feed, look func() error) error {
	out := w.out
	defer func() { w.out = out }()
	anyway := lookAnyway
	if by == polled {
		anyway = lookPolled
	}
	last, failures := "", 0
	for {
		var text bytes.Buffer
		w.out, w.over = &text, false
		err := look()
		switch {
		case ctx.Err() != nil:
			return nil
		case fault.Is(err, fault.Unreachable) && last != "" && failures < 60:
			failures++
			text.Reset()
			text.WriteString(last)
		case err != nil:
			return err
		default:
			failures = 0
		}
		if now := text.String(); now != last {
			if err := w.again(out, last, now); err != nil {
				return err
			}
			last = now
		}
		if w.over || !pause(ctx, lookRest) {
			return nil
		}
		select {
		case good := <-wake:
			if !good { // there is no stream: look by the clock
				anyway, wake = lookPolled, nil
			}
		case <-ctx.Done():
			return nil
		case <-time.After(anyway):
		}
	}
}

// again shows what changed: on a terminal in place of what was there, of jsonl only the
// lines that are new.
func (w *world) again(out io.Writer, last, now string) error {
	switch {
	case w.format == "table" && w.columns > 0:
		now = "\x1b[H\x1b[2J" + now
	case w.format == "jsonl":
		was := map[string]bool{}
		for line := range strings.Lines(last) {
			was[line] = true
		}
		var b strings.Builder
		for line := range strings.Lines(now) {
			if !was[line] {
				b.WriteString(line)
			}
		}
		now = b.String()
	case w.format == "yaml":
		now = "---\n" + now
	case last != "" && w.format == "table":
		now = "\n" + now
	}
	_, err := fmt.Fprint(out, now)
	return err
}

// wakes sends true when there is something new, and false when there is no stream to tell.
// What happens after this call is told.
func wakes(ctx context.Context, cl *client.Client, by feed, q client.StreamQuery) <-chan bool {
	wake := make(chan bool, 1)
	tell := func() error {
		select {
		case wake <- true:
		default:
		}
		return nil
	}
	if by == polled {
		return wake
	}
	last, err := cl.LastEvent(ctx)
	if err != nil {
		wake <- false
		return wake
	}
	q.After = last
	go func() {
		switch by {
		case byMachines:
			_ = cl.WatchMachines(ctx, q, func(inventory.Machine) error { return tell() })
		case byOperations:
			_ = cl.WatchOperations(ctx, q, func(deploy.Operation) error { return tell() })
		default:
			_ = cl.Watch(ctx, q, func(journal.Event) error { return tell() })
		}
		select {
		case wake <- false:
		case <-ctx.Done():
		}
	}()
	return wake
}

func machineQuery(args []string) client.StreamQuery { return client.StreamQuery{Machine: args[0]} }

func firstRack(args []string) client.StreamQuery { return rackQuery(args[0]) }

// rackQuery picks what happens in a rack; "" picks all.
func rackQuery(rack string) client.StreamQuery {
	if rack == "" {
		return client.StreamQuery{}
	}
	return client.StreamQuery{Racks: []string{rack}}
}
