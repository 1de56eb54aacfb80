package intake

import "context"

// TakeAll takes in the sightings that wait now.
func (d *Desk) TakeAll(ctx context.Context) error {
	for len(d.in)+len(d.strangers) > 0 || len(d.some) > 0 {
		if err := d.takeSome(ctx); err != nil {
			return err
		}
	}
	return nil
}
