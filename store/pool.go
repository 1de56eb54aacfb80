package store

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"
	"time"
)

// pool is the connections to the database. SQLite's driver compiles each statement anew,
// which was most of the work of reading one machine: the pool keeps those of reads outside
// of transactions, and the desk those of transactions that write.
type pool struct {
	*sql.DB
	reads *statements // nil: the driver keeps them itself

	writer chan struct{} // whose turn it is to write; nil: the database lets many at once
	turns  atomic.Uint64 // that there were,
	others atomic.Uint64 // and those of who does not lend
	desk   writingDesk   // who has the turn uses it
}

// embedded is the pool of SQLite.
func embedded(db *sql.DB) *pool {
	return &pool{DB: db, reads: &statements{of: db, room: keptStatements}, writer: make(chan struct{}, 1)}
}

// keptStatements is how many SQLite's pool keeps of reads, and its desk, of some 10 KiB for each connection.
const keptStatements = 128

// longQuery is from which length on a transaction's statement is not kept, bytes: such are made
// for as many rows as there are, and seldom come again.
const longQuery = 2048

// lastWrite is how long Close waits for who writes.
const lastWrite = 5 * time.Second

// idleTime is how long a connection is kept that nothing asked for.
const idleTime = 5 * time.Minute

// toWrite waits until this process's other writers before are done, in the order they came, and
// returns how to end it. SQLite has one writer at a time and lets the others try again now and
// then: whoever writes without a pause would keep them all out.
func (p *pool) toWrite(ctx context.Context) (func(), error) {
	if p.writer == nil {
		return func() {}, nil
	}
	select {
	case p.writer <- struct{}{}:
		if p.turns.Add(1); ctx.Value(lending{}) == nil {
			p.others.Add(1)
		}
		return func() { <-p.writer }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// write runs a statement that is a transaction by itself. On SQLite it goes where all writes go: a
// connection drops all that it remembers of the database, and that takes its time, when it finds
// that another one wrote.
func (p *pool) write(ctx context.Context, query string, args ...any) (sql.Result, error) {
	end, err := p.toWrite(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	writes(ctx)
	if p.writer == nil {
		return p.DB.ExecContext(ctx, query, args...)
	}
	tx, err := p.begin(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	res, err := tx.ExecContext(ctx, query, args...)
	if err == nil {
		err = tx.Commit()
	}
	return res, err
}

// Close is that of sql.DB. Who writes is waited for.
func (p *pool) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastWrite)
	defer cancel()
	if end, err := p.toWrite(ctx); err == nil {
		p.desk.close()
		end()
	}
	return p.DB.Close()
}

// QueryContext is that of sql.DB.
func (p *pool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s := p.compiled(ctx, query)
	if s == nil {
		return p.DB.QueryContext(ctx, query, args...)
	}
	defer p.reads.done(s)
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of sql.DB.
func (p *pool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s := p.compiled(ctx, query)
	if s == nil {
		return p.DB.QueryRowContext(ctx, query, args...)
	}
	defer p.reads.done(s)
	return s.QueryRowContext(ctx, args...)
}

// compiled is the statement of a query, until done; nil of one that is not kept.
func (p *pool) compiled(ctx context.Context, query string) *statement {
	if p.reads == nil || !strings.HasPrefix(query, "SELECT ") && !strings.HasPrefix(query, "WITH ") {
		return nil
	}
	return p.reads.compiled(ctx, query)
}
