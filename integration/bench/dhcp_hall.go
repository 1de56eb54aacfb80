package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"rackwright/fault"
	"rackwright/integration/bench/load"
	"rackwright/integration/lab"
)

// What is asked of halls of other sizes.
const (
	fewHosts   = 1000
	manyHosts  = 100_000
	besideRate = 500              // exchanges a second while a machine is added
	startLimit = 10 * time.Second // for a server to answer
	awayDSN    = "postgres://nobody@127.0.0.1:1/away"
	saveLimit  = 60 * time.Second // for its view to be saved
)

// ofManySizes measures us with 1,000 and 100,000 machines: the rate, a machine that is added
// while others ask, memory, and a start from the saved view.
func ofManySizes(ctx context.Context, b *bench, o load.Options) error {
	all := planned(manyHosts)
	halls := []daemon{{"rackwright-few", all[:fewHosts], startFilled, startKept}, {"rackwright", all, startFilled, startKept}}
	var rates [2][]float64
	return inTurn(ctx, b, halls, o, func(turn, i int, p *process, o load.Options) error {
		r, _, err := rate(ctx, b, halls[i].name, p, o)
		if err != nil {
			return err
		}
		rates[i] = append(rates[i], r)
		if i == 0 || turn < rounds-1 {
			return nil
		}
		return errors.Join(b.report("dhcp.reserved.100k", reading{value: middle(rates[1]), peer: middle(rates[0])}),
			ofTheLargest(ctx, b, p, o))
	})
}

// ofTheLargest measures what is left once the large hall was asked at full rate.
func ofTheLargest(ctx context.Context, b *bench, p *process, o load.Options) error {
	resident, err := residentKiB(p.cmd.Process.Pid, "VmRSS")
	if err != nil {
		return err
	}
	return errors.Join(b.report("dhcp.memory", reading{value: float64(resident) / 1024}), addOne(ctx, b, o), startAgain(ctx, b, p, o))
}

// startFilled starts us on a database that has the machines already.
func startFilled(ctx context.Context, b *bench, dir string, clients []load.Client) (*process, error) {
	dir, err := fresh(dir)
	if err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		return nil, err
	}
	db, err := openStore(ctx, filepath.Join(state, "rackwright.db"))
	if err != nil {
		return nil, err
	}
	p := planOf(clients)
	for first := 0; first < len(p.Racks); first += 50 {
		part := p
		part.Racks = p.Racks[first:min(first+50, len(p.Racks))]
		if _, err := db.ApplyPlan(ctx, part, "", "bench"); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return serveOurs(ctx, b, dir)
}

// startKept starts us on what an earlier start left.
func startKept(ctx context.Context, b *bench, dir string, _ []load.Client) (*process, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return serveOurs(ctx, b, dir)
}

// addOne adds a machine while others ask, and reports how long it took until that was
// answered. A message that is lost meanwhile makes the figure void.
func addOne(ctx context.Context, b *bench, o load.Options) error {
	c, err := apiOf(filepath.Join(b.out, "bench", "rackwright"))
	if err != nil {
		return err
	}
	all := planned(manyHosts + 1)
	one := planOf(all[manyHosts:])
	one.Racks[0].Name, one.Racks[0].Machines[0].Name = "added", "added"
	o.Rate, o.InFlight, o.Await = besideRate, open, &all[manyHosts]
	var r load.Result
	ended := make(chan error, 1)
	go func() {
		var err error
		r, err = under(ctx, o)
		ended <- err
	}()
	began := time.Now()
	_, err = c.ApplyPlan(ctx, one, "")
	stored := time.Since(began)
	if err = errors.Join(err, <-ended); err == nil && (r.Lost > 0 || r.Wrong != "" || r.Heard.IsZero()) {
		err = fault.Internalf("%d of %d exchanges were lost while a machine was added %s", r.Lost, r.Done+r.Lost, r.Wrong)
	}
	if err != nil {
		return err
	}
	b.tell("dhcp: a machine was added to %d: stored after %s, answered after %s; others' 99 of 100 within %s, all within %s", manyHosts, stored, r.Heard.Sub(began), r.Within(99), r.Within(100))
	return b.report("dhcp.add", reading{value: r.Heard.Sub(began).Seconds() * 1000})
}

// startAgain ends the server once its view is saved, and reports when it answers that is
// started again: with its database, and from the saved view while that is away.
func startAgain(ctx context.Context, b *bench, p *process, o load.Options) error {
	dir, err := filepath.Abs(filepath.Join(b.out, "bench", "rackwright"))
	if err != nil {
		return err
	}
	if err := lab.Until(ctx, saveLimit, "a saved view", func() (bool, error) {
		_, err := os.Stat(filepath.Join(dir, "state", "boot-view"))
		return err == nil, p.alive()
	}); err != nil {
		return err
	}
	p.end()
	whole, err := startedIn(ctx, b, dir, "", o)
	if err != nil {
		return err
	}
	saved, err := startedIn(ctx, b, dir, awayDSN, o)
	if err != nil {
		return err
	}
	b.tell("dhcp: started again with %d machines, answered after %s; while the database is away after %s", manyHosts, whole, saved)
	return errors.Join(b.report("dhcp.start", reading{value: whole.Seconds()}), b.report("dhcp.start_saved", reading{value: saved.Seconds()}))
}

// startedIn starts the server and ends it again, and returns when it answered.
func startedIn(ctx context.Context, b *bench, dir, dsn string, o load.Options) (time.Duration, error) {
	began := time.Now()
	p, err := execOurs(ctx, b, dir, dsn)
	if err != nil {
		return 0, err
	}
	defer p.end()
	o.Await, o.Clients, o.InFlight, o.For, o.Rate = &o.Clients[0], o.Clients[1:], 1, startLimit, -1
	r, err := under(ctx, o)
	if err == nil && r.Heard.IsZero() {
		err = fault.Internalf("a server that was started again did not answer within %s", startLimit)
	}
	return r.Heard.Sub(began), err
}
