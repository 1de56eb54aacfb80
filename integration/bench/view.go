package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"rackwright/api/client"
	"rackwright/boot"
	"rackwright/boot/current"
	"rackwright/fault"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// viewChanges is how many changes are timed for a figure.
const viewChanges = 41

// viewLimit is how long one change may take to be seen.
const viewLimit = time.Minute

// measureView changes one machine after the other in halls of several sizes, on the
// embedded database, and reports how long each took from the call that changes it until
// the view of the same process shows it; then what a view of the largest takes in memory.
func measureView(ctx context.Context, b *bench) error {
	for _, size := range []struct {
		name     string
		machines int
	}{{"1k", 1_000}, {"10k", 10_000}, {"100k", 100_000}} {
		db, dir, err := b.hallOf(ctx, "view-"+size.name, size.machines)
		if err != nil {
			return err
		}
		took, err := changesSeen(ctx, db, dir)
		if err == nil {
			err = b.report("view.change."+size.name, reading{value: took.Seconds() * 1000})
		}
		if err == nil && size.machines == 100_000 {
			err = reportViewMemory(ctx, b, db, size.machines)
		}
		db.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// hallOf fills a database in a folder of its own.
func (b *bench) hallOf(ctx context.Context, name string, machines int) (*store.DB, string, error) {
	dir, err := emptyFolder(b.out, name)
	if err != nil {
		return nil, "", err
	}
	b.tell("filling a hall with %d machines", machines)
	db, err := hall(ctx, filepath.Join(dir, "rackwright.db"), machines)
	return db, dir, err
}

// changesSeen is the median time of a change.
func changesSeen(ctx context.Context, db *store.DB, dir string) (time.Duration, error) {
	f, err := current.New(ctx, db, current.Options{File: filepath.Join(dir, "boot-view"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	var hosts []*boot.Host // one of each machine
	for h := range f.View().All() {
		if h.Address.IsValid() {
			hosts = append(hosts, h)
		}
	}
	if len(hosts) < viewChanges {
		return 0, fault.Internalf("the view has %d machines with an address", len(hosts))
	}
	var all []time.Duration
	for i := range viewChanges {
		took, err := changeSeen(ctx, db, f, hosts[i*len(hosts)/viewChanges], fmt.Sprintf("4c4c4544-0000-1000-8000-%012x", i))
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	return middle(all), nil
}

// changeSeen gives a machine a UUID and waits until the view has it.
func changeSeen(ctx context.Context, db *store.DB, f *current.Follower, h *boot.Host, uuid string) (time.Duration, error) {
	time.Sleep(2 * f.Settle()) // a change of its own, not one gathered with the last
	began := time.Now()
	if _, err := db.ChangeMachine(ctx, h.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		m.UUID = uuid
		return nil, nil
	}); err != nil {
		return 0, err
	}
	for f.View().Host(h.MAC).UUID != uuid {
		if time.Since(began) > viewLimit || ctx.Err() != nil {
			return 0, fault.Internalf("the change of %s was not seen", h.Name)
		}
		time.Sleep(20 * time.Microsecond)
	}
	return time.Since(began), nil
}

// reportViewMemory reads the view of a hall and reports what the heap holds of it.
func reportViewMemory(ctx context.Context, b *bench, db *store.DB, machines int) error {
	before := heapSize()
	v, err := db.View(ctx)
	if err != nil {
		return err
	}
	held := heapSize() - before
	if v.Hosts() != 4*machines {
		return fault.Internalf("the view has %d NICs, not %d", v.Hosts(), 4*machines)
	}
	runtime.KeepAlive(v)
	return b.report("view.memory", reading{value: float64(held) / float64(machines) / 1024})
}

func heapSize() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// measureProcess starts a server on a hall of 100,000 machines and reports the most memory
// it ever held until it had saved its view. Everything is on; the hall has no BMCs.
func measureProcess(ctx context.Context, b *bench) error {
	db, dir, err := b.hallOf(ctx, "process", 100_000)
	if err != nil {
		return err
	}
	db.Close()
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	config := filepath.Join(dir, "rackwright.toml")
	socket := filepath.Join(dir, "api")
	if err := os.WriteFile(config, fmt.Appendf(nil, "state_dir = %q\n[api]\nlisten = %q\n", dir, "unix:"+socket), 0o600); err != nil {
		return err
	}
	p, err := startProcess(ctx, dir, nil, filepath.Join(b.bin, "rackwright"), "serve", "--config", config)
	if err != nil {
		return err
	}
	defer p.end()
	c, err := client.New("unix://"+socket, "nobody")
	if err != nil {
		return err
	}
	if err := lab.Until(ctx, 2*time.Minute, "a server with its view saved", func() (bool, error) {
		if err := p.alive(); err != nil {
			return false, err
		}
		_, unsaved := os.Stat(filepath.Join(dir, "boot-view"))
		_, away := c.Health(ctx)
		return unsaved == nil && away == nil, nil
	}); err != nil {
		return err
	}
	now, err := residentKiB(p.cmd.Process.Pid, "VmRSS")
	if err != nil {
		return err
	}
	peak, err := residentKiB(p.cmd.Process.Pid, "VmHWM")
	if err != nil {
		return err
	}
	b.tell("it holds %d MiB, and held %d MiB at most", now>>10, peak>>10)
	return b.report("process.memory", reading{value: float64(peak) / 1024})
}

// residentKiB reads a line of /proc/PID/status.
func residentKiB(pid int, field string) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, fault.Internalf("/proc/%d/status has no %s", pid, field)
}
