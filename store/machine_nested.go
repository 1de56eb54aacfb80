package store

import (
	"cmp"
	"slices"

	"rackwright/inventory"
)

// inMachine is what a machine has many of, and its BMC. VLANs hang on ports and bonds,
// and cables on ports, so they come behind those.
var inMachine = []nested[inventory.Machine]{nestedNICs, nestedBonds, nestedVLANs, nestedBMC, nestedConditions, nestedLabels, nestedCables("m.id", plugMachine)}

var nestedNICs = nested[inventory.Machine]{
	place: "n.position", columns: "n.name, n.mac, w.name, n.address, n.address6, n.boot, n.connector, n.bond",
	from: "nic n LEFT JOIN network w ON w.id = n.network_id WHERE n.machine_id = m.id",
	read: func(m *inventory.Machine, scan func(...any) error) error {
		var n inventory.NIC
		err := scan(&n.Name, &n.MAC, &n.Network, &n.Address, &n.Address6, &asBool{&n.Boot}, &n.Connector, &n.Bond)
		m.NICs = append(m.NICs, n)
		return err
	},
}

var nestedBMC = nested[inventory.Machine]{
	columns: `b.address, CASE b.planned_username WHEN '' THEN b.username ELSE b.planned_username END, b.certificate_sha256, b.mac,
		CASE WHEN b.planned_username IN ('', b.username) THEN b.claimed_at END, b.planned_certificate`,
	from: "bmc b WHERE b.machine_id = m.id",
	read: func(m *inventory.Machine, scan func(...any) error) error {
		m.BMC = &inventory.BMC{}
		return scan(&m.BMC.Address, &m.BMC.Username, &m.BMC.CertificateSHA256, &m.BMC.MAC, &asTime{&m.BMC.Claimed}, &m.BMC.PlannedCertificate)
	},
}

var nestedConditions = nested[inventory.Machine]{
	columns: "c.type, c.subject, c.reason, c.evidence, c.hint, c.since, c.waived_by, c.waived_reason, c.waived_at",
	from:    "condition c WHERE c.machine_id = m.id",
	read: func(m *inventory.Machine, scan func(...any) error) error {
		var c inventory.Condition
		err := scan(&c.Type, &c.Subject, &c.Reason, &c.Evidence, &c.Hint, &asTime{&c.Since}, &c.Waived.By, &c.Waived.Reason, &asTime{&c.Waived.At})
		i, _ := slices.BinarySearchFunc(m.Conditions, c, inOrder)
		m.Conditions = slices.Insert(m.Conditions, i, c)
		return err
	},
}

// inOrder puts the oldest condition first.
func inOrder(a, b inventory.Condition) int {
	return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Subject, b.Subject))
}
