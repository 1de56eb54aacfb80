package storetest

import (
	"database/sql"
	"fmt"
	"sort"
	"strings"
	"testing"
)

// Schema is what two databases must have in common: tables with their columns and which
// of them may be NULL, and indexes with their columns, uniqueness and whether partial.
type Schema []string

// SchemaOf reads the schema of a migrated database.
func SchemaOf(t testing.TB, d Database, dsn string) Schema {
	t.Helper()
	db := d.Raw(t, dsn)
	var out Schema
	for _, table := range tables(t, db, dsn) {
		if strings.HasPrefix(table, "goose_") || strings.HasPrefix(table, "sqlite_") {
			continue
		}
		if isPostgres(dsn) {
			out = append(out, postgresTable(t, db, table)...)
		} else {
			out = append(out, sqliteTable(t, db, table)...)
		}
	}
	sort.Strings(out)
	return out
}

func tables(t testing.TB, db *sql.DB, dsn string) []string {
	t.Helper()
	if isPostgres(dsn) {
		return column(t, db, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)
	}
	return column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1`)
}

func postgresTable(t testing.TB, db *sql.DB, table string) (out Schema) {
	t.Helper()
	out = column(t, db, `SELECT 'column ' || table_name || '.' || column_name || CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`, table)
	return append(out, column(t, db, `SELECT 'index ' || $1::text || '(' ||
			(SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(att, n) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.att) || ')' ||
			CASE WHEN i.indisunique THEN ' unique' ELSE '' END || CASE WHEN i.indpred IS NOT NULL THEN ' partial' ELSE '' END
		FROM pg_index i WHERE i.indrelid = $1::text::regclass AND NOT i.indisexclusion`, table)...)
}

func sqliteTable(t testing.TB, db *sql.DB, table string) (out Schema) {
	t.Helper()
	out = column(t, db, `SELECT 'column ' || $1 || '.' || name || CASE WHEN "notnull" = 0 AND pk = 0 THEN ' null' ELSE '' END FROM pragma_table_info($1)`, table)
	out = append(out, column(t, db, `SELECT 'index ' || $1 || '(' || (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)) || ')' ||
			CASE WHEN l."unique" THEN ' unique' ELSE '' END || CASE WHEN l.partial THEN ' partial' ELSE '' END
		FROM pragma_index_list($1) l`, table)...)
	// a primary key that is the row number has no index of its own
	return append(out, column(t, db, `SELECT 'index ' || $1 || '(' || name || ') unique' FROM pragma_table_info($1)
		WHERE pk = 1 AND type = 'INTEGER' AND (SELECT count(*) FROM pragma_table_info($1) WHERE pk > 0) = 1`, table)...)
}

func column(t testing.TB, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Missing says what the first schema has that the second lacks.
func (s Schema) Missing(from Schema) string {
	have := map[string]int{}
	for _, line := range from {
		have[line]++
	}
	var out []string
	for _, line := range s {
		if have[line]--; have[line] < 0 {
			out = append(out, line)
		}
	}
	return fmt.Sprint(strings.Join(out, "\n"))
}
