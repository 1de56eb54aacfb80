package store_test

import (
	"io/fs"
	"testing"

	"github.com/pressly/goose/v3"

	"rackwright/migrations"
	"rackwright/store/storetest"
)

func TestTheSchemaGoesUpAndDownAndUpAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		kind    func(t *testing.T) storetest.Database
		dialect goose.Dialect
		files   func() (fs.FS, error)
	}{
		{"SQLite", func(*testing.T) storetest.Database { return storetest.SQLite{} }, goose.DialectSQLite3, migrations.SQLite},
		{"PostgreSQL", func(t *testing.T) storetest.Database {
			if missing != nil {
				t.Skip(missing)
			}
			return postgres
		}, goose.DialectPostgres, migrations.Postgres},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind := c.kind(t)
			dsn := kind.Empty(t)
			files, err := c.files()
			if err != nil {
				t.Fatal(err)
			}
			p, err := goose.NewProvider(c.dialect, kind.Raw(t, dsn), files)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Up(t.Context()); err != nil {
				t.Fatal(err)
			}
			first := storetest.SchemaOf(t, kind, dsn)
			if _, err := p.DownTo(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if left := storetest.SchemaOf(t, kind, dsn); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			if _, err := p.Up(t.Context()); err != nil {
				t.Fatal(err)
			}
			if again := storetest.SchemaOf(t, kind, dsn); first.Missing(again)+again.Missing(first) != "" {
				t.Errorf("up again gave another schema")
			}
		})
	}
}
