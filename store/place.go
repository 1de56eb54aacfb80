package store

import (
	"context"
	"database/sql"
	"strings"

	"rackwright/access"
	"rackwright/fault"
)

// MachinePlace is where a machine stands, or stood when it retired, and whose it is.
func (db *DB) MachinePlace(ctx context.Context, idOrName string) (access.Place, error) {
	missing := fault.NotFoundf("there is no machine %q", idOrName).WithHint("'rackwright machine list' shows them")
	pick := "m.name = $1 AND m.phase <> 'retired'"
	if isID(idOrName) {
		pick, idOrName = "m.id = $1", strings.ToLower(idOrName)
	}
	return db.place(ctx, missing, `FROM machine m LEFT JOIN rack r ON r.id = COALESCE(m.rack_id, m.left_rack_id) LEFT JOIN site s ON s.id = r.site_id LEFT JOIN project p ON p.id = m.project_id WHERE `+pick, idOrName)
}

// OperationPlace is that of an operation's machine.
func (db *DB) OperationPlace(ctx context.Context, id string) (access.Place, error) {
	missing := fault.NotFoundf("there is no operation %q", id).WithHint("'rackwright operation list' shows them")
	if !isID(id) {
		return access.Place{}, missing
	}
	return db.place(ctx, missing, `FROM operation o JOIN machine m ON m.id = o.machine_id
		LEFT JOIN rack r ON r.id = COALESCE(m.rack_id, m.left_rack_id) LEFT JOIN site s ON s.id = r.site_id LEFT JOIN project p ON p.id = m.project_id WHERE o.id = $1`, strings.ToLower(id))
}

// RackPlace is that of a rack, which as such belongs to no project.
func (db *DB) RackPlace(ctx context.Context, name string) (access.Place, error) {
	return db.place(ctx, noRack(name), `FROM rack r JOIN site s ON s.id = r.site_id LEFT JOIN project p ON 1 = 0 WHERE r.name = $1`, name)
}

func (db *DB) place(ctx context.Context, missing error, from string, arg any) (at access.Place, err error) {
	var site, rack, project sql.NullString
	err = db.sql.QueryRowContext(ctx, `SELECT s.name, r.name, p.name `+from, storable([]any{arg})...).Scan(&site, &rack, &project)
	if err == sql.ErrNoRows {
		return at, missing
	}
	return access.Place{Site: site.String, Rack: rack.String, Project: project.String}, db.fault(err)
}
