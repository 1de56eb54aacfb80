package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/boot"
	"rackwright/fault"
)

// How long the one-time secrets of a boot live.
const (
	nonceLife   = 30 * time.Minute
	sessionLife = 24 * time.Hour
)

// mostNonces is how many nonces of one operation are good at once.
const mostNonces = 8

// Evidence is something seen that a step of an operation waits for: the newest of its
// kind. Detail is JSON.
type Evidence struct {
	Kind   string
	At     time.Time
	Detail json.RawMessage
}

// Kinds of evidence.
const (
	SawDHCP   = "dhcp"   // the machine was given its address
	SawScript = "script" // its loader fetched the script
	SawAgent  = "agent"  // the agent checked in
	SawReport = "report" // the agent reported on an order: wire.Event
	SawPhone  = "phone"  // the deployed system phoned home

	SawAnswers   = "answers"   // the installer fetched its answers
	SawLoaded    = "loaded"    // the loader fetched all of a system that runs in memory
	SawInstalled = "installed" // the installer says that the system is installed
	SawTrouble   = "trouble"   // the installer says that it cannot go on: {why}

	SawContact = "contact" // the agent asked or fetched something
	SawBoot    = "boot"    // the deployed system told of its first boot: deploy.FirstBoot
)

// AddEvidence keeps evidence for an operation, replacing older of its kind, and makes
// the operation due.
func (db *DB) AddEvidence(ctx context.Context, operation, kind string, detail any) error {
	err := db.tx(ctx, func(tx *txn) error { return db.addEvidence(ctx, tx, operation, kind, detail) })
	db.work.wake(everything)
	return err
}

// addEvidence is AddEvidence within a transaction, after which work is due: each that is
// committed by itself costs the disk a write, and a machine's boot has a dozen.
func (db *DB) addEvidence(ctx context.Context, tx *txn, operation, kind string, detail any) error {
	if err := db.noteEvidence(ctx, tx, operation, kind, detail); err != nil {
		return err
	}
	return db.poke(ctx, tx, operation)
}

// NoteEvidence keeps evidence like AddEvidence, but lets the operation's worker find it
// when it looks next: for what comes often and changes nothing.
func (db *DB) NoteEvidence(ctx context.Context, operation, kind string, detail any) error {
	return db.fault(db.noteEvidence(ctx, db.sql, operation, kind, detail))
}

func (db *DB) noteEvidence(ctx context.Context, q queryer, operation, kind string, detail any) error {
	_, err := exec(ctx, q, `INSERT INTO evidence (operation_id, kind, at, detail) VALUES ($1, $2, $3, $4)
		ON CONFLICT (operation_id, kind) DO UPDATE SET at = excluded.at, detail = excluded.detail`, operation, kind, db.now(), toJSON(detail))
	return err
}

// EvidenceOf returns the evidence of an operation by kind.
func (db *DB) EvidenceOf(ctx context.Context, operation string) (map[string]Evidence, error) {
	list, err := collect(ctx, db.sql, func(scan func(...any) error) (e Evidence, err error) {
		err = scan(&e.Kind, asTime{&e.At}, asJSON{&e.Detail})
		return e, err
	}, `SELECT kind, at, detail FROM evidence WHERE operation_id = $1`, operation)
	out := make(map[string]Evidence, len(list))
	for _, e := range list {
		out[e.Kind] = e
	}
	return out, db.fault(err)
}

// secret makes 128 random bits as text that fits a URL and a kernel command line.
func secret() string {
	var b [16]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

// Begin mints the one-time nonce of a boot for the operation a host is to run the agent
// for. Only its hash is kept. Of those that were not used the newest mostNonces stay good: a
// loader may ask twice, and one that asks without end does not fill the table.
func (db *DB) Begin(ctx context.Context, h *boot.Host) (string, error) {
	nonce := secret()
	now := db.now()
	err := db.tx(ctx, func(tx *txn) error {
		if _, err := exec(ctx, tx, `DELETE FROM boot_secret WHERE operation_id = $1 AND kind = 'nonce' AND hash NOT IN
			(SELECT hash FROM boot_secret WHERE operation_id = $1 AND kind = 'nonce' ORDER BY created_at DESC, hash LIMIT $2)`, h.Operation, mostNonces-1); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, `INSERT INTO boot_secret (hash, kind, operation_id, mac, created_at, expires_at) VALUES ($1, 'nonce', $2, $3, $4, $5)`,
			access.Hash(nonce), h.Operation, macOrNull(h.MAC), now, now.Add(nonceLife)); err != nil {
			return err
		}
		return db.addEvidence(ctx, tx, h.Operation, SawScript, map[string]any{"mac": h.MAC})
	})
	if err != nil {
		return "", err
	}
	db.work.wake(everything)
	return nonce, nil
}

