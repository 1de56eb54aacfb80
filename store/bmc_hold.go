package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// alone is how long the process holds a BMC that has the database to itself.
const alone = 365 * 24 * time.Hour

// holdTries bounds how often a BMC is reached for that others take or release meanwhile.
const holdTries = 4

// BMCHold returns how a machine's BMC is reached and who holds it, and changes nothing.
func (db *DB) BMCHold(ctx context.Context, machineID, owner string) (bmc.Hold, error) {
	h, _, err := db.readHold(ctx, machineID, owner)
	return h, err
}

// HoldBMC takes a machine's BMC for owner until now+ttl at least, when nobody living has
// it; else it says who does, and marks it wanted if asked to. With a database for itself a
// process holds all BMCs, and nothing is written.
func (db *DB) HoldBMC(ctx context.Context, machineID, owner string, ttl time.Duration, want bool) (bmc.Hold, error) {
	for range holdTries {
		h, wanted, err := db.readHold(ctx, machineID, owner)
		if err != nil || h.Mine && h.Until.Sub(db.now()) >= ttl*2/3 {
			return h, err
		}
		if !h.Mine && h.Owner != "" {
			if !want || wanted {
				return h, nil
			}
			n, err := exec(ctx, db.sql, `UPDATE bmc_hold SET wanted = true WHERE machine_id = $1 AND owner = $2 AND until > $3`, machineID, h.Owner, db.now())
			if err != nil || n > 0 {
				return h, db.fault(err)
			}
			continue
		}
		now := db.now()
		if _, err := exec(ctx, db.sql, `INSERT INTO bmc_hold (machine_id, owner, until, wanted, refused_version, refused_words, refused_hint)
				VALUES ($1, $2, $3, false, '', '', '')
			ON CONFLICT (machine_id) DO UPDATE SET owner = excluded.owner, until = excluded.until,
				wanted = CASE WHEN bmc_hold.owner = excluded.owner THEN bmc_hold.wanted ELSE false END
			WHERE bmc_hold.owner IN ('', excluded.owner) OR bmc_hold.until <= $4`, machineID, owner, now.Add(ttl), now); err != nil {
			return h, db.fault(err)
		}
	}
	return bmc.Hold{}, fault.Conflictf("others take and release this BMC as we reach for it").WithHint("try again")
}

// readHold reads the row of a BMC and of who holds it, and whether that is wanted by another.
func (db *DB) readHold(ctx context.Context, machineID, owner string) (h bmc.Hold, wanted bool, err error) {
	var sealed string
	var refused, words, hint, holder sql.NullString
	var marked sql.NullBool
	var at time.Time
	err = db.sql.QueryRowContext(ctx, `SELECT b.address, b.username, b.password_sealed, b.certificate_sha256,
			o.owner, o.until, o.wanted, o.refused_version, o.refused_at, o.refused_words, o.refused_hint
		FROM bmc b LEFT JOIN bmc_hold o ON o.machine_id = b.machine_id WHERE b.machine_id = $1`, machineID).
		Scan(&h.Access.Address, &h.Access.Username, &sealed, &h.Access.CertificateSHA256, &holder, asTime{&h.Until}, &marked, &refused, asTime{&at}, &words, &hint)
	if errors.Is(err, sql.ErrNoRows) {
		return h, false, fault.NotFoundf("the machine has no BMC").WithHint("give it a bmc in the plan")
	}
	if err != nil {
		return h, false, db.fault(err)
	}
	if h.Access.Password, err = db.open(sealed, machineID); err != nil {
		return h, false, err
	}
	h.Version = versionOf(h.Access.Address, h.Access.Username, sealed, h.Access.CertificateSHA256)
	if refused.String == h.Version {
		h.Refused = &bmc.Refusal{At: at, Words: words.String, Hint: hint.String}
	}
	now := db.now()
	switch {
	case db.dialect.single:
		h.Owner, h.Mine, h.Until = owner, true, now.Add(alone)
	case holder.String != "" && h.Until.After(now):
		h.Owner, h.Mine = holder.String, holder.String == owner
	default:
		h.Until = time.Time{}
	}
	return h, marked.Bool, nil
}

// versionOf tells one way of reaching a BMC from another, by what the row has: the
// password sealed, so that nobody can guess at it from the version.
func versionOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// RenewBMCs keeps those of the BMCs that owner still holds until now+ttl. What is in
// neither list is kept and nobody waits for it.
func (db *DB) RenewBMCs(ctx context.Context, owner string, machineIDs []string, ttl time.Duration) (wanted, lost []string, err error) {
	if db.dialect.single {
		return nil, nil, nil
	}
	type row struct {
		id     string
		wanted bool
	}
	kept := map[string]bool{}
	now := db.now()
	err = db.forEach(machineIDs, "machine_id", func(clause string, args []any) error {
		rows, err := collect(ctx, db.sql, func(scan func(...any) error) (r row, err error) {
			err = scan(asText{&r.id}, &r.wanted)
			return r, err
		}, `UPDATE bmc_hold SET until = $1 WHERE owner = $2 AND until > $3 AND `+clause+` RETURNING machine_id, wanted`, args...)
		for _, r := range rows {
			kept[r.id] = true
			if r.wanted {
				wanted = append(wanted, r.id)
			}
		}
		return err
	}, now.Add(ttl), owner, now)
	if err != nil {
		return nil, nil, db.fault(err)
	}
	for _, id := range machineIDs {
		if !kept[id] {
			lost = append(lost, id)
		}
	}
	return wanted, lost, nil
}

// ReleaseBMCs gives up those of the BMCs that owner holds.
func (db *DB) ReleaseBMCs(ctx context.Context, owner string, machineIDs []string) error {
	if db.dialect.single {
		return nil
	}
	return db.fault(db.forEach(machineIDs, "machine_id", func(clause string, args []any) error {
		_, err := exec(ctx, db.sql, `UPDATE bmc_hold SET owner = '' WHERE owner = $1 AND `+clause, args...)
		return err
	}, owner))
}

// RefuseBMC notes that a BMC refused a version of its credentials; see bmc.Hold. Nil takes
// the note away.
func (db *DB) RefuseBMC(ctx context.Context, machineID, version string, r *bmc.Refusal) error {
	if r == nil {
		_, err := exec(ctx, db.sql, `UPDATE bmc_hold SET refused_version = '' WHERE machine_id = $1`, machineID)
		return db.fault(err)
	}
	_, err := exec(ctx, db.sql, `INSERT INTO bmc_hold (machine_id, owner, until, wanted, refused_version, refused_at, refused_words, refused_hint)
			VALUES ($1, '', $2, false, $3, $4, $5, $6)
		ON CONFLICT (machine_id) DO UPDATE SET refused_version = excluded.refused_version, refused_at = excluded.refused_at,
			refused_words = excluded.refused_words, refused_hint = excluded.refused_hint`,
		machineID, db.now(), version, r.At, r.Words, r.Hint)
	return db.fault(err)
}

// HoldsChanged signals that another process wants a BMC or released one that was wanted;
// only on PostgreSQL while the Listener runs. The function ends it.
func (db *DB) HoldsChanged() (<-chan struct{}, func()) { return db.holds.listen(everything) }

// WantedBMCs lists the machines whose BMC owner holds and another process waits for.
func (db *DB) WantedBMCs(ctx context.Context, owner string) ([]string, error) {
	if db.dialect.single {
		return nil, nil
	}
	out, err := collect(ctx, db.sql, readText, `SELECT machine_id FROM bmc_hold WHERE owner = $1 AND wanted AND until > $2`, owner, db.now())
	return out, db.fault(err)
}
