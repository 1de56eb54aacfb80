package main

import (
	"context"
	"log/slog"
	"net"
	"sync"
)

// herald tells the service manager that the server serves, and that it stops (sd_notify(3)).
type herald struct {
	socket string // as NOTIFY_SOCKET has it: a path, or @ and an abstract name
	tasks  []task // that are waited for, where they open a socket
	log    *slog.Logger
}

// String names the task.
func (h *herald) String() string { return "herald" }

// Run tells of the start and of the end. It does not wait for the database: known machines are
// answered without.
func (h *herald) Run(ctx context.Context) error {
	for _, t := range h.tasks {
		open, shut := socketOf(t)
		if open == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-open:
		case <-shut:
		}
	}
	h.say("READY=1")
	<-ctx.Done()
	h.say("STOPPING=1")
	return nil
}

// socketOf is closed once a task listens, shut when nobody is declared whom it would serve; open
// is nil for a task without a socket.
func socketOf(t task) (open, shut <-chan struct{}) {
	switch t := t.(type) {
	case *web:
		return t.open.wait(), nil
	case *gated:
		if r, ok := t.task.(interface{ Ready() <-chan struct{} }); ok {
			return r.Ready(), t.shut.wait()
		}
		open, _ = socketOf(t.task)
		return open, t.shut.wait()
	}
	return nil, nil
}

func (h *herald) say(state string) {
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: h.socket, Net: "unixgram"})
	if err == nil {
		defer c.Close()
		_, err = c.Write([]byte(state))
	}
	if err != nil {
		h.log.Warn("the service manager cannot be told", "state", state, "error", err)
	}
}

// latch is a channel that is closed once. The zero value is ready.
type latch struct {
	make, close sync.Once
	c           chan struct{}
}

func (l *latch) wait() <-chan struct{} {
	l.make.Do(func() { l.c = make(chan struct{}) })
	return l.c
}

func (l *latch) pull() {
	l.wait()
	l.close.Do(func() { close(l.c) })
}
