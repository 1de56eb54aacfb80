package store

import (
	"context"
	"database/sql"
)

// txn is a transaction whose statements are kept compiled as the pool's are.
type txn struct {
	*sql.Tx
	pool *pool
}

// begin begins a transaction.
func (p *pool) begin(ctx context.Context, o *sql.TxOptions) (*txn, error) {
	tx, err := p.BeginTx(ctx, o)
	return &txn{tx, p}, err
}

// QueryContext is that of sql.Tx.
func (t *txn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s := t.pool.compiled(ctx, query)
	if s == nil {
		return t.Tx.QueryContext(ctx, query, args...)
	}
	defer t.pool.done(s)
	return t.StmtContext(ctx, s.Stmt).QueryContext(ctx, args...)
}

// QueryRowContext is that of sql.Tx.
func (t *txn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s := t.pool.compiled(ctx, query)
	if s == nil {
		return t.Tx.QueryRowContext(ctx, query, args...)
	}
	defer t.pool.done(s)
	return t.StmtContext(ctx, s.Stmt).QueryRowContext(ctx, args...)
}

// ExecContext is that of sql.Tx.
func (t *txn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s := t.pool.compiled(ctx, query)
	if s == nil {
		return t.Tx.ExecContext(ctx, query, args...)
	}
	defer t.pool.done(s)
	return t.StmtContext(ctx, s.Stmt).ExecContext(ctx, args...)
}
