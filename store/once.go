package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"rackwright/fault"
)

// OnceFor is how long an answer is kept for whoever asks again with its key.
const OnceFor = 24 * time.Hour

// MostOnce bounds the keys of one caller.
const MostOnce = 10_000

// ErrManyKeys is the cause of a refusal of a key too many.
var ErrManyKeys = errors.New("too many keys")

// onceLimit is how long a request may be at work before whoever did it counts as gone.
const onceLimit = 10 * time.Minute

// Once is a request that is to be done once, however often it is sent.
type Once struct {
	Caller, Key string
	Holder      string // the server process that does it
	Request     string // digest of what was asked
	Done        bool
	Broken      bool // not done, and whoever did it is gone
	Status      int  // of the answer
	Header      map[string]string
	Body        []byte
	Spent       bool // the body was too long to be kept
	Told        bool // the body had a secret in it, which is told once
}

// onceSecret is what of it is sealed: answers hold what is told once, and digests of
// requests with a password in them could be guessed.
type onceSecret struct {
	Request string            `json:"request"`
	Status  int               `json:"status,omitempty"`
	Header  map[string]string `json:"header,omitempty"`
	Body    []byte            `json:"body,omitempty"`
	Spent   bool              `json:"spent,omitempty"`
	Told    bool              `json:"told,omitempty"`
}

func onceContext(caller, key string) string { return "once/" + caller + "/" + key }

func (db *DB) sealOnce(o *Once) string {
	return db.seal.Seal([]byte(toJSON(onceSecret{o.Request, o.Status, o.Header, o.Body, o.Spent, o.Told})), onceContext(o.Caller, o.Key))
}

// BeginOnce takes a key for a request: nil when it is to be done now, by its holder. Else
// it returns what became of the request that had the key first.
func (db *DB) BeginOnce(ctx context.Context, o Once) (*Once, error) {
	var was *Once
	err := db.tx(ctx, func(tx *txn) error {
		was = nil
		now := db.now()
		if _, err := exec(ctx, tx, `DELETE FROM once WHERE caller = $1 AND key = $2 AND begun_at < $3`, o.Caller, o.Key, now.Add(-OnceFor)); err != nil {
			return err
		}
		n, err := exec(ctx, tx, `INSERT INTO once (caller, key, holder, done, sealed, begun_at, until) VALUES ($1, $2, $3, false, $4, $5, $6)
			ON CONFLICT (caller, key) DO NOTHING`, o.Caller, o.Key, o.Holder, db.sealOnce(&o), now, now.Add(onceLimit))
		if err == nil && n == 1 {
			return fewKeys(ctx, tx, o.Caller, now)
		}
		if err != nil {
			return err
		}
		was, err = db.readOnce(ctx, tx, o, now)
		return err
	})
	return was, err
}

// fewKeys is Conflict for more keys of a caller than are kept.
func fewKeys(ctx context.Context, q queryer, caller string, now time.Time) error {
	var n int
	if err := q.QueryRowContext(ctx, `SELECT count(*) FROM once WHERE caller = $1 AND begun_at >= $2`, caller, now.Add(-OnceFor)).Scan(&n); err != nil || n <= MostOnce {
		return err
	}
	return &fault.Error{Kind: fault.Conflict, Message: "answers to " + strconv.Itoa(MostOnce) + " requests of yours are kept already", Err: ErrManyKeys,
		Hint: "each is kept for a day; send what is safe to repeat without a key"}
}

func (db *DB) readOnce(ctx context.Context, q queryer, o Once, now time.Time) (*Once, error) {
	w, sealed, until := &Once{Caller: o.Caller, Key: o.Key}, "", time.Time{}
	err := q.QueryRowContext(ctx, `SELECT holder, done, sealed, until FROM once WHERE caller = $1 AND key = $2`, o.Caller, o.Key).
		Scan(&w.Holder, &w.Done, &sealed, asTime{&until})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errStale // given up meanwhile: try again
	}
	if err != nil {
		return nil, err
	}
	plain, err := db.seal.Open(sealed, onceContext(o.Caller, o.Key))
	if err != nil {
		return nil, err
	}
	var s onceSecret
	if err := json.Unmarshal(plain, &s); err != nil {
		return nil, err
	}
	w.Request, w.Status, w.Header, w.Body, w.Spent, w.Told = s.Request, s.Status, s.Header, s.Body, s.Spent, s.Told
	w.Broken = !w.Done && (until.Before(now) || db.Single() && w.Holder != o.Holder)
	return w, nil
}

// EndOnce keeps the answer for whoever asks again.
func (db *DB) EndOnce(ctx context.Context, o Once) error {
	_, err := exec(ctx, db.sql, `UPDATE once SET done = true, sealed = $1 WHERE caller = $2 AND key = $3 AND holder = $4`, db.sealOnce(&o), o.Caller, o.Key, o.Holder)
	return db.fault(err)
}

// DropOnce gives a key back: nothing was done.
func (db *DB) DropOnce(ctx context.Context, o Once) error {
	_, err := exec(ctx, db.sql, `DELETE FROM once WHERE caller = $1 AND key = $2 AND holder = $3 AND NOT done`, o.Caller, o.Key, o.Holder)
	return db.fault(err)
}

// BreakOnce says that nobody knows how far the request came.
func (db *DB) BreakOnce(ctx context.Context, o Once) error {
	_, err := exec(ctx, db.sql, `UPDATE once SET until = $1 WHERE caller = $2 AND key = $3 AND holder = $4 AND NOT done`, db.now().Add(-time.Second), o.Caller, o.Key, o.Holder)
	return db.fault(err)
}

// pruneOnce forgets keys whose time is over.
func (db *DB) pruneOnce(ctx context.Context) error {
	_, err := exec(ctx, db.sql, `DELETE FROM once WHERE begun_at < $1`, db.now().Add(-OnceFor))
	return db.fault(err)
}
