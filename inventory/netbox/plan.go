package netbox

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/overlay"
	"rackwright/inventory/plan"
)

// Options say how objects become a plan.
type Options struct {
	Site  string                    // slug or name; may be empty where there is one
	Roles map[string]inventory.Kind // slug of a device role -> kind, before what is known by itself
	// Username and Password are of every BMC that has an address.
	Username, Password string
}

// Result is the plan, and what it does not hold.
type Result struct {
	Plan  plan.Plan
	Notes []string
}

// Plan makes the plan of one site.
func Plan(src *Source, o Options) (*Result, error) {
	site, err := src.Site(o.Site)
	if err != nil {
		return nil, err
	}
	b := &builder{src: src, o: o, site: site, notes: notes{at: map[string]int{}}, used: map[string]bool{}, modelOf: map[int64]string{}, baysOf: map[int64][]string{}, racks: map[int64]*rack{}, things: map[int64]*thing{}, ends: map[End]*end{}}
	name, wrong := b.names.Of("site", site.Slug)
	if wrong != "" {
		return nil, fault.Invalidf("the site: %s", wrong).WithHint("give it a slug of a-z, 0-9 and - in NetBox")
	}
	b.out.Site = name
	b.makeRacks()
	b.makeThings()
	b.makePorts()
	b.makeNetworks()
	b.makeCables()
	b.assemble()
	return &Result{Plan: b.out, Notes: b.notes.all()}, nil
}

// Site finds the site that was asked for.
func (s *Source) Site(named string) (*Site, error) {
	var slugs []string
	for i := range s.Sites {
		if site := &s.Sites[i]; named == site.Slug || strings.EqualFold(named, site.Name) || named == "" && len(s.Sites) == 1 {
			return site, nil
		}
		if len(slugs) < 20 {
			slugs = append(slugs, s.Sites[i].Slug)
		}
	}
	slices.Sort(slugs)
	if named == "" && len(s.Sites) > 0 {
		return nil, fault.Invalidf("this NetBox has %d sites: which one?", len(s.Sites)).WithHint("name one with --site: %s", strings.Join(slugs, ", "))
	}
	if len(s.Sites) == 0 {
		return nil, fault.NotFoundf("this NetBox shows no site").WithHint("may the token's user view sites?")
	}
	return nil, fault.NotFoundf("this NetBox has no site %q", named).WithHint("it has %s", strings.Join(slugs, ", "))
}

// builder holds the parts of the plan while they are made.
type builder struct {
	src     *Source
	o       Options
	site    *Site
	out     plan.Plan
	names   overlay.Names
	used    map[string]bool // names that one thing alone may have
	notes   notes
	racks   map[int64]*rack
	order   []*rack
	things  map[int64]*thing   // device id -> what it becomes
	line    []*thing           // in the order NetBox has them
	modelOf map[int64]string   // device type id -> its first model
	baysOf  map[int64][]string // device id -> its bays
	ends    map[End]*end       // what a cable can end at
}

// own is our name of one thing, which no other of its kind may have.
func (b *builder) own(space, given string) (name, wrong string) {
	if name, wrong = b.names.Of(space, given); wrong == "" && b.used[space+" "+name] {
		return "", fmt.Sprintf("two are called %q", given)
	}
	b.used[space+" "+name] = true
	return name, wrong
}

// rack is a cabinet and what NetBox says of its units.
type rack struct {
	plan.Rack
	first int // NetBox's number of the lowest unit
}

// thing is a device of NetBox, which becomes a machine or a device of ours.
type thing struct {
	from    *Device
	kind    inventory.Kind
	name    string
	rack    *rack
	model   *DeviceType
	machine *plan.Machine // or device
	device  *plan.Device
	nics    []*port
	ports   []*inventory.Port
	psus    []*inventory.PSU
	bmc     *port
}

// port is an interface of a machine.
type port struct {
	from *Interface
	nic  plan.NIC
}

// end is what stands at one end of a cable: its owner, its name there, and where a cable
// that begins here is written.
type end struct {
	owner *thing
	name  string
	cable **inventory.Cable // nil: a cable cannot be planned from here
	power bool
	shape *inventory.Connector // of the socket, nil where it is not planned
	iface *Interface
}

func (e *end) at() inventory.End { return inventory.End{Owner: e.owner.name, Port: e.name} }
