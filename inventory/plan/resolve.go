package plan

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// Wanted is a plan resolved into nouns, with the BMC passwords beside them by machine
// name, and the factory logins by model. Things whose model is not in the plan get their defaults in Against, from the
// inventory's model.
type Wanted struct {
	Site      string
	Projects  []inventory.Project
	Models    []inventory.Model
	Networks  []inventory.Network
	Racks     []inventory.Rack
	Devices   []inventory.Device
	Machines  []inventory.Machine
	Passwords map[string]string
	Factory   map[string]FactoryLogin

	prune    bool
	unshaped map[string]inventory.Slot // slots, as planned, of things whose model or chassis only the inventory may know
}

// Resolve checks the plan by itself and turns it into nouns. All faults are reported at
// once, each with the path of the bad field.
func (p Plan) Resolve() (*Wanted, error) {
	r := resolver{out: &Wanted{Site: p.Site, Passwords: map[string]string{}, Factory: map[string]FactoryLogin{}, prune: p.Prune, unshaped: map[string]inventory.Slot{}}, seen: make(holders, p.size()), cabled: map[*inventory.Cable]place{}}
	r.name(at("site"), p.Site)
	for i, project := range p.Projects {
		r.project(at(fmt.Sprintf("projects[%d]", i)), project)
	}
	for i, m := range p.Models {
		r.model(at(fmt.Sprintf("models[%d]", i)), m)
	}
	for i, n := range p.Networks {
		r.network(at(fmt.Sprintf("networks[%d]", i)), n)
	}
	for i, rack := range p.Racks {
		r.rack(at(fmt.Sprintf("racks[%d]", i)), rack)
	}
	r.overlaps()
	r.shapes()
	r.cables()
	if len(r.bad) > 0 {
		return nil, &fault.Error{Kind: fault.Invalid, Message: tally(len(r.bad)), Fields: r.bad,
			Hint: "correct the named fields; nothing was changed"}
	}
	return r.out, nil
}

// size is about how many things the machines hold.
func (w *Wanted) size() (n int) {
	for i := range w.Machines {
		n += 2*len(w.Machines[i].NICs) + 8
	}
	return n
}

// size is the same for a plan.
func (p *Plan) size() (n int) {
	for i := range p.Racks {
		for j := range p.Racks[i].Machines {
			n += 2*len(p.Racks[i].Machines[j].NICs) + 8
		}
	}
	return n
}

// resolver collects nouns and faults while it walks the plan.
type resolver struct {
	out      *Wanted
	bad      []fault.Field
	seen     holders // what may stand once -> who has it
	devices  []place // of out.Devices
	machines []place // of out.Machines
	cabled   map[*inventory.Cable]place
}

// maxFaults is how many faults of a plan are told: nobody reads more, and two networks
// of many that overlap make a fault each.
const maxFaults = 200

// tally says how many faults were found.
func tally(n int) string {
	switch {
	case n == 1:
		return "the plan has a fault"
	case n >= maxFaults:
		return fmt.Sprintf("the plan has %d faults or more", n)
	}
	return fmt.Sprintf("the plan has %d faults", n)
}

func (r *resolver) fail(p place, format string, args ...any) {
	if len(r.bad) == maxFaults {
		return
	}
	r.bad = append(r.bad, fault.Field{Path: p.String(), Message: fmt.Sprintf(format, args...)})
}

// once reports a fault when what was claimed before by somebody else.
func (r *resolver) once(p place, what claim, owner string) {
	if first, taken := r.seen.take(what, owner); taken {
		r.fail(p, "%s is taken twice: by %s and by %s", what, first, owner)
	}
}

// onceIn does the same for the name of a part of a noun.
func (r *resolver) onceIn(p place, noun, part, name string) {
	r.once(p, claim{what: part, text: noun + "/" + name}, noun)
}

var domainForm = regexp.MustCompile(`^(?i)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (r *resolver) name(p place, s string) {
	if !label.MatchString(s) {
		r.fail(p, "%.70q is not a name: use 1 to 63 of a-z, 0-9 and -, not - at an end (RFC 1123)", s)
	} else if uuidForm.MatchString(s) {
		r.fail(p, "%q is not a name: it has the form of an id", s)
	}
}

// refer checks the form of a name of something else, where one is given.
func (r *resolver) refer(p place, s string) {
	if s != "" {
		r.name(p, s)
	}
}

// maxText is how long a free text of a plan may be.
const maxText = 255

// text checks a free text: one line of 255 bytes at most.
func (r *resolver) text(p place, s string) {
	if len(s) > maxText {
		r.fail(p, "is longer than %d bytes", maxText)
	} else if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0xfffd }) {
		r.fail(p, "%.60q is not a line of text", s)
	}
}

func (r *resolver) oneOf(p place, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		said := slices.DeleteFunc(slices.Clone(allowed), func(a string) bool { return a == "" }) // "" is for what may be left out
		r.fail(p, "%.60q is none of %s", value, strings.Join(said, ", "))
	}
}

// between checks a number, where 0 is one that nobody said.
func (r *resolver) between(p place, x, low, high float64) {
	if x != 0 && !(x >= low && x <= high) { // so that NaN is refused
		r.fail(p, "%v is not between %v and %v", x, low, high)
	}
}

func (r *resolver) addr(p place, s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		r.fail(p, "%.60q is not an IP address", s)
		return netip.Addr{}
	}
	return a
}

func (r *resolver) addrs(p place, list string, from []string) []netip.Addr {
	var out []netip.Addr
	for i, s := range from {
		out = append(out, r.addr(p.item(list, i), s))
	}
	return out
}
