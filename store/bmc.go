package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"rackwright/access"
	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// WithBMC lists machines that have a BMC by name, those behind after, at most limit.
func (db *DB) WithBMC(ctx context.Context, after string, limit int) ([]inventory.Machine, error) {
	return db.BMCsWithin(ctx, access.Scope{}, after, limit)
}

// BMCsWithin is WithBMC within a scope.
func (db *DB) BMCsWithin(ctx context.Context, scope access.Scope, after string, limit int) ([]inventory.Machine, error) {
	within, args := db.machinesWithin(scope, "m", []any{after})
	out, err := db.machines(ctx, db.sql, "m.id IN (SELECT machine_id FROM bmc) AND m.name > $1"+within+fmt.Sprintf(" ORDER BY m.name LIMIT %d", limit), args...)
	return out, db.fault(err)
}

// BMCAccess returns how to reach a machine's BMC, password opened.
func (db *DB) BMCAccess(ctx context.Context, machineID string) (bmc.Access, error) {
	var a bmc.Access
	var sealed string
	err := db.sql.QueryRowContext(ctx, `SELECT address, username, password_sealed, certificate_sha256 FROM bmc WHERE machine_id = $1`, machineID).
		Scan(&a.Address, &a.Username, &sealed, &a.CertificateSHA256)
	if errors.Is(err, sql.ErrNoRows) {
		return a, fault.NotFoundf("the machine has no BMC").WithHint("give it a bmc in the plan")
	}
	if err != nil {
		return a, db.fault(err)
	}
	a.Password, err = db.open(sealed, machineID)
	return a, err
}

// open opens a password of a machine's BMC; what is not there stays empty.
func (db *DB) open(sealed, machineID string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	plain, err := db.seal.Open(sealed, sealContext(machineID))
	return string(plain), err
}

func sealContext(machineID string) string { return "bmc/" + machineID + "/password" }

// PinCertificate keeps the certificate a BMC showed at first contact; one that is
// pinned already stays.
func (db *DB) PinCertificate(ctx context.Context, machineID, sha256 string) error {
	_, err := exec(ctx, db.sql, `UPDATE bmc SET certificate_sha256 = $1 WHERE machine_id = $2 AND certificate_sha256 = ''`, sha256, machineID)
	return db.fault(err)
}
