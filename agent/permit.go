package agent

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"rackwright/agent/disk"
	"rackwright/agent/probe"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// permit returns the permit of an order: signed by the server that opened the session, for
// this very order and this machine.
func (a *agent) permit(o wire.Order) (*wire.Permit, *refusal) {
	no := func(format string, args ...any) (*wire.Permit, *refusal) {
		return nil, &refusal{wire.ReasonPermit, fault.Deniedf(format, args...).WithHint("'rackwright operation retry' asks for the order again; see the server's log")}
	}
	switch {
	case o.Permit == nil:
		return no("the order %s names no disks that may be destroyed", printable(string(o.Verb)))
	case len(a.permitKey) != ed25519.PublicKeySize:
		return no("the server told no key for its permits")
	case !ed25519.Verify(a.permitKey, o.Permit.Permit, o.Permit.Signature):
		return no("the order's permit is not signed by this server")
	}
	var p wire.Permit
	if err := json.Unmarshal(o.Permit.Permit, &p); err != nil {
		return no("the order's permit is not understood: %w", err)
	}
	if p.Order != o.ID {
		return no("the permit is for another order")
	}
	if is := a.Facts().System.UUID; p.UUID != "" && !strings.EqualFold(p.UUID, is) {
		return no("the permit is for the machine with UUID %s, this one has %q", printable(p.UUID), is)
	}
	return &p, nil
}

// grantOf finds a disk in a permit, nil when it is not there.
func grantOf(p *wire.Permit, d inventory.Disk) *wire.PermittedDisk {
	for i, g := range p.Disks {
		if d.Same(diskOf(g)) {
			return &p.Disks[i]
		}
	}
	return nil
}

// diskOf is what a permit says of a disk.
func diskOf(g wire.PermittedDisk) inventory.Disk {
	return inventory.Disk{Serial: g.Serial, WWN: g.WWN, BusPath: g.BusPath, Bytes: g.Bytes}
}

// granted lists the disks of an order's permit that are there, in its order, and names
// those that are not. Disks that tell one identity are all there, by whatever entry.
func (a *agent) granted(o wire.Order) (there []inventory.Disk, gone []wire.PermittedDisk, no *refusal) {
	p, no := a.permit(o)
	if no != nil {
		return nil, nil, no
	}
	disks := a.Facts().Disks
	for i := range p.Disks {
		found := false
		for _, d := range disks {
			if grantOf(p, d) == &p.Disks[i] {
				there, found = append(there, d), true
			}
		}
		if !found && grantOf(p, diskOf(p.Disks[i])) == &p.Disks[i] {
			gone = append(gone, p.Disks[i])
		}
	}
	return there, gone, nil
}

// open opens a disk for writing, and nothing else in this program does. The disk is in the
// permit, is still the one that was seen at its node, and holds now what it may hold.
func (a *agent) open(ctx context.Context, o wire.Order, seen inventory.Disk) (Disk, *refusal) {
	p, no := a.permit(o)
	if no != nil {
		return nil, no
	}
	g := grantOf(p, seen)
	if g == nil {
		a.tell(ctx)
		return nil, &refusal{wire.ReasonPermit, fault.Deniedf("disk %s (%s) is not in the order's permit", seen.Label(), seen.Path).
			WithHint("the server permits what it knows of: 'rackwright operation retry' lets it look again")}
	}
	if no := a.still(seen); no != nil {
		a.tell(ctx)
		return nil, no
	}
	now := probe.Look(ctx, seen, OwnerOf)
	if why := mayHold(g, now); why != "" {
		a.tell(ctx)
		return nil, &refusal{wire.ReasonForeign, fault.Conflictf("disk %s (%s) holds %s: %s", seen.Label(), seen.Path, strings.Join(now.Holds, ", "), why).
			WithHint("'rackwright machine show %s' shows its disks; deploy again with --overwrite %s to give the data up, or 'rackwright erase'", printable(p.Machine), seen.Label())}
	}
	d, err := a.Open(seen.Path)
	if err != nil {
		return nil, &refusal{wire.ReasonDiskIO, err}
	}
	if no := a.still(seen); no != nil || d.Size() != seen.Bytes {
		_ = d.Close() // nothing was written
		if no == nil {
			no = other(seen)
		}
		return nil, no
	}
	return d, nil
}

// still sees that the disk is the one at its node, and that a permit can mean no other.
func (a *agent) still(seen inventory.Disk) *refusal {
	here, alike := false, []string{}
	for _, d := range a.Facts().Disks {
		if d.Same(seen) {
			alike = append(alike, d.Path)
			here = here || d.Path == seen.Path && d.Writable()
		}
	}
	switch {
	case len(alike) > 1:
		return &refusal{wire.ReasonPermit, fault.Conflictf("%s tell one identity, %s with %d bytes: which of them is permitted cannot be told", strings.Join(alike, " and "), seen.Label(), seen.Bytes).
			WithHint("one disk on two paths shows as two: leave it one path; of two disks whose maker gave them one serial number, take one out; then 'rackwright operation retry'")}
	case !here:
		return other(seen)
	}
	return nil
}

func other(seen inventory.Disk) *refusal {
	return &refusal{wire.ReasonPermit, fault.Conflictf("disk %s is not at %s any more", seen.Label(), seen.Path).
		WithHint("a disk went or another came: look at the machine's disks, then 'rackwright operation retry'")}
}

// mayHold says why a disk may not hold what it does, "" when it may.
func mayHold(g *wire.PermittedDisk, now inventory.Disk) string {
	switch {
	case g.Holds == wire.HoldsAny || len(now.Holds) == 0:
		return ""
	case g.Holds != wire.HoldsOurs:
		return "it was to be empty"
	case now.Owner == nil:
		return "no record says that this service wrote it"
	case g.Owner == "" || now.Owner.Operation != g.Owner:
		return "it was written by operation " + printable(now.Owner.Operation) + ", not by the one that was seen"
	}
	return ""
}

// OwnerOf reads the record that a deployment left on its disk, nil where there is none.
func OwnerOf(r io.ReaderAt, size int64) *inventory.DiskOwner {
	o, ok := disk.ReadOwner(r, size)
	if !ok {
		return nil
	}
	return &inventory.DiskOwner{Machine: printable(o.Machine), Operation: printable(o.Operation), Digest: printable(o.Image), Written: o.At, Whole: o.Whole}
}

// tell sends what is on the disks now, so that the server decides anew. It is best effort.
func (a *agent) tell(ctx context.Context) {
	facts := a.Facts()
	facts.Disks = slices.Clone(facts.Disks)
	for i, d := range facts.Disks {
		facts.Disks[i] = probe.Look(ctx, d, OwnerOf)
	}
	_, _ = a.client.call(ctx, http.MethodPost, "/agent/v1/facts", facts, nil)
}
