package store

import (
	"context"
	"fmt"
	"strings"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
)

// CertificateFilter narrows a list of certificates; empty fields do not.
type CertificateFilter struct {
	Machine   string // id
	Operation string
	Disk      string // serial number or WWN
	Limit     int    // 0: 100
}

// AddCertificate keeps a certificate. One that is kept already is no change: the order it
// is of is done once.
func (db *DB) AddCertificate(ctx context.Context, c *deploy.SignedCertificate) error {
	is := &c.Certificate
	err := db.tx(ctx, func(tx *txn) error {
		n, err := exec(ctx, tx, `INSERT INTO certificate (id, machine_id, operation_id, serial, wwn, document, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (id) DO NOTHING`, is.ID, is.Machine.ID, is.Operation, is.Disk.Serial, is.Disk.WWN, toJSON(c), is.Ended)
		if err != nil || n == 0 {
			return err
		}
		return db.append(ctx, tx, []journal.Event{{Kind: journal.DiskErased, Machine: is.Machine.ID, Name: is.Machine.Name, Operation: is.Operation, Actor: "worker",
			Summary: fmt.Sprintf("disk %s erased by %s, %d samples read back: %s; certificate %s", is.Disk.Label(), is.Method, is.Samples, is.Pattern, is.ID),
			Detail:  map[string]any{"certificate": is.ID, "serial": is.Disk.Serial, "method": is.Method}}})
	})
	db.events.wake(everything)
	return err
}

// Certificate returns one certificate.
func (db *DB) Certificate(ctx context.Context, id string) (*deploy.SignedCertificate, error) {
	found, err := certificates(ctx, db.sql, "id = $1", strings.ToLower(id))
	if err == nil && len(found) == 0 {
		err = fault.NotFoundf("there is no certificate %q", id).WithHint("'rackwright certificate list' shows them")
	}
	return first(found), db.fault(err)
}

// Certificates lists certificates, newest first.
func (db *DB) Certificates(ctx context.Context, f CertificateFilter) ([]deploy.SignedCertificate, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	return db.CertificatePage(ctx, f, Page{Limit: f.Limit})
}

func (f CertificateFilter) clause() (string, []any) {
	where, args := []string{"true"}, []any{}
	arg := func(clause, v string) {
		if v != "" {
			args = append(args, v)
			where = append(where, fmt.Sprintf(clause, len(args)))
		}
	}
	arg("machine_id = $%d", f.Machine)
	arg("operation_id = $%d", f.Operation)
	arg("$%d IN (serial, wwn)", f.Disk)
	return strings.Join(where, " AND "), args
}

func certificates(ctx context.Context, q queryer, pick string, args ...any) ([]deploy.SignedCertificate, error) {
	return collect(ctx, q, func(scan func(...any) error) (c deploy.SignedCertificate, err error) {
		err = scan(asJSON{&c})
		return c, err
	}, `SELECT document FROM certificate WHERE `+pick, args...)
}
