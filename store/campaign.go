package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/journal"
)

// Campaigns lists the campaigns, newest first.
func (db *DB) Campaigns(ctx context.Context) ([]firmware.Campaign, error) {
	out, err := campaigns(ctx, db.sql, "true")
	return out, db.fault(err)
}

// Campaign returns a campaign by id or name.
func (db *DB) Campaign(ctx context.Context, idOrName string) (*firmware.Campaign, error) {
	c, err := campaign(ctx, db.sql, idOrName)
	return c, db.fault(err)
}

func campaign(ctx context.Context, q queryer, idOrName string) (*firmware.Campaign, error) {
	pick := "name = $1"
	if isID(idOrName) {
		pick, idOrName = "id = $1", strings.ToLower(idOrName)
	}
	found, err := campaigns(ctx, q, pick, idOrName)
	if err == nil && len(found) == 0 {
		err = fault.NotFoundf("there is no campaign %q", idOrName).WithHint("'rackwright firmware campaign list' shows them")
	}
	return first(found), err
}

func campaigns(ctx context.Context, q queryer, pick string, args ...any) ([]firmware.Campaign, error) {
	return collect(ctx, q, func(scan func(...any) error) (c firmware.Campaign, err error) {
		err = scan(asJSON{&c}, &c.Version)
		return c, err
	}, `SELECT spec, version FROM campaign WHERE `+pick+` ORDER BY created_at DESC, id DESC LIMIT 200`, args...)
}

// CreateCampaign begins a campaign. One of that name is Conflict, and so is a file that
// was removed meanwhile.
func (db *DB) CreateCampaign(ctx context.Context, c *firmware.Campaign, actor string) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		switch _, err := campaign(ctx, tx, c.Name); {
		case err == nil:
			return fault.Conflictf("there is a campaign %s already", c.Name).WithHint("give the new one a name of its own")
		case !fault.Is(err, fault.NotFound):
			return err
		}
		for _, name := range c.Files { // sorted
			found, err := db.lock(ctx, tx, `SELECT 1 FROM firmware_file WHERE name = $1`, name)
			if err == nil && !found {
				return fault.Conflictf("firmware file %s was removed meanwhile", name).WithHint("start the campaign again")
			}
			if err != nil {
				return err
			}
		}
		now := db.now()
		c.ID, c.Actor, c.Created, c.Updated, c.Version = newID(), actor, now, now, 1
		if _, err := exec(ctx, tx, `INSERT INTO campaign (id, name, state, spec, due, lease_owner, lease_until, created_at, version) VALUES ($1, $2, $3, $4, $5, '', $5, $5, 1)`,
			c.ID, c.Name, c.State, toJSON(c), now); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{CampaignEvent(c, actor, "begun")})
	})
	if err == nil {
		db.events.wake(everything)
		db.campaigns.wake(everything)
	}
	return err
}

// CampaignEvent says what became of a campaign.
func CampaignEvent(c *firmware.Campaign, actor, what string) journal.Event {
	return journal.Event{Kind: journal.Campaign, Actor: actor, Summary: "campaign " + c.Name + ": " + what,
		Detail: map[string]any{"campaign": c.ID, "state": c.State, "wave": c.Wave}}
}

// SteerCampaign lets a person change a campaign, whoever looks after it.
func (db *DB) SteerCampaign(ctx context.Context, idOrName, actor, what string, change func(*firmware.Campaign, time.Time) error) (*firmware.Campaign, error) {
	var out *firmware.Campaign
	err := db.tx(ctx, func(tx *sql.Tx) error {
		c, err := campaign(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		if err := change(c, db.now()); err != nil {
			return err
		}
		out = c
		return db.writeCampaign(ctx, tx, c, db.now(), []journal.Event{CampaignEvent(c, actor, what)})
	})
	if err != nil {
		return nil, err
	}
	db.events.wake(everything)
	db.campaigns.wake(everything)
	return out, nil
}

// ClaimCampaign lends a campaign that is to be looked after to owner until now+ttl; nil,
// nil: there is none.
func (db *DB) ClaimCampaign(ctx context.Context, owner string, ttl time.Duration) (*firmware.Campaign, error) {
	var out *firmware.Campaign
	err := db.tx(ctx, func(tx *sql.Tx) error {
		out = nil
		now := db.now()
		var id string
		err := tx.QueryRowContext(ctx, `UPDATE campaign SET lease_owner = $1, lease_until = $2
			WHERE id = (SELECT id FROM campaign WHERE due <= $3 AND (lease_owner = '' OR lease_until <= $3) ORDER BY due, id LIMIT 1`+db.dialect.skip+`) RETURNING id`,
			owner, now.Add(ttl), now).Scan(asText{&id})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		out, err = campaign(ctx, tx, id)
		return err
	})
	return out, err
}

// SaveCampaign writes a campaign back with what was done, makes it due then (never, when
// nothing of it is in motion) and gives it up. Conflict when it was changed meanwhile.
func (db *DB) SaveCampaign(ctx context.Context, c *firmware.Campaign, due time.Time, events ...journal.Event) error {
	err := db.tx(ctx, func(tx *sql.Tx) error { return db.writeCampaign(ctx, tx, c, due, events) })
	if err == nil {
		db.events.wake(everything)
	}
	return err
}

func (db *DB) writeCampaign(ctx context.Context, tx *sql.Tx, c *firmware.Campaign, due time.Time, events []journal.Event) error {
	next := *c
	next.Updated, next.Version = db.now(), c.Version+1
	if !c.Follows() {
		due = time.Time{}
	}
	n, err := exec(ctx, tx, `UPDATE campaign SET state = $1, spec = $2, due = $3, lease_owner = '', version = version + 1 WHERE id = $4 AND version = $5`,
		c.State, toJSON(next), timeOrNull(due), c.ID, c.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Conflictf("campaign %s was changed meanwhile", c.Name).WithHint("look at it again")
	}
	if err := db.append(ctx, tx, events); err != nil {
		return err
	}
	*c = next
	return nil
}

// CampaignDue returns a signal that a campaign is to be looked after, by what this process
// did. The function ends the subscription.
func (db *DB) CampaignDue() (<-chan struct{}, func()) { return db.campaigns.listen(everything) }
