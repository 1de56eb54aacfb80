package store

import (
	"context"

	"rackwright/inventory"
)

// mostStrangeBMCs bounds how many BMCs that are in no plan are remembered: whoever is on
// the network can make some up. The ones seen last stay.
const mostStrangeBMCs = 4096

// AddStrangeBMC records a BMC that is in no plan, seen asking for an address. It reports
// whether it was not known before.
func (db *DB) AddStrangeBMC(ctx context.Context, b inventory.StrangeBMC) (bool, error) {
	now := db.now()
	n, err := exec(ctx, db.sql, `UPDATE bmc_stranger SET network = $1, vendor = $2, seen = $3 WHERE mac = $4`, b.Network, b.Vendor, now, b.MAC.String())
	if err != nil || n > 0 {
		return false, db.fault(err)
	}
	if n, err = exec(ctx, db.sql, `INSERT INTO bmc_stranger (mac, network, vendor, since, seen) VALUES ($1, $2, $3, $4, $4) ON CONFLICT (mac) DO NOTHING`,
		b.MAC.String(), b.Network, b.Vendor, now); err != nil {
		return false, db.fault(err)
	}
	_, err = exec(ctx, db.sql, `DELETE FROM bmc_stranger WHERE mac IN (SELECT mac FROM bmc_stranger ORDER BY seen DESC, mac LIMIT 1000 OFFSET $1)`, mostStrangeBMCs)
	return n > 0, db.fault(err)
}

// StrangeBMCs lists a part of the BMCs that asked for an address and are in no plan, the
// newest first, with the address they were lent.
func (db *DB) StrangeBMCs(ctx context.Context, p Page) ([]inventory.StrangeBMC, error) {
	return listed(ctx, db, p, byTime("since", "s.since", "s.mac"), "-since", "true", []any{db.now()}, strangeBMCs)
}

func strangeBMCs(ctx context.Context, q queryer, pick string, args ...any) ([]inventory.StrangeBMC, error) {
	return collect(ctx, q, func(scan func(...any) error) (b inventory.StrangeBMC, err error) {
		err = scan(asMAC{&b.MAC}, &b.Network, &b.Vendor, asTime{&b.Since}, asTime{&b.Seen}, asAddr{&b.Address})
		return b, err
	}, `SELECT s.mac, s.network, s.vendor, s.since, s.seen, (SELECT max(l.address) FROM lease l WHERE l.mac = s.mac AND l.until > $1)
		FROM bmc_stranger s WHERE NOT EXISTS (SELECT 1 FROM bmc b WHERE b.mac = s.mac) AND NOT EXISTS (SELECT 1 FROM nic n WHERE n.mac = s.mac)
		AND `+pick, args...)
}
