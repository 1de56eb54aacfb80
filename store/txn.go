package store

import (
	"context"
	"database/sql"
	"runtime"
)

// txn is a transaction. Between its statements it lets others go on: SQLite computes in this
// process, Go would let it for 10 ms at a time, and who answers packets has microseconds.
type txn struct {
	*sql.Tx
	pool *pool
	desk *writingDesk // nil but for those that write to SQLite
}

// begin begins a transaction; one that writes to SQLite has the turn to.
func (p *pool) begin(ctx context.Context, o *sql.TxOptions) (*txn, error) {
	if p.writer == nil || o != nil && o.ReadOnly {
		tx, err := p.BeginTx(ctx, o)
		return &txn{Tx: tx, pool: p}, err
	}
	tx, err := p.desk.begin(p.steady(ctx), p.DB)
	return &txn{Tx: tx, pool: p, desk: &p.desk}, err
}

// QueryContext is that of sql.Tx.
func (t *txn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := t.compiled(&ctx, query); s != nil {
		defer t.desk.writes.done(s)
		return s.QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, query, args...)
}

// QueryRowContext is that of sql.Tx.
func (t *txn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := t.compiled(&ctx, query); s != nil {
		defer t.desk.writes.done(s)
		return s.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}

// ExecContext is that of sql.Tx.
func (t *txn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := t.compiled(&ctx, query); s != nil {
		defer t.desk.writes.done(s)
		return s.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, query, args...)
}

// compiled is the statement of a query, until done; nil of one that is not kept.
func (t *txn) compiled(ctx *context.Context, query string) *statement {
	runtime.Gosched()
	if t.desk == nil {
		return nil
	}
	*ctx = t.pool.steady(*ctx)
	if len(query) > longQuery {
		return nil
	}
	return t.desk.writes.compiled(*ctx, query)
}

// steady is the context of what is short on SQLite and not interrupted once it began: driver
// and database/sql would have goroutines wait for that with each statement, and one that is
// interrupted takes its whole transaction back.
func (p *pool) steady(ctx context.Context) context.Context {
	if p.writer == nil || ctx.Err() != nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// writingDesk is where SQLite is written to: one connection, for it has one writer at a time,
// with its statements compiled. Who has the turn to write uses it. The zero value is ready.
type writingDesk struct {
	conn   *sql.Conn
	writes *statements
}

func (d *writingDesk) begin(ctx context.Context, db *sql.DB) (*sql.Tx, error) {
	if d.conn == nil {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		d.conn, d.writes = conn, &statements{of: conn, room: keptStatements}
	}
	tx, err := d.conn.BeginTx(ctx, nil)
	if err != nil && ctx.Err() == nil {
		d.close() // the next has another
	}
	return tx, err
}

// giveBack gives the memory back that a long transaction took.
func (d *writingDesk) giveBack(ctx context.Context, pragma string) {
	if d.conn != nil {
		_, _ = d.conn.ExecContext(ctx, pragma) // it only costs memory when it fails
	}
}

func (d *writingDesk) close() {
	if d.conn == nil {
		return
	}
	d.writes.close()
	d.conn.Close()
	d.conn, d.writes = nil, nil
}
