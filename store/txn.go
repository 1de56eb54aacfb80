package store

import (
	"context"
	"database/sql"
	"runtime"
)

// txn is a transaction whose statements are kept compiled as the pool's are. Between them it
// lets others go on: SQLite computes in this process, Go would let it for 10 ms at a time, and
// who answers packets has microseconds.
type txn struct {
	*sql.Tx
	pool *pool
}

// begin begins a transaction.
func (p *pool) begin(ctx context.Context, o *sql.TxOptions) (*txn, error) {
	tx, err := p.BeginTx(p.steady(ctx), o)
	return &txn{tx, p}, err
}

// steady is the context of a transaction's statement. SQLite's are short and not interrupted once
// they began: driver and database/sql would have goroutines wait for that with each, and an
// interrupted one takes the whole transaction back.
func (p *pool) steady(ctx context.Context) context.Context {
	if p.writer == nil || ctx.Err() != nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// QueryContext is that of sql.Tx.
func (t *txn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	runtime.Gosched()
	ctx = t.pool.steady(ctx)
	s := t.pool.compiled(ctx, query)
	if s == nil {
		return t.Tx.QueryContext(ctx, query, args...)
	}
	defer t.pool.done(s)
	return t.StmtContext(ctx, s.Stmt).QueryContext(ctx, args...)
}

// QueryRowContext is that of sql.Tx.
func (t *txn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	runtime.Gosched()
	ctx = t.pool.steady(ctx)
	s := t.pool.compiled(ctx, query)
	if s == nil {
		return t.Tx.QueryRowContext(ctx, query, args...)
	}
	defer t.pool.done(s)
	return t.StmtContext(ctx, s.Stmt).QueryRowContext(ctx, args...)
}

// ExecContext is that of sql.Tx.
func (t *txn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	runtime.Gosched()
	ctx = t.pool.steady(ctx)
	s := t.pool.compiled(ctx, query)
	if s == nil {
		return t.Tx.ExecContext(ctx, query, args...)
	}
	defer t.pool.done(s)
	return t.StmtContext(ctx, s.Stmt).ExecContext(ctx, args...)
}