// Check returns the host a nonce was minted for. One that is unknown, expired or used is
// Denied.
func (db *DB) Check(ctx context.Context, nonce string) (*boot.Host, error) {
	h := boot.Host{Intent: boot.RunAgent}
	err := db.sql.QueryRowContext(ctx, `SELECT s.mac, m.id, m.name, o.id FROM boot_secret s JOIN operation o ON o.id = s.operation_id
		JOIN machine m ON m.id = o.machine_id WHERE s.hash = $1 AND s.kind = 'nonce' AND s.used_at IS NULL AND s.expires_at > $2`,
		access.Hash(nonce), db.now()).Scan(asMAC{&h.MAC}, asText{&h.Machine}, &h.Name, asText{&h.Operation})
	if err == sql.ErrNoRows {
		return nil, spentNonce()
	}
	return &h, db.fault(err)
}

func spentNonce() error {
	return fault.Deniedf("the boot nonce is unknown, used or expired").WithHint("restart the machine: each boot gets a nonce of its own")
}

// Redeem spends a nonce and every other of its operation, and opens a session with the
// operation's agent; older sessions of the operation end.
func (db *DB) Redeem(ctx context.Context, nonce string) (operation, session string, err error) {
	session = secret()
	err = db.tx(ctx, func(tx *txn) error {
		now := db.now()
		if _, err := db.lock(ctx, tx, `SELECT 1 FROM operation WHERE id = (SELECT operation_id FROM boot_secret WHERE hash = $1)`, access.Hash(nonce)); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, `UPDATE boot_secret SET used_at = $1 WHERE hash = $2 AND kind = 'nonce' AND used_at IS NULL AND expires_at > $3
			RETURNING operation_id`, now, access.Hash(nonce), now).Scan(asText{&operation})
		if err == sql.ErrNoRows {
			return spentNonce()
		}
		if err != nil {
			return err
		}
		if _, err := exec(ctx, tx, `DELETE FROM boot_secret WHERE operation_id = $1`, operation); err != nil {
			return err
		}
		_, err = exec(ctx, tx, `INSERT INTO boot_secret (hash, kind, operation_id, created_at, expires_at) VALUES ($1, 'session', $2, $3, $4)`,
			access.Hash(session), operation, now, now.Add(sessionLife))
		return err
	})
	if err != nil {
		return "", "", err
	}
	return operation, session, nil
}

// Session returns the operation whose agent holds a session, and a name of the session
// that is no secret. Denied when it is unknown, replaced or expired.
func (db *DB) Session(ctx context.Context, session string) (operation, name string, err error) {
	hash := access.Hash(session)
	err = db.sql.QueryRowContext(ctx, `SELECT operation_id FROM boot_secret WHERE hash = $1 AND kind = 'session' AND expires_at > $2`,
		hash, db.now()).Scan(asText{&operation})
	if err == sql.ErrNoRows {
		return "", "", fault.Deniedf("the agent's session is unknown or was replaced").WithHint("restart the machine")
	}
	return operation, hash[:8], db.fault(err)
}

// EndSessions ends every nonce, session and firmware ticket of an operation.
func (db *DB) EndSessions(ctx context.Context, operation string) error {
	if _, err := exec(ctx, db.sql, `DELETE FROM boot_secret WHERE operation_id = $1`, operation); err != nil {
		return db.fault(err)
	}
	return db.EndTickets(ctx, operation)
}

// Prune removes boot secrets, firmware tickets, leases and records of changes whose time is over.
func (db *DB) Prune(ctx context.Context) error {
	now := db.now()
	if _, err := exec(ctx, db.sql, `DELETE FROM boot_secret WHERE expires_at < $1`, now); err != nil {
		return db.fault(err)
	}
	if _, err := exec(ctx, db.sql, `DELETE FROM firmware_ticket WHERE expires_at < $1`, now); err != nil {
		return db.fault(err)
	}
	if _, err := exec(ctx, db.sql, `DELETE FROM lease WHERE until < $1`, now.Add(-24*time.Hour)); err != nil {
		return db.fault(err)
	}
	if err := db.pruneOnce(ctx); err != nil {
		return err
	}
	return db.pruneChanges(ctx)
}
