package agent

import (
	"context"
	"errors"
	"time"

	"rackwright/agent/disk"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// pair is the two disks of a mirror, opened.
type pair struct {
	*disk.Mirror
	first, second Disk
}

// Close closes both.
func (p pair) Close() error { return errors.Join(p.first.Close(), p.second.Close()) }

// openPair opens the two disks that the permit of an order names. seen is the first.
func (a *agent) openPair(ctx context.Context, o wire.Order) (d Disk, seen inventory.Disk, no *refusal) {
	there, gone, no := a.granted(o)
	switch {
	case no != nil:
		return nil, seen, no
	case len(there) != 2 || len(gone) > 0:
		return nil, seen, &refusal{wire.ReasonNoDisk, fault.Conflictf("a mirror takes two disks, the permit names %d and %d of them are there", len(there)+len(gone), len(there)).
			WithHint("name two disks by root_disk of the plan, or deploy without --mirror")}
	case len(o.Write.Seed.Placed) > 0:
		return nil, seen, &refusal{wire.ReasonBadOrder, fault.Invalidf("first-boot configuration that goes into the image's own file system cannot go on a mirror").
			WithHint("deploy without --mirror, or choose another --seed")}
	}
	first, no := a.open(ctx, o, there[0])
	if no != nil {
		return nil, seen, no
	}
	second, no := a.open(ctx, o, there[1])
	if no != nil {
		_ = first.Close() // nothing was written
		return nil, seen, no
	}
	m, err := disk.NewMirror(first, second)
	if err != nil {
		return nil, seen, &refusal{reasonOf(err), errors.Join(err, first.Close(), second.Close())}
	}
	return pair{m, first, second}, there[0], nil
}

// seal makes a pair the RAID 1 that the written system finds.
func (p pair) seal(operation string) error { return p.Seal(operation, time.Now()) }
