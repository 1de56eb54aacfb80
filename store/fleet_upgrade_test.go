package store_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"rackwright/fleet"
	"rackwright/migrations"
	"rackwright/store"
	"rackwright/store/storetest"
)

// As they were before both were fleets.
const (
	oldCampaign = `{"id":"01900000-0000-7000-8000-00000000000a","name":"bios","state":"paused","rollout":{"racks":["r1"],"file":"b2","canary":1,"size":2,"domain":"row","halt":7},
"files":["b2"],"targets":[{"machine":"01900000-0000-7000-8000-000000000004","name":"n1","model":"x1","domain":"a","wave":0,"state":"done"},
{"machine":"m2","name":"n2","wave":1,"state":"running","why":"\"wave\":0, \"state\":\"deployed\""}],"wave":0,"actor":"ann","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z","version":3}`
	oldRollout = `{"id":"01900000-0000-7000-8000-00000000000b","name":"spring","state":"aborted","image":"debian","digest":"sha256:aa","image_bytes":7,"terms":{"all_ready":true,"max_failures":5},
"wave":1,"members":[{"machine":"m1","name":"n1","wave":0,"canary":true,"state":"deployed"},{"machine":"m2","name":"n2","wave":1,"state":"deploying"}],"pace":{"deploying":1},
"actor":"ann","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z","version":4}`
)

func TestRolloutsAndCampaignsOfBeforeGoOnAsFleets(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	t.Run("SQLite", func(t *testing.T) {
		becomeFleets(t, storetest.SQLite{}, goose.DialectSQLite3, migrations.SQLite, at.UnixMicro())
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		if missing != nil {
			t.Skip(missing)
		}
		becomeFleets(t, postgres, goose.DialectPostgres, migrations.Postgres, at)
	})
}

func becomeFleets(t *testing.T, kind storetest.Database, dialect goose.Dialect, files func() (fs.FS, error), at any) {
	dsn := kind.Empty(t)
	old, err := files()
	if err != nil {
		t.Fatal(err)
	}
	raw := kind.Raw(t, dsn)
	p, err := goose.NewProvider(dialect, raw, old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]any{
		{`INSERT INTO campaign (id, name, state, spec, due, lease_owner, lease_until, created_at, version) VALUES ('01900000-0000-7000-8000-00000000000a', 'bios', 'paused', $1, NULL, '', $2, $2, 3)`, oldCampaign, at},
		{`INSERT INTO rollout (id, name, state, spec, order_sealed, due, lease_owner, lease_until, created_at, version)
			VALUES ('01900000-0000-7000-8000-00000000000b', 'spring', 'aborted', $1, '', $2, '', $2, $2, 4)`, oldRollout, at},
	} {
		if _, err := raw.ExecContext(t.Context(), row[0].(string), row[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Sealer: storetest.NewSealer("k")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Fleet(t.Context(), fleet.Campaign, "bios")
	if err != nil || c.Kind != fleet.Campaign || c.State != fleet.Paused || c.Version != 3 || c.File != "b2" || c.Terms.MaxFailures != 7 || c.Terms.Canary != 1 || c.Terms.Size != 2 ||
		len(c.Members) != 2 || !c.Members[0].Canary || c.Members[1].Canary || c.Members[1].State != fleet.Running || c.Members[1].Why != `"wave":0, "state":"deployed"` {
		t.Errorf("the campaign is now %+v (%v)", c, err)
	}
	r, err := db.Fleet(t.Context(), fleet.Rollout, "spring")
	if err != nil || r.Kind != fleet.Rollout || r.State != fleet.Cancelled || r.Digest != "sha256:aa" || r.Members[0].State != fleet.Done || r.Members[1].State != fleet.Running {
		t.Errorf("the rollout is now %+v (%v)", r, err)
	}
}
