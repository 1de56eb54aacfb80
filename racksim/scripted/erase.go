package scripted

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rackwright/agent/wire"
	"rackwright/inventory"
)

// permit is what an order's permit says. Its signature is not checked: nothing here could
// be destroyed.
func permit(o wire.Order) (wire.Permit, bool) {
	var p wire.Permit
	if o.Permit == nil || json.Unmarshal(o.Permit.Permit, &p) != nil {
		return p, false
	}
	return p, p.Order == o.ID
}

// grants reports whether a permit names a disk.
func grants(p wire.Permit, d inventory.Disk) bool {
	for _, g := range p.Disks {
		if d.Same(inventory.Disk{Serial: g.Serial, WWN: g.WWN, BusPath: g.BusPath, Bytes: g.Bytes}) {
			return true
		}
	}
	return false
}

// erase does an erase order: the disks of its permit boot nothing any more.
func (a *agent) erase(ctx context.Context, o wire.Order) error {
	a.m.stage(ctx)
	p, ok := permit(o)
	if !ok {
		return a.conclude(ctx, wire.Event{Order: o.ID, Stage: wire.Refused, Reason: wire.ReasonPermit, Detail: "the order has no permit of its own"})
	}
	if err := a.report(ctx, wire.Event{Order: o.ID, Stage: wire.Accepted}); err != nil {
		return err
	}
	var results []wire.Erased
	var failed []string
	for i, d := range a.m.facts().Disks {
		if !grants(p, d) {
			continue
		}
		e := a.empty(ctx, i, d, o.Erase)
		if results = append(results, e); !e.Succeeded {
			failed = append(failed, fmt.Sprintf("disk %s: %s", d.Label(), e.Reason))
		}
		if err := a.progress(ctx, wire.Event{Order: o.ID, Stage: wire.Erasing, Done: int64(len(results)), Total: int64(len(p.Disks))}); err != nil {
			return err
		}
	}
	text, err := json.Marshal(results)
	if err != nil {
		return err
	}
	if len(failed) > 0 {
		return a.conclude(ctx, wire.Event{Order: o.ID, Stage: wire.Failed, Reason: wire.ReasonNotErased, Detail: strings.Join(failed, "; "), Result: text})
	}
	return a.conclude(ctx, wire.Event{Order: o.ID, Stage: wire.Completed, Result: text})
}

// empty erases one disk.
func (a *agent) empty(ctx context.Context, i int, d inventory.Disk, o *wire.EraseOrder) wire.Erased {
	e := wire.Erased{Disk: d, Method: "overwrite", Pattern: "zeros", Samples: o.Samples, Began: time.Now().UTC(), Succeeded: true}
	if d.Type == "nvme" {
		e.Method = "nvme-sanitize-block"
	}
	a.m.stage(ctx)
	a.m.wiped(i)
	if a.m.Machine.Keep {
		spec := a.m.Machine.Disks[i]
		path := filepath.Join(a.m.Dir, spec.Name+".raw")
		if err := os.Truncate(path, 0); err != nil && !os.IsNotExist(err) {
			e.Succeeded, e.Reason = false, err.Error()
		}
	}
	e.Ended = time.Now().UTC()
	return e
}
