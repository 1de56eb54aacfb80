package main

import (
	"context"
	"slices"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// gated is a task that starts when somebody is declared whom it serves.
type gated struct {
	task
	s    *server
	open func(context.Context) bool
	shut latch // pulled when nobody is declared
}

// retryPort is how long a service that could not start after a network was declared
// waits before it tries again.
const retryPort = 10 * time.Second

// whenDeclared holds a task back until there is a network to serve.
func (s *server) whenDeclared(t task) task { return &gated{task: t, s: s, open: s.declared} }

// whenReached holds a task back until there is a network to serve, or a BMC that may fetch
// firmware and push events.
func (s *server) whenReached(t task) task {
	return &gated{task: t, s: s, open: func(ctx context.Context) bool { return s.declared(ctx) || s.hasBMC(ctx) }}
}

// Run waits until the gate is open, then runs the task. When it was open before this
// process started, a task that cannot start ends the process with its reason; when it
// opened later the reason goes to log and journal and the start is tried again.
func (g *gated) Run(ctx context.Context) error {
	late := false
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for !g.open(ctx) {
		late = true
		g.shut.pull()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	for {
		g.s.log.Info("serving what is declared", "task", g.String())
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

func (s *server) hasBMC(ctx context.Context) bool {
	list, err := s.db.WithBMC(ctx, "", 1)
	return err == nil && len(list) > 0
}

func (s *server) declared(context.Context) bool {
	return slices.ContainsFunc(s.view.View().Networks(), toServe)
}

// toServe says whether something is to be answered on a network, by IPv4 or IPv6.
func toServe(n *inventory.Network) bool {
	return n.DHCP != inventory.DHCPOff || n.DHCP6.Serves() || n.RouterAdverts
}
