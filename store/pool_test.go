package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

func TestThePoolKeepsAFewStatementsAndAnswersAll(t *testing.T) {
	connections, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer connections.Close()
	connections.SetMaxOpenConns(3)
	p := &pool{DB: connections, reads: &statements{of: connections, room: 4}}
	var askers sync.WaitGroup
	for asker := range 4 {
		askers.Go(func() {
			for i := range 60 {
				n := (asker + i) % 7
				found, err := collect(t.Context(), p, func(scan func(...any) error) (v int, err error) { err = scan(&v); return v, err },
					fmt.Sprintf("SELECT %d + $1", n), i)
				if err != nil || len(found) != 1 || found[0] != n+i {
					t.Errorf("%d + %d: %v, %v", n, i, found, err)
				}
			}
		})
	}
	askers.Wait()
	if len(p.reads.kept) > p.reads.room {
		t.Errorf("%d statements are kept", len(p.reads.kept))
	}
	for query, s := range p.reads.kept {
		if s.users != 0 {
			t.Errorf("%s has %d users", query, s.users)
		}
	}
	if _, err := p.QueryContext(t.Context(), "SELECT nothing"); err == nil {
		t.Error("a wrong query is answered")
	}
}

func TestOneWritesAtATimeWhereTheDatabaseLetsOnlyOne(t *testing.T) {
	p := &pool{writer: make(chan struct{}, 1)}
	writing := 0
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			end, err := p.toWrite(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer end()
			if writing++; writing != 1 {
				t.Errorf("%d at once", writing)
			}
			writing--
		})
	}
	all.Wait()
	end, err := p.toWrite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.toWrite(gone); err == nil {
		t.Error("who does not wait any more has a turn")
	}
	if end, err := (&pool{}).toWrite(gone); err != nil {
		t.Error(err)
	} else {
		end()
	}
}

func TestAWriterKeepsAFewStatementsAndWritesAll(t *testing.T) {
	connections, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	p := embedded(connections)
	defer p.Close()
	write := func(ctx context.Context, fn func(tx *txn) error) error {
		end, err := p.toWrite(ctx)
		if err != nil {
			return err
		}
		defer end()
		tx, err := p.begin(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(write(t.Context(), func(tx *txn) error { _, err := exec(t.Context(), tx, `CREATE TABLE n (v integer)`); return err }))
	for range 2 {
		must(write(t.Context(), func(tx *txn) error {
			for i := range keptStatements + 10 {
				if _, err := exec(t.Context(), tx, fmt.Sprintf("INSERT INTO n VALUES (%d + $1)", i), 1); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	if err := write(t.Context(), func(tx *txn) error {
		if _, err := exec(t.Context(), tx, `DELETE FROM n`); err != nil {
			return err
		}
		_, err := exec(t.Context(), tx, `DELETE FROM nothing`)
		return err
	}); err == nil {
		t.Error("a statement about a table that is not there")
	}
	if len(p.desk.writes.kept) > keptStatements {
		t.Errorf("%d statements are kept", len(p.desk.writes.kept))
	}
	p.desk.close() // as when the connection broke
	ended, end := context.WithCancel(t.Context())
	must(write(ended, func(tx *txn) error {
		end()
		found, err := collect(t.Context(), tx, func(scan func(...any) error) (v int, err error) { err = scan(&v); return v, err }, `SELECT count(*) FROM n`)
		if err == nil && found[0] != 2*(keptStatements+10) {
			t.Errorf("%d rows", found[0])
		}
		return err
	}))
}

func TestAllWritesGoByOneConnection(t *testing.T) {
	connections, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "db")+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	p := embedded(connections)
	defer p.Close()
	if _, err := exec(t.Context(), p, `CREATE TABLE t (n integer)`); err != nil {
		t.Fatal(err)
	}
	if _, err := exec(t.Context(), p, `INSERT INTO missing VALUES (1)`); err == nil {
		t.Error("a wrong statement is done")
	}
	version := func() (v int) {
		if err := p.desk.conn.QueryRowContext(t.Context(), `PRAGMA data_version`).Scan(&v); err != nil { // another when another connection wrote
			t.Fatal(err)
		}
		return v
	}
	before := version()
	for i := range 3 {
		if n, err := exec(t.Context(), p, `INSERT INTO t VALUES ($1)`, i); n != 1 || err != nil {
			t.Fatalf("%d rows, %v", n, err)
		}
	}
	if rows, err := collect(t.Context(), p, func(scan func(...any) error) (n int, err error) { err = scan(&n); return n, err }, `SELECT n FROM t`); len(rows) != 3 || err != nil {
		t.Errorf("kept are %v, %v", rows, err)
	}
	if after := version(); after != before {
		t.Errorf("another connection wrote: data version %d, before %d", after, before)
	}
}
