package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"

	"rackwright/audit"
	"rackwright/seal"
	"rackwright/store"
)

// Database is a kind of database that the suite is run on.
type Database interface {
	// Empty makes a new database without a schema and returns its DSN.
	Empty(t testing.TB) string
	// Fresh makes a new database, with the schema where that is quicker.
	Fresh(t testing.TB) string
	// Raw opens a database past the store, to look into its rows.
	Raw(t testing.TB, dsn string) *sql.DB
}

// SQLite is files in the test's temporary folder.
type SQLite struct{}

// Empty implements Database.
func (SQLite) Empty(t testing.TB) string { return filepath.Join(t.TempDir(), "rackwright.db") }

// Fresh implements Database.
func (s SQLite) Fresh(t testing.TB) string { return s.Empty(t) }

// Raw implements Database.
func (SQLite) Raw(t testing.TB, dsn string) *sql.DB {
	return openRaw(t, "sqlite", "file:"+(&url.URL{Path: dsn}).EscapedPath()+"?_pragma=busy_timeout(5000)")
}

// PostgreSQL is databases of one server: copies of a template that has the schema, emptied
// and used again when a test is done with one, for copying is slow.
type PostgreSQL struct {
	server *Server
	tables []string // of the schema

	mu   sync.Mutex
	made int
	free []string // names of databases that are empty again
}

const template = "rackwright_template"

// NewPostgreSQL prepares the template. Its locale is one that sorts unlike bytes do,
// as production databases' are, where the server knows one.
func NewPostgreSQL(ctx context.Context, s *Server) (*PostgreSQL, error) {
	if err := s.do(ctx, "CREATE DATABASE locale_base TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"); err != nil {
		if err := s.do(ctx, "CREATE DATABASE locale_base TEMPLATE template0"); err != nil {
			return nil, err
		}
	}
	if err := s.do(ctx, "CREATE DATABASE "+template+" TEMPLATE locale_base"); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{DSN: s.DSN(template), Sealer: NewSealer("any")})
	if err != nil {
		return nil, err
	}
	p := &PostgreSQL{server: s}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return p, p.readTables(ctx)
}

func (p *PostgreSQL) readTables(ctx context.Context) error {
	db, err := sql.Open("pgx", p.server.DSN(template))
	if err != nil {
		return err
	}
	defer db.Close()
	var list string // what the migrations fill stays
	err = db.QueryRowContext(ctx, `SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%'
		AND tablename <> 'cable_fit'`).Scan(&list)
	p.tables = strings.Fields(list)
	return err
}

// Empty implements Database.
func (p *PostgreSQL) Empty(t testing.TB) string { return p.server.DSN(p.create(t, "locale_base")) }

// Fresh implements Database.
func (p *PostgreSQL) Fresh(t testing.TB) string {
	t.Helper()
	p.mu.Lock()
	name := ""
	if n := len(p.free); n > 0 {
		name, p.free = p.free[n-1], p.free[:n-1]
	}
	p.mu.Unlock()
	if name == "" {
		name = p.create(t, template)
	}
	t.Cleanup(func() { p.reuse(name) })
	return p.server.DSN(name)
}

// reuse empties a database for another test; one that cannot be emptied, because its
// test broke it, is left alone.
func (p *PostgreSQL) reuse(name string) {
	db, err := sql.Open("pgx", p.server.DSN(name))
	if err != nil {
		return
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return
	}
	defer tx.Rollback()
	for _, statement := range []string{
		"ALTER TABLE audit ENABLE TRIGGER audit_stays", // fails where a test took it away
		"SET LOCAL session_replication_role = replica", // no triggers: nobody empties an audit
		"TRUNCATE " + strings.Join(p.tables, ", ") + " RESTART IDENTITY",
		"INSERT INTO revision (n) VALUES (1)",
		"INSERT INTO installation (id) VALUES (gen_random_uuid())",
		"INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, '" + audit.Genesis + "')",
	} {
		if _, err := tx.Exec(statement); err != nil {
			return
		}
	}
	if err := tx.Commit(); err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, name)
}

func (p *PostgreSQL) create(t testing.TB, from string) string {
	t.Helper()
	p.mu.Lock()
	p.made++
	name := fmt.Sprintf("test_%d", p.made)
	p.mu.Unlock()
	if err := p.server.do(context.Background(), "CREATE DATABASE "+name+" TEMPLATE "+from); err != nil {
		t.Fatal(err)
	}
	return name
}

// Raw implements Database.
func (*PostgreSQL) Raw(t testing.TB, dsn string) *sql.DB { return openRaw(t, "pgx", dsn) }

func openRaw(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (s *Server) do(ctx context.Context, statement string) error {
	db, err := sql.Open("pgx", s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// StartPostgres is Postgres for one test: the server ends with it, and the test is skipped
// where there is none. The DSN is that of an empty database.
func StartPostgres(t testing.TB) string {
	t.Helper()
	s, err := Postgres(context.Background())
	if err == ErrNoPostgres {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if err := s.do(t.Context(), "CREATE DATABASE rackwright"); err != nil {
		t.Fatal(err)
	}
	return s.DSN("rackwright")
}

// NewSealer makes a key out of words; the same words make the same key.
func NewSealer(words string) *seal.Key {
	secret := sha256.Sum256([]byte(words))
	k, err := seal.NewKey(secret[:])
	if err != nil {
		panic(err)
	}
	return k
}

// isPostgres tells the kinds of DSN apart.
func isPostgres(dsn string) bool { return strings.HasPrefix(dsn, "postgres://") }
