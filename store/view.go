package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"rackwright/boot"
	"rackwright/inventory"
)

// Revision is the number that grows with every change the boot view depends on.
func (db *DB) Revision(ctx context.Context) (n int64, err error) {
	err = db.sql.QueryRowContext(ctx, `SELECT n FROM revision`).Scan(&n)
	return n, db.fault(err)
}

// Changed returns a signal that the boot view's inputs changed: at once when this process
// changed them, or when PostgreSQL told it that another did (see Listener). The function ends
// the subscription.
func (db *DB) Changed() (<-chan struct{}, func()) { return db.changed.listen(everything) }

// View reads everything the boot servers answer from, as of one revision.
func (db *DB) View(ctx context.Context) (v *boot.View, err error) {
	err = db.snapshot(ctx, func(tx *txn) error {
		at, err := readRevision(ctx, tx)
		if err != nil {
			return err
		}
		list, err := networkPointers(ctx, tx)
		if err != nil {
			return err
		}
		hosts, err := db.hosts(ctx, tx, "")
		if err != nil {
			return err
		}
		controllers, err := db.controllers(ctx, tx, "")
		hosts = append(hosts, controllers...)
		if err != nil {
			return err
		}
		models, err := modelBoot(ctx, tx)
		if err != nil {
			return err
		}
		id, err := installation(ctx, tx)
		v = boot.NewView(at.n, list, hosts).With(&boot.Delta{Revision: at.n, Models: models, Installation: id})
		if err == nil && db.dialect.shrink != "" {
			_, err = tx.ExecContext(ctx, db.dialect.shrink)
		}
		return err
	})
	return v, err
}

// Installation is what all servers on the database are known by, a UUID.
func (db *DB) Installation(ctx context.Context) (string, error) {
	id, err := installation(ctx, db.sql)
	return id, db.fault(err)
}

func installation(ctx context.Context, q queryer) (id string, err error) {
	err = q.QueryRowContext(ctx, `SELECT id FROM installation`).Scan(asText{&id})
	return id, err
}

