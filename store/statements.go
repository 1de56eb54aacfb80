package store

import (
	"context"
	"database/sql"
	"sync"
)

// statements are compiled queries of a connection, or of a pool of them. Of more than there is
// room for, the one goes that was not wanted for longest.
type statements struct {
	of interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	room int

	mu   sync.Mutex
	kept map[string]*statement
	turn int64
}

type statement struct {
	*sql.Stmt
	last  int64 // turn in which it was wanted
	users int   // that are about to run it
}

// compiled is the statement of a query, until done; nil for one that is not kept.
func (c *statements) compiled(ctx context.Context, query string) *statement {
	if s := c.want(query, nil); s != nil {
		return s
	}
	made, err := c.of.PrepareContext(ctx, query)
	if err != nil {
		return nil // running it says what is wrong
	}
	return c.want(query, made)
}

// want counts a user of a query's statement; one that was made is kept if there is none.
func (c *statements) want(query string, made *sql.Stmt) *statement {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.kept[query]
	switch {
	case s == nil && made == nil:
		return nil
	case s == nil:
		if len(c.kept) >= c.room && !c.drop() {
			made.Close()
			return nil
		}
		if c.kept == nil {
			c.kept = map[string]*statement{}
		}
		s = &statement{Stmt: made}
		c.kept[query] = s
	case made != nil: // another was first
		made.Close()
	}
	c.turn++
	s.last, s.users = c.turn, s.users+1
	return s
}

// drop ends the statement that was not wanted for longest, if not all are about to run.
func (c *statements) drop() bool {
	oldest := ""
	for query, s := range c.kept {
		if s.users == 0 && (oldest == "" || s.last < c.kept[oldest].last) {
			oldest = query
		}
	}
	s := c.kept[oldest]
	if s == nil {
		return false
	}
	s.Close() // rows that are still read hold it until they are closed
	delete(c.kept, oldest)
	return true
}

func (c *statements) done(s *statement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.users--
}

// close ends all.
func (c *statements) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.kept {
		s.Close()
	}
	clear(c.kept)
}
