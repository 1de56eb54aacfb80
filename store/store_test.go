package store_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"rackwright/store"
	"rackwright/store/storetest"
)

// postgres is the server of this run; missing says why there is none.
var (
	postgres *storetest.PostgreSQL
	missing  error
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx := context.Background()
	server, err := storetest.Postgres(ctx)
	if err == nil {
		defer server.Stop()
		postgres, err = storetest.NewPostgreSQL(ctx, server)
	}
	if err != nil && err != storetest.ErrNoPostgres {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	missing = err
	return m.Run()
}

func TestSQLite(t *testing.T) { storetest.Run(t, storetest.SQLite{}) }

func TestPostgreSQL(t *testing.T) {
	if missing != nil {
		t.Skip(missing)
	}
	storetest.Run(t, postgres)
}

func TestBothDatabasesHaveOneSchema(t *testing.T) {
	if missing != nil {
		t.Skip(missing)
	}
	lite := storetest.SQLite{}
	dsn := lite.Empty(t)
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Sealer: storetest.NewSealer("k")})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	a, b := storetest.SchemaOf(t, lite, dsn), storetest.SchemaOf(t, postgres, postgres.Fresh(t))
	if len(a) < 100 {
		t.Errorf("read only %d columns and indexes", len(a))
	}
	if m := a.Missing(b); m != "" {
		t.Errorf("PostgreSQL lacks:\n%s", m)
	}
	if m := b.Missing(a); m != "" {
		t.Errorf("SQLite lacks:\n%s", m)
	}
}
