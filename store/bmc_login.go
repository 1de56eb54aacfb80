package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"

	"rackwright/bmc"
	"rackwright/fault"
)

// Login is an account and a password that may open a machine's BMC. It prints as its
// Access does, without the password.
type Login struct {
	Name string // see the constants
	Key  string // tells it from others, and says nothing of the password; another once the password is another
	bmc.Access

	sealed string
}

// The logins, in the order in which they are tried.
const (
	LoginPending = "pending" // on its way to the BMC when a claim was cut short
	LoginCurrent = "current" // the one that all work uses
	LoginFormer  = "former"  // of a claimed BMC whose password the plan changed
	LoginPlan    = "plan"    // what the plan said last: the sticker's
	LoginSticker = "sticker" // the same password, of the account the BMC left the factory with
	LoginFactory = "factory" // that of the machine's model
)

// bmcSecrets is what stands sealed of a BMC.
type bmcSecrets struct {
	bmc.Access
	current, pending, former, planned           string
	plannedUser, pendingUser, formerUser, model string
}

func readSecrets(ctx context.Context, q queryer, machineID string) (s bmcSecrets, err error) {
	err = q.QueryRowContext(ctx, `SELECT b.address, b.username, b.certificate_sha256, b.password_sealed, b.pending_sealed, b.former_sealed, b.planned_sealed,
			b.planned_username, b.pending_username, b.former_username, m.model
		FROM bmc b JOIN machine m ON m.id = b.machine_id WHERE b.machine_id = $1`, machineID).
		Scan(&s.Address, &s.Username, &s.CertificateSHA256, &s.current, &s.pending, &s.former, &s.planned, &s.plannedUser, &s.pendingUser, &s.formerUser, &s.model)
	if errors.Is(err, sql.ErrNoRows) {
		return s, fault.NotFoundf("the machine has no BMC").WithHint("give it a bmc in the plan")
	}
	return s, err
}

// BMCLogins lists what may open a machine's BMC, passwords opened, in the order in which
// to try. Where no account is known of a password, it is the one that BMCs of the model
// leave the factory with. No account and password is listed twice.
func (db *DB) BMCLogins(ctx context.Context, machineID string) ([]Login, error) {
	s, err := readSecrets(ctx, db.sql, machineID)
	if err != nil {
		return nil, db.fault(err)
	}
	maker, factory, model, err := db.factoryOf(ctx, db.sql, s.model)
	if err != nil {
		return nil, err
	}
	inForce, seen, out := cmp.Or(s.Username, maker), map[[2]string]bool{}, []Login(nil)
	add := func(name, username, password, sealed string) {
		if password == "" || username == "" || seen[[2]string{username, password}] {
			return
		}
		seen[[2]string{username, password}] = true
		out = append(out, Login{Name: name, Key: loginKey(username, sealed), sealed: sealed,
			Access: bmc.Access{Address: s.Address, Username: username, Password: password, CertificateSHA256: s.CertificateSHA256}})
	}
	for _, l := range []struct{ name, username, sealed string }{
		{LoginPending, s.pendingUser, s.pending}, {LoginCurrent, inForce, s.current}, {LoginFormer, cmp.Or(s.formerUser, maker), s.former},
		{LoginPlan, cmp.Or(s.plannedUser, inForce), s.planned}, {LoginSticker, maker, s.planned},
	} {
		password, err := db.open(l.sealed, machineID)
		if err != nil {
			return nil, err
		}
		add(l.name, l.username, password, l.sealed)
	}
	if model != "" {
		add(LoginFactory, maker, factory, model)
	}
	return out, nil
}

// loginKey names an account and a password by what the password is sealed as: random, and
// another whenever it is sealed anew.
func loginKey(username, sealed string) string {
	sum := sha256.Sum256([]byte(username + "\x00" + sealed))
	return hex.EncodeToString(sum[:8])
}

