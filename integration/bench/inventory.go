package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"rackwright/access"
	"rackwright/api"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// What is asked of the inventory.
const (
	hallSize  = 100_000 // machines
	manyPorts = 60      // network ports of each of the thousand machines of one plan
	pageCalls = 1000    // pages that are asked for, each filter as often as the others
	someSeen  = 500     // machines that somebody has racked and looked into
)

// measureInventory measures how long a large plan takes to apply, and how long a page of
// machines takes to come over the interface out of a full hall, on either database.
func measureInventory(ctx context.Context, b *bench) error {
	dir, err := emptyFolder(b.out, "inventory")
	if err != nil {
		return err
	}
	if err := measureDatabase(ctx, b, "sqlite", filepath.Join(dir, "apply.db"), filepath.Join(dir, "hall.db")); err != nil {
		return err
	}
	c, err := startCluster(ctx)
	if err != nil {
		return err
	}
	defer c.end()
	forApply, err := c.create(ctx, "apply")
	if err != nil {
		return err
	}
	forHall, err := c.create(ctx, "hall")
	if err != nil {
		return err
	}
	return measureDatabase(ctx, b, "postgres", forApply, forHall)
}

func measureDatabase(ctx context.Context, b *bench, kind, forApply, forHall string) error {
	took, err := applyTime(ctx, forApply)
	if err != nil {
		return err
	}
	if err := b.report("inventory.apply."+kind, reading{value: took.Seconds()}); err != nil {
		return err
	}
	b.tell("inventory: filling %s with %d machines", kind, hallSize)
	began := time.Now()
	db, err := hall(ctx, forHall, hallSize)
	if err != nil {
		return err
	}
	defer db.Close()
	b.tell("inventory: filled %s in %s", kind, time.Since(began).Round(time.Second))
	worst, err := pageTime(ctx, b, db)
	if err != nil {
		return err
	}
	return b.report("inventory.page."+kind, reading{value: float64(worst.Microseconds()) / 1000})
}

// applyTime is how long one plan of a thousand machines with many ports takes.
func applyTime(ctx context.Context, dsn string) (time.Duration, error) {
	db, err := openStore(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	p := hallPlan(0, perPlan, manyPorts)
	began := time.Now()
	_, err = db.ApplyPlan(ctx, p, "", "bench")
	return time.Since(began), err
}

// pageTime is the time within which 99 of 100 pages came.
func pageTime(ctx context.Context, b *bench, db *store.DB) (time.Duration, error) {
	if err := seeSome(ctx, db); err != nil {
		return 0, err
	}
	const secret = "rw_bench"
	if err := db.SetToken(ctx, "bench", access.Viewer, secret); err != nil {
		return 0, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := &http.Server{Handler: api.New(api.Options{Store: db})}
	defer server.Close()
	go server.Serve(l)
	base := "http://" + l.Addr().String() + wire.Prefix + "/machines?"
	times, random := map[string][]time.Duration{}, rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for i := range pageCalls + len(pageFilters)*10 {
		f := pageFilters[i%len(pageFilters)]
		took, err := page(ctx, base+f.query(random).Encode(), secret)
		if err != nil {
			return 0, err
		}
		if i >= len(pageFilters)*10 { // the first are for warming up
			times[f.name], all = append(times[f.name], took), append(all, took)
		}
	}
	for _, f := range pageFilters {
		b.tell("inventory: a page by %s: half within %s, 99 of 100 within %s", f.name, within(times[f.name], 50), within(times[f.name], 99))
	}
	return within(all, 99), nil
}

func within(times []time.Duration, percent int) time.Duration {
	slices.Sort(times)
	return times[min(len(times)*percent/100, len(times)-1)].Round(10 * time.Microsecond)
}

// pageFilters are what is asked for in turn.
var pageFilters = []struct {
	name  string
	query func(*rand.Rand) url.Values
}{
	{"rack", func(r *rand.Rand) url.Values { return filter("rack", fmt.Sprintf("r%04d", r.IntN(hallSize/perRack))) }},
	{"phase", func(r *rand.Rand) url.Values { return filter("phase", []string{"planned", "racked"}[r.IntN(2)]) }},
	{"label", func(r *rand.Rand) url.Values { return filter("label", fmt.Sprintf("zone=z%d", r.IntN(40))) }},
	{"serial", func(r *rand.Rand) url.Values { return filter("q", fmt.Sprintf("sn%04d", r.IntN(1000))) }},
	{"model and role", func(r *rand.Rand) url.Values { return filter("q", "acme "+[]string{"web", "db", "spare"}[r.IntN(3)]) }},
	{"rack's name", func(r *rand.Rand) url.Values { return filter("q", fmt.Sprintf("r%03d", r.IntN(hallSize/perRack/10))) }},
}

func filter(key, value string) url.Values { return url.Values{key: {value}, "limit": {"100"}} }

// page asks for a page and reads it to its end.
func page(ctx context.Context, url, secret string) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	began := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || n < 100) {
		err = fault.Internalf("%s answered %s with %d bytes", url, answer.Status, n)
	}
	return time.Since(began), err
}

// seeSome gives some machines across the hall facts and another phase.
func seeSome(ctx context.Context, db *store.DB) error {
	for i := range someSeen {
		n := i * (hallSize / someSeen)
		name := fmt.Sprintf("r%04d-u%02d", n/perRack, n%perRack+1)
		if _, err := db.ChangeMachine(ctx, name, func(m *inventory.Machine) ([]journal.Event, error) {
			m.Phase = inventory.Racked
			m.Facts = hallFacts(m)
			return nil, nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// hallFacts is what an agent would say of a machine with 16 modules and 4 disks.
func hallFacts(m *inventory.Machine) *inventory.Facts {
	f := &inventory.Facts{Source: "agent", Observed: time.Unix(1_760_000_000, 0).UTC(), System: inventory.System{Vendor: "Acme", Product: "R1", Serial: m.Serial}}
	for i := range 16 {
		f.DIMMs = append(f.DIMMs, inventory.DIMM{Slot: fmt.Sprintf("A%d", i+1), SizeMiB: 65536, SpeedMTs: 4800, Vendor: "Acme", Serial: fmt.Sprintf("%s-%d", m.Serial, i)})
	}
	for i := range 4 {
		f.Disks = append(f.Disks, inventory.Disk{Path: fmt.Sprintf("/dev/nvme%dn1", i), Serial: fmt.Sprintf("%s-d%d", m.Serial, i), Bytes: 3_840_755_982_336, Type: "nvme"})
	}
	for _, n := range m.NICs {
		f.NICs = append(f.NICs, inventory.SeenNIC{Name: n.Name, MAC: n.MAC, Mbps: 25000, Link: true})
	}
	return f
}
