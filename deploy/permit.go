package deploy

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// Grant is a disk that an operation may destroy, and what it may hold when that begins.
type Grant struct {
	Disk  inventory.Disk
	Holds Holds
	Owner string // operation whose record makes what it holds ours; with HoldsOurs
}

// Holds is what a disk may hold.
type Holds string

// What a disk may hold.
const (
	HoldsNothing Holds = "nothing" // no signature
	HoldsOurs    Holds = "ours"    // what an earlier deployment of this machine wrote
	HoldsAny     Holds = "any"     // whatever there is: it was given up by name, or we began to write it
)

// Objection is why nothing may be destroyed.
type Objection struct{ Reason, Message, Hint string }

// Reasons of objections; the agent has the same words for them.
const (
	reasonForeign = "foreign-data"
	reasonNoDisk  = "no-matching-disk"
)

// Permit decides which disks an operation may destroy, from what the agent saw of them.
// ours says whether an operation was a deployment of this very machine. Foreign data is an
// objection unless it was given up by the disk's name; that the machine was once proven
// empty is no reason to overwrite what came later. A disk that cannot be told yet is not
// granted, and the agent says why.
func Permit(op *Operation, m *inventory.Machine, disks []inventory.Disk, ours func(operation string) bool) ([]Grant, *Objection) {
	targets, no := targets(op, m, disks)
	if no != nil {
		return nil, no
	}
	grants := make([]Grant, 0, len(targets))
	for _, d := range targets {
		g := Grant{Disk: d}
		switch {
		case op.Kind == Erase, givenUp(op.Order.Overwrite, d), begun(op, targets):
			g.Holds = HoldsAny
		case len(d.Holds) == 0:
			g.Holds = HoldsNothing
		case d.Owner != nil && ours(d.Owner.Operation):
			g.Holds, g.Owner = HoldsOurs, d.Owner.Operation
		default:
			return nil, foreign(op, m, d)
		}
		grants = append(grants, g)
	}
	return grants, nil
}

// begun reports whether the agent of this operation has begun to write its disk, or its
// mirror: what is there since is our own half-written work.
func begun(op *Operation, targets []inventory.Disk) bool {
	return op.Disk != "" && op.Kind == Deploy && slices.ContainsFunc(targets, func(d inventory.Disk) bool { return d.Serial == op.Disk })
}

// targets are the disks an operation is about.
func targets(op *Operation, m *inventory.Machine, disks []inventory.Disk) ([]inventory.Disk, *Objection) {
	switch op.Kind {
	case Erase:
		return toErase(op, m, disks)
	case BurnIn:
		return writable(disks), nil
	}
	if op.Order.Mirror {
		two, _ := m.RootDisk.ChooseTwo(disks) // the agent waits for late ones and words what is wrong
		return two, nil
	}
	if one, err := m.RootDisk.Choose(disks); err == nil {
		return []inventory.Disk{one}, nil
	}
	return nil, nil
}

// toErase are the disks an erase names, or all.
func toErase(op *Operation, m *inventory.Machine, disks []inventory.Disk) ([]inventory.Disk, *Objection) {
	all := writable(disks)
	if op.Order.Erase == nil || len(op.Order.Erase.Disks) == 0 {
		if len(all) == 0 {
			return nil, &Objection{reasonNoDisk, m.Name + " has no disk that can be written", "look at its console for a storage controller without a driver, and at its disks"}
		}
		return all, nil
	}
	var named []inventory.Disk
	for _, name := range op.Order.Erase.Disks {
		at := slices.IndexFunc(all, func(d inventory.Disk) bool { return Names(name, d) })
		if at < 0 {
			return nil, &Objection{reasonNoDisk, fmt.Sprintf("%s has no disk %q that can be written; seen: %s", m.Name, name, labels(all)),
				"cancel the operation and name a disk that is there, or put the disk back and retry"}
		}
		named = append(named, all[at])
	}
	return named, nil
}

func writable(disks []inventory.Disk) (out []inventory.Disk) {
	for _, d := range disks {
		if d.Writable() {
			out = append(out, d)
		}
	}
	return out
}

// Names reports whether a person means the disk by a name: its serial number or its WWN,
// or where it is connected when it has neither.
func Names(name string, d inventory.Disk) bool {
	if strings.TrimSpace(d.Serial) == "" && d.WWN == "" {
		return name != "" && name == d.Label()
	}
	return name != "" && (inventory.DiskHint{Serial: name}.Matches(d) || inventory.DiskHint{WWN: name}.Matches(d))
}

// Unseen returns Invalid when a person gives up a disk by a name that no disk has which the
// machine's agent saw. Where no agent looked, nothing is known.
func Unseen(names []string, m *inventory.Machine) error {
	if m.Facts == nil || m.Facts.Source != "agent" || len(m.Facts.Disks) == 0 {
		return nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(m.Facts.Disks, func(d inventory.Disk) bool { return Names(name, d) }) {
			return fault.Invalidf("%s has no disk %.80q to overwrite; seen: %s", m.Name, name, labels(m.Facts.Disks)).
				WithHint("name a disk that is there; 'rackwright inspect %s' looks again", m.Name)
		}
	}
	return nil
}

func givenUp(names []string, d inventory.Disk) bool {
	return slices.ContainsFunc(names, func(name string) bool { return Names(name, d) })
}

func labels(disks []inventory.Disk) string {
	names := make([]string, len(disks))
	for i, d := range disks {
		names[i] = d.Label()
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// foreign words what is in the way and how a person gives it up.
func foreign(op *Operation, m *inventory.Machine, d inventory.Disk) *Objection {
	whose := "this service did not write it"
	if d.Owner != nil {
		whose = "it was not written for this machine: its record names operation " + d.Owner.Operation
	}
	again := fmt.Sprintf("rackwright deploy %s --image %s --overwrite %s", m.Name, op.Order.Image, d.Label())
	if op.Kind == BurnIn {
		again = fmt.Sprintf("rackwright burn-in %s --write --overwrite %s", m.Name, d.Label())
	}
	return &Objection{reasonForeign, fmt.Sprintf("disk %s of %s (%s) holds %s, and %s", d.Label(), m.Name, d.Path, strings.Join(d.Holds, ", "), whose),
		fmt.Sprintf("save what is needed; to give it up: 'rackwright operation cancel %s', then '%s', or 'rackwright erase %s --disk %s'", op.ID, again, m.Name, d.Label())}
}
