package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mostInList is how many values one IN list has at most. Lists are filled up to a power
// of two, so that there are few statements to prepare.
const mostInList = 128

// lists cuts values into parts that fit an IN list. The order is kept, doubles and
// empty ones are not.
func lists(values []string) [][]string {
	seen := make(map[string]bool, len(values))
	kept := make([]string, 0, len(values))
	for _, v := range values {
		if v != "" && !seen[v] {
			seen[v] = true
			kept = append(kept, v)
		}
	}
	return slices.Collect(slices.Chunk(kept, mostInList))
}

// mostInArray is how many values of one array are looked up by one statement.
const mostInArray = 5000

// forEach runs a statement on the rows whose column is one of values, some hundred at
// once; for many see DB.forMany.
func forEach(values []string, column string, run func(clause string, args []any) error) error {
	for _, part := range lists(values) {
		clause, args := in(column, part)
		if err := run(clause, args); err != nil {
			return err
		}
	}
	return nil
}

// forMany runs a statement on the rows whose column is one of many values, some thousand
// at once. args are those that the statement has beside them.
func (db *DB) forMany(values []string, column string, run func(clause string, args []any) error, args ...any) error {
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

// in is "column IN ($1, ...)" for one of lists, and its arguments.
func in(column string, values []string) (clause string, args []any) {
	return inBehind(nil, column, values)
}

// inBehind is in for a statement that has arguments already.
func inBehind(args []any, column string, values []string) (string, []any) {
	size := 1
	for size < len(values) {
		size *= 2
	}
	var b strings.Builder
	b.WriteString(column + " IN (")
	for i := range size {
		args = append(args, values[min(i, len(values)-1)])
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", len(args))
	}
	b.WriteString(")")
	return b.String(), args
}

// batch gathers rows of one table and inserts many with one statement.
type batch struct {
	tx      *sql.Tx
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
func newBatch(tx *sql.Tx, into, then string, columns int) *batch {
	return &batch{tx: tx, into: into, then: then, columns: columns, rows: max(1, 100/columns), mark: numbered}
}

func numbered(n int) string { return "$" + strconv.Itoa(n) }

func (db *DB) batch(tx *sql.Tx, into, then string, columns int) *batch {
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
