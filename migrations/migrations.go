// Package migrations holds the schema of both databases: files of equal number change
// both in the same way. It runs nothing (store does).
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// Postgres is the folder for PostgreSQL.
func Postgres() (fs.FS, error) { return fs.Sub(files, "postgres") }

// SQLite is the folder for SQLite.
func SQLite() (fs.FS, error) { return fs.Sub(files, "sqlite") }
