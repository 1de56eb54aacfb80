package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/store"
)

// What is asked of the interface: so many clients at once, each with a connection, which
// ask at a pace of their own whatever the answers take.
const (
	apiClients = 64
	apiEvery   = 100 * time.Millisecond // between two machines that a client reads
	apiPaging  = 4 * time.Second        // between two pages
	apiWarm    = 2 * time.Second
	apiRounds  = 7               // of machines; a stall of all that runs here spoils one of them
	apiRound   = 4 * time.Second // of a paced load
	apiPages   = 20 * time.Second
	apiFull    = 8 * time.Second // of one without pauses
	apiSecret  = "rw_bench"
)

// measureAPI asks a server on a hall of 100,000 machines, a process with all that a request
// passes, on either database.
func measureAPI(ctx context.Context, b *bench) error {
	dir, err := emptyFolder(b.out, "api")
	if err != nil {
		return err
	}
	if err := measureAPIOn(ctx, b, "sqlite", dir, filepath.Join(dir, "rackwright.db"), func() error { return nil }); err != nil {
		return err
	}
	c, err := startCluster(ctx)
	if err != nil {
		return err
	}
	defer c.end()
	dsn, err := c.create(ctx, "api")
	if err != nil {
		return err
	}
	return measureAPIOn(ctx, b, "postgres", dir, dsn, func() error { return c.settle(ctx, "api") })
}

// measureAPIOn fills a database, of a kind, and measures the server on it; settle lets the
// database finish what filling it began.
func measureAPIOn(ctx context.Context, b *bench, kind, dir, dsn string, settle func() error) error {
	b.tell("filling %s with %d machines", kind, hallSize)
	db, err := hall(ctx, dsn, hallSize)
	if err == nil {
		err = readyForAPI(ctx, db)
		db.Close()
	}
	if err == nil {
		err = settle()
	}
	if err != nil {
		return err
	}
	server, err := startPart(ctx, b, "api-server", dir, dsn)
	if err != nil {
		return err
	}
	defer server.end()
	line, err := server.out.ReadString('\n')
	at, bare, ok := strings.Cut(strings.TrimSpace(line), " ")
	if !ok {
		return fault.Internalf("the server did not begin: %v", err)
	}
	if kind == "sqlite" {
		if err := measureClient(ctx, b, at); err != nil {
			return err
		}
	}
	return measureAPILoad(ctx, b, kind, at, bare)
}

// readyForAPI lets the bench in, and gives some machines facts.
func readyForAPI(ctx context.Context, db *store.DB) error {
	if err := seeSome(ctx, db); err != nil {
		return err
	}
	return db.SetToken(ctx, "bench", access.Viewer, apiSecret)
}

// measureAPILoad measures at a pace how long answers take, and without pauses how many come.
func measureAPILoad(ctx context.Context, b *bench, kind, at, bare string) error {
	floor, got, err := askInTurns(ctx, bare, at)
	if err != nil {
		return err
	}
	b.tell("%s: a machine: half within %s, 99 of 100 within %s; from net/http alone %s and %s", kind, got.half, got.most, floor.half, floor.most)
	if err := b.report("api.get."+kind, reading{value: got.most.Seconds() * 1000}); err != nil {
		return err
	}
	pages, err := askPaced(ctx, at, apiPaging, apiPages, onePage)
	if err != nil {
		return err
	}
	b.tell("%s: a page: half within %s, 99 of 100 within %s", kind, within(pages, 50), within(pages, 99))
	if err := b.report("api.page."+kind, reading{value: within(pages, 99).Seconds() * 1000}); err != nil {
		return err
	}
	most, err := askFull(ctx, at, oneMachine)
	if err != nil {
		return err
	}
	bareMost, err := askFull(ctx, bare, oneMachine)
	if err != nil {
		return err
	}
	mostPages, err := askFull(ctx, at, onePage)
	if err != nil {
		return err
	}
	b.tell("%s: without pauses %.0f machines a second, %.0f pages; %.0f answers from net/http alone", kind, most, mostPages, bareMost)
	if err := b.report("api.rate."+kind, reading{value: most, peer: bareMost}); err != nil {
		return err
	}
	return b.report("api.pages."+kind, reading{value: mostPages})
}

// oneMachine and onePage are paths that are asked for.
func oneMachine(r *rand.Rand) string { return wire.Prefix + "/machines/" + anyMachine(r) }

func onePage(r *rand.Rand) string {
	return wire.Prefix + "/machines?" + pageFilters[r.IntN(len(pageFilters))].query(r).Encode()
}

func anyMachine(r *rand.Rand) string {
	n := r.IntN(hallSize)
	return fmt.Sprintf("r%04d-u%02d", n/perRack, n%perRack+1)
}
