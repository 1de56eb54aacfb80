package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mostInArray is how many values of one array are looked up by one statement.
const mostInArray = 5000

// forEach runs a statement on the rows whose column is one of values, some thousand at
// once, in their order; empty ones are left out. args are those that the statement has
// beside them.
func (db *DB) forEach(values []string, column string, run func(clause string, args []any) error, args ...any) error {
	values = slices.Clone(values)
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) > 0 && values[0] == "" {
		values = values[1:]
	}
	for part := range slices.Chunk(values, mostInArray) {
		clause := column + fmt.Sprintf(db.dialect.oneOf, len(args)+1)
		if err := run(clause, append(slices.Clone(args), db.dialect.array(part))); err != nil {
			return err
		}
	}
	return nil
}

// gather reads what belongs to values as forEach does.
func gather[T any](db *DB, values []string, column string, read func(clause string, args []any) ([]T, error)) (out []T, err error) {
	err = db.forEach(values, column, func(clause string, args []any) error {
		some, err := read(clause, args)
		out = append(out, some...)
		return err
	})
	return out, err
}

// batch gathers rows of one table and inserts many with one statement.
type batch struct {
	tx      *txn
	written int64  // rows
	into    string // INSERT INTO table (columns)
	then    string // ON CONFLICT ..., or nothing
	columns int
	rows    int // of one statement
	mark    func(n int) string
	args    []any
	full    *sql.Stmt // for as many rows as go into one
}

// newBatch is a batch of few rows; DB.batch is quicker with many.
func newBatch(tx *txn, into, then string, columns int) *batch {
	return &batch{tx: tx, into: into, then: then, columns: columns, rows: max(1, 100/columns), mark: numbered}
}

func numbered(n int) string { return "$" + strconv.Itoa(n) }

func (db *DB) batch(tx *txn, into, then string, columns int) *batch {
	return &batch{tx: tx, into: into, then: then, columns: columns, rows: db.dialect.params / columns, mark: db.dialect.mark}
}

// add writes a row, or keeps it for the next statement.
func (b *batch) add(ctx context.Context, row ...any) error {
	b.args = append(b.args, row...)
	if len(b.args) < b.rows*b.columns {
		return nil
	}
	if b.full == nil {
		var err error
		if b.full, err = b.tx.PrepareContext(ctx, b.text(b.rows)); err != nil {
			return err
		}
	}
	res, err := b.full.ExecContext(ctx, storable(b.args)...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	b.args, b.written = b.args[:0], b.written+n
	return err
}

// close gives the prepared statement up.
func (b *batch) close() {
	if b.full != nil {
		b.full.Close()
	}
}

// done writes what is left.
func (b *batch) done(ctx context.Context) error {
	if len(b.args) == 0 {
		return nil
	}
	n, err := exec(ctx, b.tx, b.text(len(b.args)/b.columns), b.args...)
	b.args, b.written = nil, b.written+n
	return err
}

func (b *batch) text(rows int) string {
	var s strings.Builder
	s.WriteString(b.into + " VALUES ")
	n := 0
	for i := range rows {
		if i > 0 {
			s.WriteString(", ")
		}
		for c := range b.columns {
			n++
			s.WriteString("(,"[min(c, 1):min(c, 1)+1] + b.mark(n))
		}
		s.WriteByte(')')
	}
	return s.String() + " " + b.then
}
