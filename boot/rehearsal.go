package boot

import (
	"context"
	"strconv"

	"rackwright/inventory"
)

// Rehearsal is what a client would be answered that asks for its script.
type Rehearsal struct {
	Status    int    // of HTTP
	Rule      string // which script: local-disk, agent, system, stranger, retry; or why it is refused
	Why       string // in a sentence
	Text      string // the script, or the refusal
	Machine   string // name, "" for a stranger
	Operation string // id of the operation that wants the machine
}

type rehearsing struct{}

// Rehearsing marks the context of a rehearsal: what is found out is told and nothing of it kept.
func Rehearsing(ctx context.Context) context.Context {
	return context.WithValue(ctx, rehearsing{}, true)
}

// Rehearsed reports whether this is a rehearsal.
func Rehearsed(ctx context.Context) bool { return ctx.Value(rehearsing{}) != nil }

// Discovers reports whether strangers on a network are inspected.
func (v *View) Discovers(network string) bool {
	return v.policy(network) == inventory.StrangerDiscover
}

// Remembers reports whether strangers on a network are recorded.
func (v *View) Remembers(network string) bool {
	return v.Discovers(network) || v.policy(network) == inventory.StrangerHold
}

func (v *View) policy(network string) inventory.StrangerPolicy {
	if n := v.named(network); n != nil {
		return n.Strangers
	}
	return inventory.StrangerIgnore
}

// ArchOf reads an architecture: its name as String prints it, or the number of option 93.
func ArchOf(s string) (Arch, bool) {
	if s == "" || s == ArchUnknown.String() {
		return ArchUnknown, true
	}
	for _, f := range firmware {
		if f.name == s {
			return f.arches[0], true
		}
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return Arch(n), err == nil && Arch(n) != ArchUnknown
}

// ClassNamed reads a class as String prints it.
func ClassNamed(s string) (Class, bool) {
	for c := NotNetboot; c <= IPXE; c++ {
		if c.String() == s {
			return c, true
		}
	}
	return 0, false
}
