package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/broker"
	"rackwright/bmc/redfish"
	"rackwright/bmc/watch"
	"rackwright/fault"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

const (
	sweptBMCs  = 5_000
	bmcPort    = "8443"
	sweepLimit = 3 * time.Minute
	personAsks = 15 // times, at as many BMCs: fewer than the sweep needs to come to the last
)

// measureBMC has two processes beside this one: racksim is all the BMCs, the sweeper looks
// at them as a server does, with its database, and reports.
func measureBMC(ctx context.Context, b *bench) error {
	if err := measurePush(ctx, b); err != nil {
		return err
	}
	dir, err := emptyFolder(b.out, "bmc")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.tell("a hall with %d BMCs", sweptBMCs)
	cmd := exec.CommandContext(ctx, self, "-part", "sweeper", "-out", dir, "-bin", b.bin)
	cmd.Stderr = b.say
	out, err := cmd.Output()
	if err != nil {
		return fault.Internalf("the sweeper: %w", err)
	}
	var got map[string][2]float64 // value, peer
	if err := json.Unmarshal(out, &got); err != nil {
		return fault.Internalf("the sweeper said %.200q: %w", out, err)
	}
	for name, r := range got {
		if err := b.report(name, reading{value: r[0], peer: r[1]}); err != nil {
			return err
		}
	}
	return nil
}

