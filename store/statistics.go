package store

import "context"

// manyChanges is how many changes of a plan let the database be counted anew.
const manyChanges = 500

// recount lets the database count its rows after a plan that changed much of them: until
// PostgreSQL has done so by itself, a minute later, it does not know which way through the
// indexes is short. What was counted once is right for a table that grows.
func (db *DB) recount(ctx context.Context, changes int) {
	if db.dialect.recount == "" || changes < manyChanges {
		return
	}
	uncounted, err := collect(ctx, db.sql, readText, db.dialect.uncounted, changes)
	if err == nil && len(uncounted) > 0 {
		_, err = exec(ctx, db.sql, db.dialect.recount)
	}
	if err != nil {
		db.log.WarnContext(ctx, "the database was not counted anew; it may be slow for a while", "error", err)
	}
}
