package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/journal"
)

// FirmwareFiles lists the catalogue by name.
func (db *DB) FirmwareFiles(ctx context.Context) ([]firmware.File, error) {
	out, err := firmwareFiles(ctx, db.sql, "true ORDER BY name")
	return out, db.fault(err)
}

// FirmwareFile returns a file of the catalogue.
func (db *DB) FirmwareFile(ctx context.Context, name string) (*firmware.File, error) {
	f, err := firmwareFile(ctx, db.sql, name)
	return f, db.fault(err)
}

func firmwareFile(ctx context.Context, q queryer, name string) (*firmware.File, error) {
	found, err := firmwareFiles(ctx, q, "name = $1", name)
	if err == nil && len(found) == 0 {
		err = fault.NotFoundf("there is no firmware file %q", name).WithHint("'rackwright firmware list' shows them; 'rackwright firmware add' adds one")
	}
	return first(found), err
}

func firmwareFiles(ctx context.Context, q queryer, pick string, args ...any) ([]firmware.File, error) {
	return collect(ctx, q, func(scan func(...any) error) (f firmware.File, err error) {
		err = scan(asJSON{&f})
		return f, err
	}, `SELECT spec FROM firmware_file WHERE `+pick, args...)
}

// AddFirmware records a file whose bytes are stored. The same again is no change; another
// under its name is Conflict.
func (db *DB) AddFirmware(ctx context.Context, f *firmware.File, actor string) error {
	err := db.tx(ctx, func(tx *txn) error {
		old, err := firmwareFile(ctx, tx, f.Name)
		if err == nil {
			return sameFile(old, f)
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		f.Created = db.now()
		if _, err := exec(ctx, tx, `INSERT INTO firmware_file (name, digest, spec, created_at) VALUES ($1, $2, $3, $4)`, f.Name, f.Digest, toJSON(f), f.Created); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{{Kind: journal.FirmwareFile, Actor: actor,
			Summary: fmt.Sprintf("firmware file %s added: %s %s (%s)", f.Name, f.Component, f.Version, f.Digest), Detail: map[string]any{"file": f.Name}}})
	})
	db.events.wake(everything)
	return err
}

// sameFile makes f what is there already.
func sameFile(old, f *firmware.File) error {
	f.Created = old.Created
	if toJSON(old) != toJSON(f) {
		return fault.Conflictf("firmware file %s exists, with digest %s or described otherwise", old.Name, old.Digest).
			WithHint("give the new one a name of its own, or remove the other first")
	}
	return nil
}

// RemoveFirmware removes a file from the catalogue; the caller may then drop its bytes if
// no other has the digest. Conflict while an operation or a campaign needs it.
func (db *DB) RemoveFirmware(ctx context.Context, name, actor string) (*firmware.File, error) {
	var out *firmware.File
	err := db.tx(ctx, func(tx *txn) (err error) {
		if _, err := db.lock(ctx, tx, `SELECT 1 FROM firmware_file WHERE name = $1`, name); err != nil {
			return err
		}
		if out, err = firmwareFile(ctx, tx, name); err != nil {
			return err
		}
		if err := db.firmwareUnused(ctx, tx, out); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, `DELETE FROM firmware_file WHERE name = $1`, name); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{{Kind: journal.FirmwareFile, Actor: actor, Summary: "firmware file " + name + " removed", Detail: map[string]any{"file": name}}})
	})
	if err != nil {
		return nil, err
	}
	db.events.wake(everything)
	return out, nil
}

// firmwareUnused is Conflict while an operation or a campaign needs a file.
func (db *DB) firmwareUnused(ctx context.Context, tx *txn, f *firmware.File) error {
	open, err := db.operations(ctx, tx, "o.kind = $1 AND o.state IN ('queued', 'running', 'parked')", deploy.Firmware)
	if err != nil {
		return err
	}
	for _, o := range open {
		if o.Order.Firmware != nil && slices.ContainsFunc(o.Order.Firmware.Files, func(p firmware.Pick) bool { return p.File == f.Name }) {
			return fault.Conflictf("firmware file %s is being put on %s", f.Name, o.Name).WithHint("wait for operation %s, or 'rackwright operation cancel %s'", o.ID, o.ID)
		}
	}
	going, err := fleets(ctx, tx, "kind = 'campaign' AND "+openFleets)
	if err != nil {
		return err
	}
	for _, c := range going {
		if slices.Contains(c.Files, f.Name) {
			return fault.Conflictf("firmware file %s is needed by campaign %s (%s)", f.Name, c.Name, c.State).
				WithHint("wait for it, or 'rackwright firmware campaign cancel %s'", c.Name)
		}
	}
	return nil
}

// FirmwareDigestUsed reports whether any file of the catalogue has the digest.
func (db *DB) FirmwareDigestUsed(ctx context.Context, digest string) (bool, error) {
	var n int
	err := db.sql.QueryRowContext(ctx, `SELECT count(*) FROM firmware_file WHERE digest = $1`, digest).Scan(&n)
	return n > 0, db.fault(err)
}

// holdFirmware keeps the files that are ordered from being removed until the operation is
// there to keep them.
func (db *DB) holdFirmware(ctx context.Context, tx *txn, o *deploy.FirmwareOrder) error {
	if o == nil {
		return nil
	}
	want := map[string]string{}
	for _, p := range o.Files {
		want[p.File] = p.Digest
	}
	for _, name := range slices.Sorted(maps.Keys(want)) { // in one order, so that no two wait for each other
		found, err := db.lock(ctx, tx, `SELECT 1 FROM firmware_file WHERE name = $1 AND digest = $2`, name, want[name])
		if err == nil && !found {
			return fault.Conflictf("there is no firmware file %s with digest %s any more", name, want[name]).WithHint("choose again: 'rackwright firmware list' shows what there is")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// firmwareWords tells an order in the journal.
func firmwareWords(o *deploy.FirmwareOrder) string {
	var names []string
	for _, p := range o.Files {
		names = append(names, p.File)
	}
	return ": " + strings.Join(names, ", ")
}
