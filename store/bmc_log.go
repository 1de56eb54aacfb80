package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"rackwright/journal"
)

// BMCLog is how far the journal is with what a machine's BMC tells. Cursor is opaque here;
// Subscription is the id that the BMC gave ours, empty for none.
type BMCLog struct {
	Cursor       string
	Subscription string
}

// DueBMCLogs takes machines with a BMC whose log nobody has read since a time, at most
// limit of them: they are marked as read now, so that no two processes read the same.
func (db *DB) DueBMCLogs(ctx context.Context, since time.Time, limit int) ([]string, error) {
	var ids []string
	err := db.tx(ctx, func(tx *txn) (err error) {
		if ids, err = collect(ctx, tx, readText, `SELECT b.machine_id FROM bmc b LEFT JOIN bmc_log l ON l.machine_id = b.machine_id
			WHERE l.machine_id IS NULL OR l.read_at < $1 ORDER BY l.read_at LIMIT $2`, since, limit); err != nil {
			return err
		}
		taken := ids[:0]
		for _, id := range ids {
			n, err := exec(ctx, tx, `INSERT INTO bmc_log (machine_id, cursor, subscription, read_at) VALUES ($1, '', '', $2)
				ON CONFLICT (machine_id) DO UPDATE SET read_at = excluded.read_at WHERE bmc_log.read_at < $3`, id, db.now(), since)
			if err != nil {
				return err
			}
			if n > 0 {
				taken = append(taken, id)
			}
		}
		ids = taken
		return nil
	})
	return ids, db.fault(err)
}

// BMCLog reads how far the journal is; the zero BMCLog where nothing was ever read.
func (db *DB) BMCLog(ctx context.Context, machineID string) (l BMCLog, err error) {
	err = db.sql.QueryRowContext(ctx, `SELECT cursor, subscription FROM bmc_log WHERE machine_id = $1`, machineID).Scan(&l.Cursor, &l.Subscription)
	if errors.Is(err, sql.ErrNoRows) {
		return l, nil
	}
	return l, db.fault(err)
}

// TellBMC puts what a BMC told into the journal and moves the cursor, both or neither.
// False: the cursor is no more where it was, and nothing was written.
func (db *DB) TellBMC(ctx context.Context, machineID string, was, is BMCLog, events []journal.Event) (bool, error) {
	told := false
	err := db.tx(ctx, func(tx *txn) error {
		n, err := exec(ctx, tx, `INSERT INTO bmc_log (machine_id, cursor, subscription, read_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (machine_id) DO UPDATE SET cursor = excluded.cursor, subscription = excluded.subscription
			WHERE bmc_log.cursor = $5 AND bmc_log.subscription = $6`, machineID, is.Cursor, is.Subscription, db.now(), was.Cursor, was.Subscription)
		if told = err == nil && n > 0; !told {
			return err
		}
		return db.append(ctx, tx, events)
	})
	if err == nil && told && len(events) > 0 {
		db.events.wake(everything)
	}
	return told, db.fault(err)
}
