package store

import (
	"context"
	"database/sql"
	"errors"

	"rackwright/fault"
)

// ConsoleKey is the host key that the console of a machine's BMC showed first, "" when
// none is known of a BMC at this address.
func (db *DB) ConsoleKey(ctx context.Context, machineID string) (key string, err error) {
	err = db.sql.QueryRowContext(ctx, `SELECT k.host_key FROM bmc_console k JOIN bmc b ON b.machine_id = k.machine_id AND b.address = k.address
		WHERE k.machine_id = $1`, machineID).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return key, db.fault(err)
}

// PinConsoleKey keeps the host key of first contact. Conflict when another was kept
// meanwhile.
func (db *DB) PinConsoleKey(ctx context.Context, machineID, key string) error {
	n, err := exec(ctx, db.sql, `INSERT INTO bmc_console (machine_id, address, host_key) SELECT machine_id, address, $2 FROM bmc WHERE machine_id = $1
		ON CONFLICT (machine_id) DO UPDATE SET address = excluded.address, host_key = excluded.host_key
		WHERE bmc_console.address <> excluded.address OR bmc_console.host_key = excluded.host_key`, machineID, key)
	if err == nil && n == 0 {
		return fault.Conflictf("the console of this BMC has another host key, or there is no BMC").WithHint("try again")
	}
	return db.fault(err)
}

// ForgetConsoleKey lets the next host key be trusted.
func (db *DB) ForgetConsoleKey(ctx context.Context, machineID string) error {
	_, err := exec(ctx, db.sql, `DELETE FROM bmc_console WHERE machine_id = $1`, machineID)
	return db.fault(err)
}
