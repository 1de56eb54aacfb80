package intake

import "context"

// TakeAll takes in the sightings that wait now.
func (d *Desk) TakeAll(ctx context.Context) error {
	for {
		select {
		case s := <-d.in:
			if err := d.take(ctx, s); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}
