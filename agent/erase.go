package agent

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"rackwright/agent/erase"
	"rackwright/agent/wire"
	"rackwright/inventory"
)

// erasedAtOnce bounds the disks that are erased at a time.
const erasedAtOnce = 64

// erase empties the disks of the order's permit, all at a time, and concludes the order
// with how each went. One that cannot be emptied keeps none of the others from being.
func (a *agent) erase(ctx context.Context, o wire.Order) error {
	there, gone, no := a.granted(o)
	if no != nil {
		return a.refuse(ctx, o, no)
	}
	a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Accepted})
	count := &tally{agent: a, order: o.ID, done: make([]int64, len(there))}
	for _, d := range there {
		count.total += d.Bytes
	}
	working, stop := context.WithCancel(ctx)
	var beat sync.WaitGroup
	beat.Go(func() { count.beat(working) })
	results := make([]wire.Erased, len(there))
	var group errgroup.Group
	group.SetLimit(erasedAtOnce)
	for i, d := range there {
		group.Go(func() error {
			results[i] = a.empty(ctx, o, d, func(done, _ int64) { count.tell(i, done) })
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in the results
	stop()
	beat.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, g := range gone {
		results = append(results, wire.Erased{Disk: diskOf(g), Reason: "the disk is gone"})
	}
	a.conclude(erasedEvent(o.ID, results))
	return nil
}

// empty erases one disk.
func (a *agent) empty(ctx context.Context, o wire.Order, d inventory.Disk, progress func(done, total int64)) wire.Erased {
	medium, no := a.open(ctx, o, d)
	if no != nil {
		return wire.Erased{Disk: d, Reason: no.err.Error()}
	}
	defer medium.Close()
	job := erase.Job{Disk: d, Drive: medium, Methods: o.Erase.Methods, Samples: o.Erase.Samples, Random: rand.Reader, Now: time.Now, Pause: a.Pause,
		Progress: progress, Say: a.Say}
	if device, ok := medium.(interface {
		SyscallConn() (syscall.RawConn, error)
	}); ok {
		if conn, err := device.SyscallConn(); err == nil {
			job.Commands = erase.Control{Conn: conn}
		}
	}
	out := job.Run(ctx)
	_ = medium.Reread() // what the kernel believes of partitions is nobody's proof
	if out.Succeeded {
		a.Say("disk %s erased by %s: %d samples, %s", d.Label(), out.Method, out.Samples, out.Pattern)
	} else {
		a.Say("disk %s is not erased: %s", d.Label(), out.Reason)
	}
	return out
}

// erasedEvent tells how all went. The words of drives are bounded: they are many.
func erasedEvent(order string, results []wire.Erased) wire.Event {
	e := wire.Event{Order: order, Stage: wire.Completed}
	var failed []string
	for i := range results {
		r := &results[i]
		r.Reason = printable(r.Reason)
		for k, said := range r.Tried {
			r.Tried[k] = printable(said)
		}
		if !r.Succeeded {
			failed = append(failed, fmt.Sprintf("disk %s: %s", r.Disk.Label(), r.Reason))
		}
	}
	if len(failed) > 0 {
		e.Stage, e.Reason = wire.Failed, wire.ReasonNotErased
		e.Detail = strings.Join(failed[:min(len(failed), 8)], "; ")
		e.Hint = "retry, or take the disk out and destroy it; 'rackwright certificate list' shows what was erased"
	}
	e.Result, _ = json.Marshal(results) // texts, numbers and times
	return e
}

// tally adds up the progress of several disks.
type tally struct {
	agent *agent
	order string
	mu    sync.Mutex
	done  []int64
	total int64
}

func (t *tally) tell(i int, done int64) {
	t.mu.Lock()
	t.done[i] = done
	t.mu.Unlock()
	t.post()
}

func (t *tally) post() {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := int64(0)
	for _, n := range t.done {
		sum += n
	}
	t.agent.reporter.post(wire.Event{Order: t.order, Stage: wire.Erasing, Done: sum, Total: t.total})
}

// beat keeps telling that the agent lives: a drive may be busy with one command for hours.
func (t *tally) beat(ctx context.Context) {
	for t.agent.Pause(ctx, beatEvery) == nil {
		t.post()
	}
}

const beatEvery = 15 * time.Second