// ViewSince reads what changed in the boot view since a revision; nil when that is not
// known any more and the view has to be read whole.
func (db *DB) ViewSince(ctx context.Context, since int64) (d *boot.Delta, err error) {
	err = db.snapshot(ctx, func(tx *txn) error {
		at, err := readRevision(ctx, tx)
		if err != nil || since < at.complete || since > at.n {
			return err
		}
		delta := &boot.Delta{Revision: at.n, Machines: map[string][]*boot.Host{}}
		if since < at.networks {
			if delta.Networks, err = networkPointers(ctx, tx); err != nil {
				return err
			}
			if delta.Models, err = modelBoot(ctx, tx); err != nil {
				return err
			}
		}
		changed, err := collect(ctx, tx, readText, `SELECT machine_id FROM boot_change WHERE revision > $1`, since)
		if err != nil {
			return err
		}
		for _, id := range changed {
			delta.Machines[id] = nil
		}
		hosts, err := db.hosts(ctx, tx, ` AND m.id IN (SELECT machine_id FROM boot_change WHERE revision > $2)`, since)
		if err != nil {
			return err
		}
		controllers, err := db.controllers(ctx, tx, ` AND m.id IN (SELECT machine_id FROM boot_change WHERE revision > $1)`, since)
		for _, h := range append(hosts, controllers...) {
			delta.Machines[h.Machine] = append(delta.Machines[h.Machine], h)
		}
		d = delta
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// snapshot runs fn in a transaction that sees the database as it was at one moment.
func (db *DB) snapshot(ctx context.Context, fn func(tx *txn) error) error {
	tx, err := db.sql.begin(ctx, &sql.TxOptions{ReadOnly: true, Isolation: db.dialect.snapshot})
	if err != nil {
		return db.fault(err)
	}
	defer tx.Rollback()
	return db.fault(fn(tx))
}

// revision is the one row of that table: see the migrations.
type revision struct{ n, networks, complete int64 }

func readRevision(ctx context.Context, q queryer) (r revision, err error) {
	err = q.QueryRowContext(ctx, `SELECT n, networks, complete FROM revision`).Scan(&r.n, &r.networks, &r.complete)
	return r, err
}

func networkPointers(ctx context.Context, q queryer) ([]*inventory.Network, error) {
	list, err := networks(ctx, q)
	out := make([]*inventory.Network, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out, err
}

// modelBoot is what the view knows of models.
func modelBoot(ctx context.Context, q queryer) (*boot.Models, error) {
	list, err := models(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &boot.Models{Options: map[string][]inventory.Option{}, Loaders: map[string]boot.Kind{}, HTTPS: map[string]bool{}}
	for _, m := range list {
		if len(m.Options) > 0 {
			out.Options[m.Name] = m.Options
		}
		if m.Loader != "" {
			out.Loaders[m.Name] = boot.Kind(m.Loader)
		}
		if m.HTTPS {
			out.HTTPS[m.Name] = true
		}
	}
	out.Rungs, err = rungs(ctx, q)
	return out, err
}

// hosts reads the NICs with a MAC, machine by machine. A machine that somebody holds gets
// its address, and boots its own disk whatever its operation says.
func (db *DB) hosts(ctx context.Context, q queryer, and string, args ...any) ([]*boot.Host, error) {
	share := sharer{names: map[string]string{}}
	var h boot.Host // each row is read into it, so that what reading takes does not lie between the hosts
	var network sql.NullString
	var held bool
	into := []any{asText{&h.Machine}, &h.Name, asMAC{&h.MAC}, &h.UUID, &network, asAddr{&h.Address}, asAddr{&h.Address6}, &h.Firmware, &h.Model, asText{&h.Operation}, &held}
	return collect(ctx, q, func(scan func(...any) error) (*boot.Host, error) {
		h = boot.Host{}
		err := scan(into...)
		h.Network = network.String
		if held {
			h.Operation = ""
		}
		if h.Operation != "" {
			h.Intent = boot.RunAgent
		}
		share.with(&h)
		kept := h
		return &kept, err
	}, `SELECT m.id, m.name, n.mac, m.uuid, w.name, n.address, n.address6, m.firmware, m.model, o.id,
			CASE WHEN m.phase = 'maintenance' OR m.hold_until > $1 THEN true ELSE false END
		FROM nic n JOIN machine m ON m.id = n.machine_id LEFT JOIN network w ON w.id = n.network_id
			LEFT JOIN operation o ON o.machine_id = m.id AND o.netboots
		WHERE m.phase <> 'retired' AND n.mac IS NOT NULL`+and+` ORDER BY n.machine_id, n.position`, append([]any{db.now()}, args...)...)
}

// controllers reads the BMCs whose MAC is planned, with the address that their URL names.
func (db *DB) controllers(ctx context.Context, q queryer, and string, args ...any) ([]*boot.Host, error) {
	return collect(ctx, q, func(scan func(...any) error) (*boot.Host, error) {
		h := boot.Host{BMC: true}
		var b inventory.BMC
		err := scan(asText{&h.Machine}, &h.Name, asMAC{&h.MAC}, &h.UUID, &h.Firmware, &b.Address)
		switch a := b.Host(); {
		case a.Is4():
			h.Address = a
		case a.Is6():
			h.Address6 = a
		}
		return &h, err
	}, `SELECT m.id, m.name, b.mac, m.uuid, m.firmware, b.address FROM bmc b JOIN machine m ON m.id = b.machine_id
		WHERE m.phase <> 'retired' AND b.mac IS NOT NULL`+and+` ORDER BY m.id`, args...)
}

// sharer keeps one copy of the texts that many hosts have, and the others side by side: each by
// itself would hold the memory around it that reading them took.
type sharer struct {
	last  boot.Host
	names map[string]string // of networks, models and boot modes: few
	room  strings.Builder
}

// roomOf bounds how many bytes of texts are kept together.
const roomOf = 64 << 10

func (s *sharer) with(h *boot.Host) {
	if h.Machine == s.last.Machine {
		h.Machine, h.Name, h.UUID, h.Operation = s.last.Machine, s.last.Name, s.last.UUID, s.last.Operation
	} else {
		h.Machine, h.Name, h.UUID, h.Operation = s.keep(h.Machine), s.keep(h.Name), s.keep(h.UUID), s.keep(h.Operation)
	}
	h.Network, h.Model, h.Firmware = s.one(h.Network), s.one(h.Model), inventory.Firmware(s.one(string(h.Firmware)))
	s.last = *h
}

// keep copies a text. Room is made for about as many as there were: few hosts hold little.
func (s *sharer) keep(text string) string {
	if had := s.room.Cap(); had-s.room.Len() < len(text) {
		s.room = strings.Builder{}
		s.room.Grow(max(len(text), min(2*had, roomOf)))
	}
	at := s.room.Len()
	s.room.WriteString(text)
	return s.room.String()[at:]
}

func (s *sharer) one(name string) string {
	if was, ok := s.names[name]; ok {
		return was
	}
	s.names[name] = name
	return name
}

// wholesale is the number of machines above which a change is not told one by one.
const wholesale = 20_000

// bump says that what the boot view shows of these machines changed, or that they are
// gone; without any, that networks did. It is called when the machines are written, late
// in the transaction: the revision's row makes writers take turns until they commit.
func bump(ctx context.Context, q queryer, machines ...string) error {
	switch {
	case len(machines) == 0:
		_, err := exec(ctx, q, `UPDATE revision SET n = n + 1, networks = n + 1`)
		return err
	case len(machines) > wholesale:
		_, err := exec(ctx, q, `UPDATE revision SET n = n + 1, complete = n + 1`)
		return err
	}
	var n int64
	if err := q.QueryRowContext(ctx, `UPDATE revision SET n = n + 1 RETURNING n`).Scan(&n); err != nil {
		return err
	}
	machines = slices.Compact(slices.Sorted(slices.Values(machines)))
	for batch := range slices.Chunk(machines, 500) {
		rows, args := make([]string, len(batch)), []any{n}
		for i, id := range batch {
			args = append(args, id)
			rows[i] = fmt.Sprintf("($%d, $1)", i+2)
		}
		if _, err := exec(ctx, q, `INSERT INTO boot_change (machine_id, revision) VALUES `+strings.Join(rows, ", ")+`
			ON CONFLICT (machine_id) DO UPDATE SET revision = excluded.revision`, args...); err != nil {
			return err
		}
	}
	return nil
}

// keptRevisions is for how many revisions back the machines that changed are known.
const keptRevisions = 50_000

// pruneChanges forgets who changed long ago.
func (db *DB) pruneChanges(ctx context.Context) error {
	return db.tx(ctx, func(tx *txn) error {
		n, err := exec(ctx, tx, `UPDATE revision SET complete = n - $1 WHERE complete < n - $1`, keptRevisions)
		if err != nil || n == 0 {
			return err
		}
		_, err = exec(ctx, tx, `DELETE FROM boot_change WHERE revision <= (SELECT complete FROM revision)`)
		return err
	})
}

// shownOtherwise reports whether the boot view shows two states of a machine differently.
func shownOtherwise(a, b *inventory.Machine) bool {
	port := func(a, b inventory.NIC) bool {
		return a.MAC == b.MAC && a.Network == b.Network && a.Address == b.Address && a.Address6 == b.Address6
	}
	return a.Name != b.Name || a.UUID != b.UUID || a.Model != b.Model || a.Firmware != b.Firmware || !holdOf(a).Until.Equal(holdOf(b).Until) ||
		(a.Phase == inventory.Maintenance) != (b.Phase == inventory.Maintenance) || (a.Phase == inventory.Retired) != (b.Phase == inventory.Retired) ||
		!slices.EqualFunc(a.NICs, b.NICs, port)
}