// PendingPassword keeps a new password of a machine's BMC, and the account it is for: the
// plan's, else the one in force. It is kept before it is written to the BMC, so that
// whatever becomes of the writer one of the two is known to open the BMC. While another is
// pending the answer is Conflict.
func (db *DB) PendingPassword(ctx context.Context, machineID, password string) error {
	n, err := exec(ctx, db.sql, `UPDATE bmc SET pending_sealed = $1, pending_username = CASE WHEN planned_username <> '' THEN planned_username WHEN username <> '' THEN username
			ELSE COALESCE((SELECT f.username FROM factory_login f JOIN machine m ON m.model = f.model WHERE m.id = bmc.machine_id), '') END
		WHERE machine_id = $2 AND pending_sealed = ''`,
		db.seal.Seal([]byte(password), sealContext(machineID)), machineID)
	if err == nil && n == 0 {
		return fault.Conflictf("another password of this BMC is pending, or the machine has none").WithHint("try again: the one that is pending is tried first")
	}
	return db.fault(err)
}

// PromotePending makes the pending password the one: it was proven by a login. The BMC is
// claimed, and what opened it before is forgotten. Conflict when another is pending.
func (db *DB) PromotePending(ctx context.Context, machineID string, proven bmc.Access) error {
	return db.settlePending(ctx, machineID, proven.Password, `UPDATE bmc SET password_sealed = pending_sealed, pending_sealed = '', pending_username = '',
			former_sealed = '', former_username = '', username = $3, claimed_at = $4 WHERE machine_id = $1 AND pending_sealed = $2`, proven.Username, db.now())
}

// DropPending forgets a pending password that was proven not to open the BMC.
func (db *DB) DropPending(ctx context.Context, machineID, refused string) error {
	return db.settlePending(ctx, machineID, refused, `UPDATE bmc SET pending_sealed = '', pending_username = '' WHERE machine_id = $1 AND pending_sealed = $2`)
}

// settlePending runs a statement on the BMC whose pending password is the one given.
func (db *DB) settlePending(ctx context.Context, machineID, password, statement string, args ...any) error {
	return db.changeBMC(ctx, machineID, func(tx *txn) (int64, error) {
		s, err := readSecrets(ctx, tx, machineID)
		if err != nil {
			return 0, err
		}
		pending, err := db.open(s.pending, machineID)
		if err != nil || pending != password || pending == "" {
			return 0, err
		}
		return exec(ctx, tx, statement, append([]any{machineID, s.pending}, args...)...)
	})
}

// AdoptLogin makes a login that opened the BMC the current one as it is, and the BMC
// claimed. Conflict while another is pending. That of the factory is nobody's own.
func (db *DB) AdoptLogin(ctx context.Context, machineID string, l Login) error {
	if l.Name == LoginFactory || l.sealed == "" {
		return fault.Invalidf("the factory login of BMC %s cannot be kept", l.Address).WithHint("give it a password of its own")
	}
	return db.changeBMC(ctx, machineID, func(tx *txn) (int64, error) {
		return exec(ctx, tx, `UPDATE bmc SET password_sealed = $1, username = $2, former_sealed = '', former_username = '', claimed_at = $3
			WHERE machine_id = $4 AND pending_sealed = ''`,
			l.sealed, l.Username, db.now(), machineID)
	})
}

// ForgetPin makes the next certificate that a BMC shows the pinned one: a person said
// that it was replaced.
func (db *DB) ForgetPin(ctx context.Context, machineID string) error {
	return db.changeBMC(ctx, machineID, func(tx *txn) (int64, error) {
		return exec(ctx, tx, `UPDATE bmc SET certificate_sha256 = '', next_certificate = '' WHERE machine_id = $1`, machineID)
	})
}

// NextCertificate keeps the SHA-256 of a certificate that is about to be installed.
func (db *DB) NextCertificate(ctx context.Context, machineID, sha256 string) error {
	_, err := exec(ctx, db.sql, `UPDATE bmc SET next_certificate = $1 WHERE machine_id = $2`, sha256, machineID)
	return db.fault(err)
}

// TakeCertificate pins the certificate that a BMC shows if it is the one that was about to
// be installed, and reports whether it is.
func (db *DB) TakeCertificate(ctx context.Context, machineID, shown string) (bool, error) {
	err := db.changeBMC(ctx, machineID, func(tx *txn) (int64, error) {
		return exec(ctx, tx, `UPDATE bmc SET certificate_sha256 = next_certificate, next_certificate = '' WHERE machine_id = $1 AND next_certificate = $2 AND next_certificate <> ''`,
			machineID, shown)
	})
	if fault.Is(err, fault.Conflict) {
		return false, nil
	}
	return err == nil, err
}

