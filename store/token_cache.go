package store

import (
	"context"
	"maps"
	"sync"
	"time"

	"rackwright/access"
)

// TokenMemory is how long a token is answered from memory: so long a token that was revoked
// or rotated through another server on the same database is still good here.
const TokenMemory = 3 * time.Second

// mostTokens bounds how many tokens are remembered. Only tokens that there are get in.
const mostTokens = 10_000

// tokenCache remembers tokens by the hash of their secret, and when each was last used.
type tokenCache struct {
	mu   sync.Mutex
	seen map[string]remembered
	used map[string]time.Time // by id; not yet written down
	turn int64                // grows when everything is forgotten
}

type remembered struct {
	token access.Token
	until time.Time
}

// get returns a token, and the turn in which its absence was seen: see put.
func (c *tokenCache) get(hash string, now time.Time) (t access.Token, turn int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.seen[hash]
	if !ok || !now.Before(r.until) || now.Before(r.until.Add(-TokenMemory)) { // a clock may be set back
		return t, c.turn, false
	}
	return r.token, c.turn, true
}

// put remembers what was read since a turn began; when tokens changed meanwhile, it may be
// old and is not kept.
func (c *tokenCache) put(hash string, t access.Token, now time.Time, turn int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if turn != c.turn {
		return
	}
	if c.seen == nil {
		c.seen = map[string]remembered{}
	}
	if len(c.seen) >= mostTokens {
		maps.DeleteFunc(c.seen, func(_ string, r remembered) bool { return !now.Before(r.until) })
	}
	if len(c.seen) < mostTokens {
		c.seen[hash] = remembered{t, now.Add(TokenMemory)}
	}
}

// drop forgets all tokens.
func (c *tokenCache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = nil
	c.turn++
}

// use notes that a token opened something.
func (c *tokenCache) use(id string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used == nil {
		c.used = map[string]time.Time{}
	}
	c.used[id] = now
}

// taken are the uses since the last time.
func (c *tokenCache) taken() map[string]time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	used := c.used
	c.used = nil
	return used
}

// giveBack notes uses that could not be written, behind those that came since.
func (c *tokenCache) giveBack(used map[string]time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used == nil {
		c.used = map[string]time.Time{}
	}
	for id, at := range used {
		if c.used[id].Before(at) {
			c.used[id] = at
		}
	}
}

// WriteTokenUse writes down when tokens were last used, all at once.
func (db *DB) WriteTokenUse(ctx context.Context) error {
	used := db.tokens.taken()
	if len(used) == 0 {
		return nil
	}
	byTime := map[time.Time][]string{}
	for id, at := range used {
		at = at.Truncate(time.Minute)
		byTime[at] = append(byTime[at], id)
	}
	for at, ids := range byTime {
		if err := db.forEach(ids, "id", func(clause string, args []any) error {
			_, err := exec(ctx, db.sql, `UPDATE token SET last_used_at = $1 WHERE (last_used_at IS NULL OR last_used_at < $1) AND `+clause, args...)
			return err
		}, at); err != nil {
			db.tokens.giveBack(used) // what was written is written again, to no harm
			return db.fault(err)
		}
	}
	return nil
}
