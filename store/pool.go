package store

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"time"
)

// pool is the connections to the database. SQLite's driver compiles each statement anew,
// which was most of the work of reading one machine: the pool keeps those of reads outside
// of transactions, and the desk those of transactions that write.
type pool struct {
	*sql.DB
	keep int // statements; 0: the driver keeps them itself

	writer chan struct{} // whose turn it is to write; nil: the database lets many at once
	desk   writingDesk   // who has the turn uses it

	mu   sync.Mutex
	kept map[string]*statement
	turn int64
}

type statement struct {
	*sql.Stmt
	last  int64 // turn in which it was wanted
	users int   // that are about to run it
}

// keptStatements is how many the pool of SQLite keeps, of some 10 KiB for each connection.
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
		return func() { <-p.writer }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
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
	defer p.done(s)
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of sql.DB.
func (p *pool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s := p.compiled(ctx, query)
	if s == nil {
		return p.DB.QueryRowContext(ctx, query, args...)
	}
	defer p.done(s)
	return s.QueryRowContext(ctx, args...)
}

// compiled is the statement of a query, until done; nil of one that is not kept.
func (p *pool) compiled(ctx context.Context, query string) *statement {
	if p.keep == 0 || !strings.HasPrefix(query, "SELECT ") && !strings.HasPrefix(query, "WITH ") {
		return nil
	}
	if s := p.want(query, nil); s != nil {
		return s
	}
	made, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil // running it says what is wrong
	}
	return p.want(query, made)
}

// want counts a user of a query's statement; one that was made is kept if there is none.
func (p *pool) want(query string, made *sql.Stmt) *statement {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.kept[query]
	switch {
	case s == nil && made == nil:
		return nil
	case s == nil:
		if len(p.kept) >= p.keep && !p.drop() {
			made.Close()
			return nil
		}
		s = &statement{Stmt: made}
		p.kept[query] = s
	case made != nil: // another was first
		made.Close()
	}
	p.turn++
	s.last, s.users = p.turn, s.users+1
	return s
}

// drop ends the statement that was not wanted for longest, if not all are about to run.
func (p *pool) drop() bool {
	oldest := ""
	for query, s := range p.kept {
		if s.users == 0 && (oldest == "" || s.last < p.kept[oldest].last) {
			oldest = query
		}
	}
	s := p.kept[oldest]
	if s == nil {
		return false
	}
	s.Close() // rows that are still read hold it until they are closed
	delete(p.kept, oldest)
	return true
}

func (p *pool) done(s *statement) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.users--
}
