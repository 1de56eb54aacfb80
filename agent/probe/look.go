package probe

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rackwright/inventory"
)

// Owner reads the record that a deployment left on the disk it wrote; nil where there is
// none.
type Owner func(r io.ReaderAt, size int64) *inventory.DiskOwner

// lookTime bounds how long a failing disk may keep others waiting.
const lookTime = 30 * time.Second

// Look reads what is on a disk now and returns it with that. A disk that cannot be read
// holds what nobody knows, and says so. Nothing is written.
func Look(ctx context.Context, d inventory.Disk, owner Owner) inventory.Disk {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	looked := make(chan inventory.Disk, 1)
	go func() { looked <- look(d, owner) }()
	select {
	case d = <-looked:
	case <-ctx.Done(): // the kernel waits for the disk, we do not
		d.Holds, d.Owner = []string{"unreadable: the disk does not answer"}, nil
	}
	return d
}

func look(d inventory.Disk, owner Owner) inventory.Disk {
	d.Holds, d.Owner = nil, nil
	f, err := os.Open(d.Path)
	if err != nil {
		d.Holds = []string{"unreadable: " + clean(err.Error())}
		return d
	}
	defer f.Close()
	if d.Holds, err = Signatures(f, d.Bytes); err != nil {
		d.Holds = append(d.Holds, "unreadable: "+clean(err.Error()))
	}
	if owner != nil {
		d.Owner = owner(f, d.Bytes)
	}
	return d
}

// Looks remembers what is on disks, for facts that are read every few seconds: a disk is
// read once. It is the value of Tree.Look.
type Looks struct {
	Owner Owner

	mu   sync.Mutex
	seen []inventory.Disk
}

// manyDisks are read at a time.
const manyDisks = 8

// All returns the disks with what is on them.
func (l *Looks) All(disks []inventory.Disk) []inventory.Disk {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]inventory.Disk, len(disks))
	var group errgroup.Group
	group.SetLimit(manyDisks)
	for i, d := range disks {
		if old := l.known(d); old != nil {
			out[i] = d
			out[i].Holds, out[i].Owner = old.Holds, old.Owner
			continue
		}
		group.Go(func() error {
			out[i] = Look(context.Background(), d, l.Owner)
			return nil
		})
	}
	_ = group.Wait() // no look fails
	l.seen = out
	return append([]inventory.Disk(nil), out...)
}

func (l *Looks) known(d inventory.Disk) *inventory.Disk {
	for i := range l.seen {
		if l.seen[i].Path == d.Path && l.seen[i].Same(d) {
			return &l.seen[i]
		}
	}
	return nil
}
