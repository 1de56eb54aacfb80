// Package storetest is the suite that the store passes on both databases, and a PostgreSQL
// for tests. It is no part of a running rackwright.
package storetest

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/store"
)

// Run runs the whole suite; every sentence gets a database of its own.
func Run(t *testing.T, d Database) {
	for _, chapter := range []map[string]func(*testing.T, *bench){
		plans(), clashes(), swaps(), secrets(), strangers(), machines(), phases(), operations(), claims(), steering(),
		racks(), cables(), searches(), races(), boots(), leases(), events(), imageRecords(), imageImports(), imageJobs(), views(), deltas(), ladders(), openings(), hostile(), identities(), holds(), retirements(), replacements(), verifications(), rackings(), handscans(), signoffs(), bmcs(), bmcLogs(), exports(), remodels(), mates(), bmcHolds(), firmwares(), rollouts(), burnIns(), bonds(), certificates(), webhooks(), audits(), approvals(), pages(), orders(), growing(), onces(), expectations(), tokens(), scopes(), sessions(), joints(),
	} {
		for sentence, test := range chapter {
			t.Run(sentence, func(t *testing.T) {
				t.Parallel()
				test(t, newBench(t, d))
			})
		}
	}
}

// bench is one database with a store on it and a clock that the test turns.
type bench struct {
	*store.DB
	t     *testing.T
	kind  Database
	dsn   string
	clock *clock
	once  sync.Once
	past  *sql.DB
}

func newBench(t *testing.T, d Database) *bench {
	t.Helper()
	b := &bench{t: t, kind: d, dsn: d.Fresh(t), clock: &clock{now: time.Date(2026, 3, 4, 5, 6, 7, 891234000, time.UTC)}}
	b.DB = b.open(b.dsn)
	t.Cleanup(b.documentsAgree)
	return b
}

// open opens a store with the bench's clock and key and closes it with the test.
func (b *bench) open(dsn string) *store.DB {
	b.t.Helper()
	db, err := store.Open(b.t.Context(), store.Options{DSN: dsn, Sealer: NewSealer("the right key"), Now: b.clock.Now})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { db.Close() })
	return db
}

func (b *bench) ctx() context.Context { return b.t.Context() }

// raw opens the bench's database past the store.
func (b *bench) raw() *sql.DB {
	b.once.Do(func() { b.past = b.kind.Raw(b.t, b.dsn) })
	return b.past
}

// count runs a query for one number past the store.
func (b *bench) count(query string, args ...any) (n int) {
	b.t.Helper()
	if err := b.raw().QueryRowContext(b.ctx(), query, args...).Scan(&n); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// clock stands still until it is turned.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time it shows.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Turn moves it on.
func (c *clock) Turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// race runs n goroutines that start together and waits for all.
func race(n int, run func(i int)) {
	start, all := make(chan struct{}), sync.WaitGroup{}
	for i := range n {
		all.Go(func() {
			<-start
			run(i)
		})
	}
	close(start)
	all.Wait()
}

// must ends the test on an error and passes the value on.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// ok ends the test on an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused ends the test unless err is a fault of kind k with a hint, and returns its text.
func refused(t *testing.T, err error, k fault.Kind) string {
	t.Helper()
	if !fault.Is(err, k) {
		t.Fatalf("got %v (%s), want a refusal of kind %s", err, fault.KindOf(err), k)
	}
	return err.Error()
}
