package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// together gathers queries whose rows matter only for what is done with each, and sends
// them to PostgreSQL at once: of reading one machine, waiting for answer after answer was
// most of the time.
type together struct {
	queryer // that they are gathered for
	batch   pgx.Batch
	rows    []func(scan func(...any) error) error
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
