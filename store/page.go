package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

// Page is a part of a list, read from behind a place in it: what comes or goes meanwhile
// moves nothing else from one page to another.
type Page struct {
	Sort  string   // a word of the list's own, "" for its usual order; a minus before it turns it round
	After []string // of the last one seen, what the list is sorted by; nil: from the beginning
	Limit int      // so many at most; 0: 1000
	Scope access.Scope
}

// key is what a list is sorted by: columns that no two of it share.
type key struct {
	columns []string
	times   int  // the first so many columns are times, in RFC 3339
	number  bool // the last column is a whole number
}

// behind is the condition and order of a page. More args stand before its own.
func (p Page) behind(sorts map[string]key, usual string, args []any) (where, order string, all []any, err error) {
	word, turned := strings.CutPrefix(p.Sort, "-")
	if p.Sort == "" {
		word, turned = strings.CutPrefix(usual, "-")
	}
	k, ok := sorts[word]
	if !ok {
		return "", "", nil, fault.Invalidf("the list cannot be sorted by %q", word)
	}
	than, way := ">", ""
	if turned {
		than, way = "<", " DESC"
	}
	where = "1 = 1"
	if p.After != nil {
		if len(p.After) != len(k.columns) {
			return "", "", nil, fault.Invalidf("the place in the list is of another order")
		}
		marks := make([]string, len(k.columns))
		for i, text := range p.After {
			var v any = text
			if i < k.times {
				if v, err = time.Parse(time.RFC3339Nano, text); err != nil {
					return "", "", nil, fault.Invalidf("the place in the list is no time")
				}
			}
			if k.number && i == len(k.columns)-1 {
				if v, err = strconv.ParseInt(text, 10, 64); err != nil {
					return "", "", nil, fault.Invalidf("the place in the list is no number")
				}
			}
			args = append(args, v)
			marks[i] = fmt.Sprintf("$%d", len(args))
		}
		where = "(" + strings.Join(k.columns, ", ") + ") " + than + " (" + strings.Join(marks, ", ") + ")"
	}
	if p.Limit <= 0 {
		p.Limit = 1000
	}
	return where, fmt.Sprintf(" ORDER BY %s%s LIMIT %d", strings.Join(k.columns, way+", "), way, p.Limit), args, nil
}

// byName is the order of what has unique names.
func byName(column string) map[string]key {
	return map[string]key{"name": {columns: []string{column}}}
}

// byTime is the order of what is told apart by a time and an id.
func byTime(word, at, id string) map[string]key {
	return map[string]key{word: {columns: []string{at, id}, times: 1}}
}

// listed reads a part of the rows that meet a condition.
func listed[T any](ctx context.Context, db *DB, p Page, sorts map[string]key, usual, in string, args []any, rows func(context.Context, queryer, string, ...any) ([]T, error)) ([]T, error) {
	where, order, args, err := p.behind(sorts, usual, args)
	if err != nil {
		return nil, err
	}
	out, err := rows(ctx, db.sql, in+" AND "+where+order, args...)
	return out, db.fault(err)
}

// RackPage lists a part of the racks, by name.
func (db *DB) RackPage(ctx context.Context, p Page) ([]inventory.Rack, error) {
	where, order, args, err := p.behind(byName("r.name"), "name", nil)
	if err != nil {
		return nil, err
	}
	within, args := db.rackWithin(p.Scope, "r.id", args)
	out, err := racksIn(ctx, db.sql, where+within, order, args...)
	return out, db.fault(err)
}

// DevicePage lists a part of the devices of a rack, or of all for "", by name.
func (db *DB) DevicePage(ctx context.Context, rack string, p Page) ([]inventory.Device, error) {
	var args []any
	in := "1 = 1"
	if rack != "" {
		in, args = "r.name = $1", []any{rack}
	}
	where, order, args, err := p.behind(byName("d.name"), "name", args)
	if err != nil {
		return nil, err
	}
	within, args := db.rackWithin(p.Scope, "d.rack_id", args)
	out, err := db.devicesIn(ctx, db.sql, in+" AND "+where+within, order, args...)
	return out, db.fault(err)
}

// ImagePage lists a part of the images, by name or created, without their templates.
func (db *DB) ImagePage(ctx context.Context, p Page) ([]images.Image, error) {
	where, order, args, err := p.behind(map[string]key{"name": {columns: []string{"name"}}, "created": {columns: []string{"created_at", "name"}, times: 1}}, "name", nil)
	if err != nil {
		return nil, err
	}
	out, err := imageRowsIn(ctx, db.sql, where, order, args...)
	for i := range out {
		out[i].Template = ""
	}
	return out, db.fault(err)
}

// LeaseFilter narrows a list of leases; empty fields do not.
type LeaseFilter struct {
	Network string // name
	MAC     inventory.MAC
}

// LeasePage lists a part of the leases that run, by network and address as the database
// orders addresses.
func (db *DB) LeasePage(ctx context.Context, f LeaseFilter, p Page) ([]inventory.Lease, error) {
	by, in := query{args: []any{db.now()}}, ""
	if f.Network != "" {
		in += by.fill(" AND n.name = %s", f.Network)
	}
	if !f.MAC.IsZero() {
		in += by.fill(" AND l.mac = %s", f.MAC.String())
	}
	where, order, args, err := p.behind(map[string]key{"address": {columns: []string{"n.name", "l.address"}}}, "address", by.args)
	if err != nil {
		return nil, err
	}
	out, err := collect(ctx, db.sql, readLease, leaseRows+in+" AND "+where+order, args...)
	return out, db.fault(err)
}

// operationSorts are the orders of operations.
func operationSorts() map[string]key {
	return byTime("created", "o.created_at", "o.id")
}

// CertificatePage lists a part of the certificates, by when they were made.
func (db *DB) CertificatePage(ctx context.Context, f CertificateFilter, p Page) ([]deploy.SignedCertificate, error) {
	in, args := f.clause()
	where, order, args, err := p.behind(byTime("ended", "ended_at", "id"), "-ended", args)
	if err != nil {
		return nil, err
	}
	within, args := db.machinesWithin(p.Scope, "m", args)
	if within != "" {
		within = " AND machine_id IN (SELECT m.id FROM machine m WHERE 1 = 1" + within + ")"
	}
	out, err := certificates(ctx, db.sql, in+" AND "+where+within+order, args...)
	return out, db.fault(err)
}
