package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long the connection that listens waits.
const (
	listenCheck = 30 * time.Second // without a word before it asks whether the server is there
	listenRetry = 100 * time.Millisecond
	listenLate  = 10 * time.Second // longest wait before it connects again
)

// Listener is the task that hears what other processes change on the same PostgreSQL, over
// a connection of its own, and wakes who waits for that in this process.
type Listener struct {
	db  *DB
	cfg *pgx.ConnConfig
	log *slog.Logger
}

// Listener returns the task, nil on an embedded database: there is no other process.
func (db *DB) Listener() *Listener {
	if db.listen == nil {
		return nil
	}
	return &Listener{db: db, cfg: db.listen, log: db.log}
}

// String names the task.
func (l *Listener) String() string { return "database notifications" }

// Run listens until ctx ends. While the connection is away, polling is all there is.
func (l *Listener) Run(ctx context.Context) error {
	wait, said := listenRetry, false
	for {
		heard, err := l.hear(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if heard {
			wait, said = listenRetry, false
		}
		if !said {
			l.log.Warn("changes by other servers are found by polling until PostgreSQL notifies again", "error", l.db.fault(err))
			said = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, listenLate)
	}
}

// hear listens on one connection until it breaks, and reports whether it ever could.
func (l *Listener) hear(ctx context.Context) (heard bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, l.cfg)
	if err != nil {
		return false, err
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(last)
	}()
	if _, err := conn.Exec(ctx, `LISTEN rackwright`); err != nil {
		return false, err
	}
	for _, topic := range []string{"changed", "events", "work", "verify", "holds"} { // what was missed meanwhile
		l.wake(topic)
	}
	for {
		topic, err := l.next(ctx, conn)
		if err != nil {
			return true, err
		}
		l.wake(topic)
	}
}

// next waits for a word. A connection that died without a word is found by asking.
func (l *Listener) next(ctx context.Context, conn *pgx.Conn) (topic string, err error) {
	for {
		quiet, cancel := context.WithTimeout(ctx, listenCheck)
		n, err := conn.WaitForNotification(quiet)
		late := quiet.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil {
			return n.Payload, nil
		}
		if !late {
			return "", err
		}
		check, cancel := context.WithTimeout(ctx, listenCheck)
		err = conn.Ping(check)
		cancel()
		if err != nil {
			return "", err
		}
	}
}

// wake passes a word on; what another version of rackwright says besides is nothing to us.
func (l *Listener) wake(topic string) {
	switch topic {
	case "changed":
		l.db.changed.wake(everything)
	case "events":
		l.db.events.wake(everything)
	case "work":
		l.db.work.wake(everything)
	case "verify":
		l.db.unjudged.wake(everything)
	case "holds":
		l.db.holds.wake(everything)
	}
}
