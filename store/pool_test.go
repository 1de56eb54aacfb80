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
	p := &pool{DB: connections, keep: 4, kept: map[string]*statement{}}
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
	if len(p.kept) > p.keep {
		t.Errorf("%d statements are kept", len(p.kept))
	}
	for query, s := range p.kept {
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
