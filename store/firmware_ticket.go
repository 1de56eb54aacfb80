package store

import (
	"context"
	"database/sql"
	"time"

	"rackwright/access"
	"rackwright/fault"
)

// ticketLife is how long a BMC may fetch at most, whatever becomes of the operation.
const ticketLife = 6 * time.Hour

// IssueTicket makes the secret by which a BMC fetches one firmware file for an operation;
// only its hash is kept. Tickets that the operation had for the file before end.
func (db *DB) IssueTicket(ctx context.Context, operation, digest string) (string, error) {
	ticket := secret()
	err := db.tx(ctx, func(tx *txn) error {
		if _, err := exec(ctx, tx, `DELETE FROM firmware_ticket WHERE operation_id = $1 AND digest = $2`, operation, digest); err != nil {
			return err
		}
		_, err := exec(ctx, tx, `INSERT INTO firmware_ticket (hash, operation_id, digest, expires_at) VALUES ($1, $2, $3, $4)`,
			access.Hash(ticket), operation, digest, db.now().Add(ticketLife))
		return err
	})
	if err != nil {
		return "", err
	}
	return ticket, nil
}

// Ticket is what a secret lets a BMC fetch, and for whom.
type Ticket struct {
	Operation string
	Machine   string // id
	Name      string // of the machine
	Digest    string
}

// RedeemTicket returns what a ticket is for. It may be redeemed again until the operation's
// step ends: BMCs ask for the head first, fetch in ranges, and begin anew when a line
// breaks. Denied when it is unknown, expired or its operation has ended.
func (db *DB) RedeemTicket(ctx context.Context, ticket string) (Ticket, error) {
	var t Ticket
	err := db.sql.QueryRowContext(ctx, `SELECT o.id, m.id, m.name, t.digest FROM firmware_ticket t JOIN operation o ON o.id = t.operation_id
		JOIN machine m ON m.id = o.machine_id WHERE t.hash = $1 AND t.expires_at > $2 AND o.state = 'running'`, access.Hash(ticket), db.now()).
		Scan(asText{&t.Operation}, asText{&t.Machine}, &t.Name, &t.Digest)
	if err == sql.ErrNoRows {
		return Ticket{}, fault.Deniedf("the address is unknown, expired or was used up").WithHint("'rackwright operation retry' gives the BMC another")
	}
	return t, db.fault(err)
}

// EndTickets ends the tickets of an operation.
func (db *DB) EndTickets(ctx context.Context, operation string) error {
	_, err := exec(ctx, db.sql, `DELETE FROM firmware_ticket WHERE operation_id = $1`, operation)
	return db.fault(err)
}
