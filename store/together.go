package store

import (
	"cmp"
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sync/errgroup"
)

// together gathers queries whose rows matter only for what is done with each, and sends
// them to PostgreSQL at once: of reading one machine, waiting for answer after answer was
// most of the time.
type together struct {
	queryer // that they are gathered for
	batch   pgx.Batch
	rows    []func(scan func(...any) error) error
}

// ask puts two groups of questions, whose answers do not depend on each other, in the quickest
// way that there is: as one, side by side, or, within a transaction, one behind the other.
func ask(ctx context.Context, q queryer, one, other func(q queryer) error) error {
	p, ok := q.(*pool)
	switch {
	case ok && p.together:
		t := &together{queryer: q}
		return cmp.Or(one(t), other(t), t.send(ctx))
	case ok:
		var group errgroup.Group
		group.Go(func() error { return one(q) })
		return cmp.Or(other(q), group.Wait())
	}
	if err := one(q); err != nil {
		return err
	}
	return other(q)
}

func (t *together) add(query string, args []any, row func(scan func(...any) error) error) {
	t.batch.Queue(query, args...)
	t.rows = append(t.rows, row)
}

// send runs what was gathered, on one connection.
func (t *together) send(ctx context.Context) error {
	if len(t.rows) == 0 {
		return nil
	}
	c, err := t.queryer.(*pool).Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Raw(func(driver any) error {
		answers := driver.(*stdlib.Conn).Conn().SendBatch(ctx, &t.batch)
		defer answers.Close()
		for _, row := range t.rows {
			rows, err := answers.Query()
			if err != nil {
				return err
			}
			for rows.Next() {
				if err := row(rows.Scan); err != nil {
					rows.Close()
					return err
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
}
