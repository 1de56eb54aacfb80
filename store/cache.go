package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/journal"
)

// maxCaches bounds how many caches there may be.
const maxCaches = 10_000

// Caches lists the caches of chunks by name.
func (db *DB) Caches(ctx context.Context) ([]images.Cache, error) {
	out, err := db.caches(ctx, db.sql, "true ORDER BY name")
	return out, db.fault(err)
}

// CachesNear are those that a machine of a rack fetches from, the nearest first.
func (db *DB) CachesNear(ctx context.Context, rackName string) ([]images.Cache, error) {
	all, err := db.caches(ctx, db.sql, "seen_at > $1", db.now().Add(-images.CacheLife))
	if err != nil || len(all) == 0 || rackName == "" {
		return nil, db.fault(err)
	}
	r, err := rack(ctx, db.sql, rackName)
	if err != nil {
		return nil, db.fault(err)
	}
	return images.Nearest(all, r.Name, r.Site, db.now()), nil
}

func (db *DB) caches(ctx context.Context, q queryer, pick string, args ...any) ([]images.Cache, error) {
	return collect(ctx, q, func(scan func(...any) error) (c images.Cache, err error) {
		err = scan(asJSON{&c}, asJSON{&c.Want}, asTime{&c.Seen})
		c.Alive = db.now().Sub(c.Seen) <= images.CacheLife
		return c, err
	}, `SELECT spec, want, seen_at FROM image_cache WHERE `+pick, args...)
}

// BeatCache keeps what a cache says of itself and returns the images it is to fetch. A rack
// that there is not is Invalid.
func (db *DB) BeatCache(ctx context.Context, c images.Cache, actor string) ([]string, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	want := []string{}
	err := db.tx(ctx, func(tx *txn) error {
		if c.Rack != "" {
			r, err := rack(ctx, tx, c.Rack)
			if fault.Is(err, fault.NotFound) && holds(ctx, "", "") { // else a stranger's rack is as one that is not
				return fault.Invalidf("there is no rack %q for cache %s to stand in", c.Rack, c.Name).WithHint("name one of 'rackwright rack list'")
			}
			if err != nil {
				return err
			}
			c.Site = r.Site
		}
		switch {
		case holds(ctx, c.Site, c.Rack):
		case c.Rack != "":
			return noRack(c.Rack)
		default:
			return fault.NotFoundf("cache %s would stand where you have nothing to say", c.Name).WithHint("'rackwright whoami' shows where you have; name a --rack or --site there")
		}
		old, err := db.caches(ctx, tx, "name = $1"+db.dialect.lock, c.Name)
		if err != nil {
			return err
		}
		if len(old) > 0 && !holds(ctx, old[0].Site, old[0].Rack) {
			return fault.Conflictf("another cache is called %s", c.Name).WithHint("give this one another --name")
		}
		var events []journal.Event
		if len(old) == 0 || !old[0].Alive {
			events = append(events, cacheEvent(actor, fmt.Sprintf("cache %s serves chunks at %s", c.Name, c.URL)))
		}
		if len(old) > 0 {
			want = stillWanted(old[0].Want, c.Report.Warming)
		} else if err := db.roomForCache(ctx, tx); err != nil {
			return err
		}
		if err := db.writeCache(ctx, tx, c, want, len(old) == 0); err != nil {
			return err
		}
		return db.append(ctx, tx, events)
	})
	return want, err
}

// stillWanted leaves out what a cache says it is done with.
func stillWanted(want []string, warming []images.Warm) []string {
	return slices.DeleteFunc(slices.Clone(want), func(digest string) bool {
		return slices.ContainsFunc(warming, func(w images.Warm) bool { return w.Digest == digest && w.Ended() })
	})
}

// roomForCache forgets a cache that was not heard of for long, or refuses another.
func (db *DB) roomForCache(ctx context.Context, tx *txn) error {
	if _, err := exec(ctx, tx, `DELETE FROM image_cache WHERE seen_at < $1`, db.now().Add(-90*24*time.Hour)); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM image_cache`).Scan(&n); err != nil || n < maxCaches {
		return err
	}
	return fault.Conflictf("there are %d caches already", n).WithHint("'rackwright cache forget' those that are no more")
}

func (db *DB) writeCache(ctx context.Context, tx *txn, c images.Cache, want []string, first bool) error {
	seen := db.now()
	c.Want, c.Seen, c.Alive = nil, time.Time{}, false
	if !first {
		_, err := exec(ctx, tx, `UPDATE image_cache SET spec = $1, want = $2, seen_at = $3 WHERE name = $4`, toJSON(c), toJSON(want), seen, c.Name)
		return err
	}
	n, err := exec(ctx, tx, `INSERT INTO image_cache (name, spec, want, seen_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING`, c.Name, toJSON(c), toJSON(want), seen)
	if err == nil && n == 0 {
		return errStale // another took the name meanwhile: is it the same?
	}
	return err
}

// ForgetCache forgets a cache; one that is alive is back with its next word.
func (db *DB) ForgetCache(ctx context.Context, name, actor string) error {
	return db.tx(ctx, func(tx *txn) error {
		n, err := exec(ctx, tx, `DELETE FROM image_cache WHERE name = $1`, name)
		if err == nil && n == 0 {
			return fault.NotFoundf("there is no cache %q", name).WithHint("'rackwright cache list' shows them")
		}
		if err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{cacheEvent(actor, "cache "+name+" forgotten")})
	})
}

func cacheEvent(actor, summary string) journal.Event {
	return journal.Event{Kind: journal.ServerEvent, Actor: actor, Summary: summary}
}