// sweeper takes the figures and writes them to out.
func sweeper(ctx context.Context, b *bench, out io.Writer) error {
	db, err := hallOfBMCs(ctx, filepath.Join(b.out, "rackwright.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	bmcs, err := startBMCs(ctx, b, false)
	if err != nil {
		return err
	}
	defer func() { bmcs.end() }()
	got := map[string][2]float64{}
	first, err := sweep(ctx, db, false, nil)
	if err != nil {
		return err
	}
	rss, err := residentKiB(os.Getpid(), "VmHWM")
	if err != nil {
		return err
	}
	got["bmc.sweep"], got["bmc.memory"] = [2]float64{first.all.Seconds()}, [2]float64{float64(rss) / 1024}
	idle, err := personAlone(ctx, db)
	if err != nil {
		return err
	}
	var during []time.Duration
	if _, err = sweep(ctx, db, false, func(ctx context.Context, hands bmc.Hands) (err error) {
		during, err = person(ctx, db, hands, personAsks)
		return err
	}); err != nil {
		return err
	}
	got["bmc.interactive"] = [2]float64{middle(during).Seconds() * 1000, middle(idle).Seconds() * 1000}
	calm, err := sweep(ctx, db, false, nil)
	if err != nil {
		return err
	}
	bmcs.end()
	if bmcs, err = startBMCs(ctx, b, true); err != nil {
		return err
	}
	storm, err := sweep(ctx, db, true, nil)
	if err != nil {
		return err
	}
	got["bmc.storm"] = [2]float64{storm.healthy.Seconds(), calm.healthy.Seconds()}
	return json.NewEncoder(out).Encode(got)
}

// hallOfBMCs is a database with machines that were discovered, each with a BMC of its own address.
func hallOfBMCs(ctx context.Context, dsn string) (*store.DB, error) {
	db, err := openStore(ctx, dsn)
	if err != nil {
		return nil, err
	}
	p := plan.Plan{Site: "hall"}
	for i := range sweptBMCs {
		if i%40 == 0 {
			p.Racks = append(p.Racks, plan.Rack{Name: fmt.Sprintf("r%04d", i/40), Units: 48})
		}
		r := &p.Racks[len(p.Racks)-1]
		r.Machines = append(r.Machines, plan.Machine{Name: fmt.Sprintf("n%05d", i), U: i%40 + 1,
			BMC: &plan.BMC{Address: "https://" + spread("127.1.0.0", i).String() + ":" + bmcPort, Username: "root", Password: "secret"}})
	}
	if _, err := db.ApplyPlan(ctx, p, "", "bench"); err != nil {
		db.Close()
		return nil, err
	}
	for i := range sweptBMCs {
		if _, err := db.ChangeMachine(ctx, fmt.Sprintf("n%05d", i), func(m *inventory.Machine) ([]journal.Event, error) {
			m.Phase = inventory.Discovered
			m.Facts = &inventory.Facts{Source: "redfish", Observed: time.Now().UTC(), Versions: []inventory.Version{{Component: "bios", Version: "1.0"}}}
			return nil, nil
		}); err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// swept is how long a sweep took until the last BMC was looked at.
type swept struct{ all, healthy time.Duration }

// counted are hands that note who told its power.
type counted struct {
	bmc.Hands
	began time.Time

	mu   sync.Mutex
	told map[string]time.Duration
}

func (c *counted) Hand(ctx context.Context, id string) (bmc.Controller, error) {
	hand, err := c.Hands.Hand(ctx, id)
	if err != nil {
		return nil, err
	}
	return &countedHand{Controller: hand, c: c, id: id}, nil
}

type countedHand struct {
	bmc.Controller
	c  *counted
	id string
}

func (h *countedHand) Power(ctx context.Context) (inventory.Power, error) {
	p, err := h.Controller.Power(ctx)
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	if _, known := h.c.told[h.id]; err == nil && !known {
		h.c.told[h.id] = time.Since(h.c.began)
	}
	return p, err
}

// sweep looks at every BMC once, as a server that starts does, and ends when all that
// answer were seen. beside is done meanwhile.
func sweep(ctx context.Context, db *store.DB, storm bool, beside func(context.Context, bmc.Hands) error) (swept, error) {
	healthy, err := healthyOnes(ctx, db)
	if err != nil {
		return swept{}, err
	}
	quiet := slog.New(slog.DiscardHandler)
	hands := broker.New(broker.Options{Store: db, Dialer: &redfish.Dialer{}, Log: quiet, Now: time.Now, Owner: "bench"})
	c := &counted{Hands: hands, began: time.Now(), told: map[string]time.Duration{}}
	look := &watch.Task{Store: db, BMC: c, Log: quiet, Now: time.Now, Every: 30 * time.Second}
	running, cancel := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() { look.Run(running) })
	tasks.Go(func() { hands.Run(running) })
	defer tasks.Wait()
	defer cancel()
	if beside != nil {
		if err := beside(ctx, hands); err != nil {
			return swept{}, err
		}
	}
	var s swept
	defer func() {
		fmt.Fprintf(os.Stderr, "bench: BMCs swept in %s, those that never hang in %s\n", s.all, s.healthy)
	}()
	err = lab.Until(ctx, sweepLimit, "every BMC looked at", func() (bool, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		s = swept{}
		for id, is := range healthy {
			took, told := c.told[id]
			if !told && (is || !storm) {
				return false, nil
			}
			if s.all = max(s.all, took); is {
				s.healthy = max(s.healthy, took)
			}
		}
		return true, nil
	})
	return s, err
}

// healthyOnes lists the machines, and whether their BMC answers in a storm as well.
func healthyOnes(ctx context.Context, db *store.DB) (map[string]bool, error) {
	out := map[string]bool{}
	for after := ""; ; {
		machines, err := db.WithBMC(ctx, after, 500)
		if err != nil {
			return nil, err
		}
		for _, m := range machines {
			at, err := url.Parse(m.BMC.Address)
			if err != nil {
				return nil, err
			}
			ip, err := netip.ParseAddr(at.Hostname())
			if err != nil {
				return nil, err
			}
			out[m.ID] = !hangs(ip)
			after = m.Name
		}
		if len(machines) < 500 {
			return out, nil
		}
	}
}

// personAlone is how long a person waits for a power state while nothing else is asked.
func personAlone(ctx context.Context, db *store.DB) ([]time.Duration, error) {
	hands := broker.New(broker.Options{Store: db, Dialer: &redfish.Dialer{}, Log: slog.New(slog.DiscardHandler), Now: time.Now, Owner: "bench"})
	running, cancel := context.WithCancel(ctx)
	var task sync.WaitGroup
	task.Go(func() { hands.Run(running) })
	defer task.Wait()
	defer cancel()
	return person(ctx, db, hands, personAsks)
}

// person asks BMCs that no session is open at for their power state, one after the other:
// those that a sweep comes to last.
func person(ctx context.Context, db *store.DB, hands bmc.Hands, times int) (took []time.Duration, err error) {
	for i := range times {
		m, err := db.Machine(ctx, fmt.Sprintf("n%05d", sweptBMCs-1-i))
		if err != nil {
			return nil, err
		}
		began := time.Now()
		asked, cancel := context.WithTimeout(bmc.WithUrgency(ctx, bmc.Human), time.Minute)
		hand, err := hands.Hand(asked, m.ID)
		if err == nil {
			_, err = hand.Power(asked)
			took = append(took, time.Since(began))
			hand.Close(asked)
		}
		cancel()
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}