// changeBMC changes a BMC's row, and with it the machine: its version grows, and its gates
// are looked at again. A change that finds no row to change is a Conflict.
func (db *DB) changeBMC(ctx context.Context, machineID string, change func(tx *txn) (int64, error)) error {
	err := db.tx(ctx, func(tx *txn) error {
		if _, err := db.machineToChange(ctx, tx, machineID); err != nil {
			return err
		}
		n, err := change(tx)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Conflictf("the logins of this BMC changed meanwhile").WithHint("look again: 'rackwright bmc list'")
		}
		_, err = exec(ctx, tx, `UPDATE machine SET version = version + 1, updated_at = $1, verify_due = CASE WHEN facts IS NULL THEN verify_due ELSE true END WHERE id = $2`,
			db.now(), machineID)
		return err
	})
	if err == nil {
		db.wakeMachine()
	}
	return err
}

// Unclaimed lists the names of machines whose BMC answers, is not claimed, has a password
// to try, and was never tried to be claimed.
func (db *DB) Unclaimed(ctx context.Context, limit int) ([]string, error) {
	names, err := collect(ctx, db.sql, readText, `SELECT m.name FROM machine m JOIN bmc b ON b.machine_id = m.id
		WHERE b.claimed_at IS NULL AND m.rack_id IS NOT NULL AND m.phase NOT IN ('retired', 'maintenance')
			AND (m.power <> 'unknown' OR EXISTS (SELECT 1 FROM condition c WHERE c.machine_id = m.id AND c.type = 'bmc-unusable' AND c.reason = 'denied'))
			AND (b.password_sealed <> '' OR EXISTS (SELECT 1 FROM factory_login f WHERE f.model = m.model))
			AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.machine_id = m.id
				AND (o.kind = 'claim' OR o.exclusive AND o.state IN ('queued', 'running', 'parked')))
		ORDER BY m.name LIMIT $1`, limit)
	return names, db.fault(err)
}

// authorityContext binds the authority's key to what it is for.
const authorityContext = "bmc/authority/key"

// BMCAuthority returns the certificate and key of our own authority for BMCs, both PEM.
// The first caller's is kept.
func (db *DB) BMCAuthority(ctx context.Context, fresh func() (certificate, key []byte, err error)) (certificate, key []byte, err error) {
	for range 2 {
		rows, err := collect(ctx, db.sql, func(scan func(...any) error) (row [2]string, err error) {
			err = scan(&row[0], &row[1])
			return row, err
		}, `SELECT certificate, key_sealed FROM bmc_authority WHERE name = 'bmc'`)
		if err != nil {
			return nil, nil, db.fault(err)
		}
		if len(rows) == 1 {
			key, err = db.seal.Open(rows[0][1], authorityContext)
			return []byte(rows[0][0]), key, err
		}
		if fresh == nil {
			break
		}
		if certificate, key, err = fresh(); err != nil {
			return nil, nil, err
		}
		if _, err := exec(ctx, db.sql, `INSERT INTO bmc_authority (name, certificate, key_sealed) VALUES ('bmc', $1, $2) ON CONFLICT (name) DO NOTHING`,
			string(certificate), db.seal.Seal(key, authorityContext)); err != nil {
			return nil, nil, db.fault(err)
		}
	}
	return nil, nil, fault.NotFoundf("there is no authority for BMCs yet").WithHint("the first 'rackwright bmc claim --certificate' makes it")
}

// GivePassword makes a password that a person knows the current one, as a plan would: what
// a claim left is kept as the former. What the plan said last stays what it said.
func (db *DB) GivePassword(ctx context.Context, machineID, password string) error {
	return db.changeBMC(ctx, machineID, func(tx *txn) (int64, error) {
		return exec(ctx, tx, `UPDATE bmc SET former_sealed = CASE WHEN claimed_at IS NULL THEN former_sealed ELSE password_sealed END,
			former_username = CASE WHEN claimed_at IS NULL THEN former_username ELSE username END,
			password_sealed = $1, claimed_at = NULL WHERE machine_id = $2`, db.seal.Seal([]byte(password), sealContext(machineID)), machineID)
	})
}
