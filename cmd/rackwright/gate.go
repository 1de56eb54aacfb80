package main

import (
	"context"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// gated is a task that starts when a network is declared that we serve.
type gated struct {
	task
	s *server
}

// retryPort is how long a service that could not start after a network was declared
// waits before it tries again.
const retryPort = 10 * time.Second

// whenDeclared holds a task back until there is a network to serve.
func (s *server) whenDeclared(t task) task { return &gated{task: t, s: s} }

// Run waits for a network, then runs the task. When networks were declared before this
// process started, a task that cannot start ends the process with its reason; when one is
// declared later the reason goes to log and journal and the start is tried again.
func (g *gated) Run(ctx context.Context) error {
	late := false
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for !g.s.declared() {
		late = true
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	for {
		g.s.log.Info("serving declared networks", "task", g.String())
		err := g.task.Run(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if !late {
			return err
		}
		g.s.log.Error("cannot serve", "task", g.String(), "error", err, "hint", fault.HintOf(err))
		g.s.words.Record(journal.Event{Kind: journal.ServerEvent, Actor: "server", Summary: g.String() + " cannot start: " + err.Error()})
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryPort):
		}
	}
}

func (s *server) declared() bool {
	for _, n := range s.view.View().Networks() {
		if n.DHCP != inventory.DHCPOff {
			return true
		}
	}
	return false
}
