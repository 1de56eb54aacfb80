package main

import (
	"context"
	"time"

	"rackwright/heap"
)

// settling is how long after it has read everything a server is still starting: it saves the
// view, and looks at what it finds.
const settling = 3 * time.Second

// settler is the task that gives the memory back that the start took.
type settler struct {
	memory  *heap.Collector
	started <-chan struct{}
}

// String names the task.
func (t *settler) String() string { return "memory of the start" }

// Run waits until the start is over.
func (t *settler) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-t.started:
	}
	select {
	case <-ctx.Done():
	case <-time.After(settling):
		t.memory.Settle()
	}
	return nil
}
