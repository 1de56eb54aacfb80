package migrations_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rackwright/migrations"
)

func names(t *testing.T, open func() (fs.FS, error)) []string {
	t.Helper()
	files, err := open()
	if err != nil {
		t.Fatal(err)
	}
	found, err := fs.Glob(files, "*")
	if err != nil || len(found) == 0 {
		t.Fatalf("found %v, %v", found, err)
	}
	for _, name := range found {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		up, down, both := strings.Cut(string(text), "-- +goose Down\n")
		if !strings.HasPrefix(up, "-- +goose Up\n") || !both || strings.TrimSpace(down) == "" {
			t.Errorf("%s lacks its way up or its way down", name)
		}
	}
	return found
}

func TestBothDatabasesHaveTheSameMigrations(t *testing.T) {
	postgres, sqlite := names(t, migrations.Postgres), names(t, migrations.SQLite)
	if !slices.Equal(postgres, sqlite) {
		t.Errorf("postgres has %v, sqlite has %v", postgres, sqlite)
	}
}

func TestMigrationsAreNumberedWithoutGaps(t *testing.T) {
	form := regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)
	for i, name := range names(t, migrations.Postgres) {
		found := form.FindStringSubmatch(name)
		if found == nil || strings.TrimLeft(found[1], "0") != string(rune('1'+i)) && i < 9 {
			t.Errorf("migration %d is called %s", i+1, name)
		}
	}
}

func TestEverySQLiteTableIsStrict(t *testing.T) {
	files, err := migrations.SQLite()
	if err != nil {
		t.Fatal(err)
	}
	all, _ := fs.Glob(files, "*.sql")
	for _, name := range all {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		if made, strict := strings.Count(string(text), "CREATE TABLE"), strings.Count(string(text), ") STRICT;")+strings.Count(string(text), ") STRICT, WITHOUT ROWID;"); made != strict {
			t.Errorf("%s makes %d tables, %d of them STRICT", name, made, strict)
		}
	}
}
