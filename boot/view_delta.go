package boot

import (
	"cmp"

	"rackwright/inventory"
)

// Delta is what changed in a view since a revision. What is in it is all there is of it:
// every network, every host of a machine that changed.
type Delta struct {
	Revision     int64                // that it leads to
	Networks     []*inventory.Network // all there are now; nil: none changed
	Models       *Models              // all there are now; nil: none changed
	Installation string               // "": as it was
	Machines     map[string][]*Host   // by id, all hosts it has now; none: it is not in the view any more
}

// Models are what a view knows of models, by name: those of which there is something to know.
type Models struct {
	Options map[string][]inventory.Option `json:"Models"` // of DHCP
	Loaders map[string]Kind               `json:",omitempty"`
	Rungs   map[string]Rung               `json:",omitempty"` // of those that name no loader
	HTTPS   map[string]bool               `json:",omitempty"` // whose firmware holds our authority, and loads by HTTPS
}

// With returns the view that follows from the delta. The two share what did not change,
// so it takes work for what did, whatever the size of the inventory.
func (v *View) With(d *Delta) *View {
	v.fork.Lock()
	next := &View{Revision: d.Revision, networks: v.networks, models: v.models, byMAC: v.byMAC.Copy(), byPlace: v.byPlace.Copy(), byMachine: v.byMachine.Copy(),
		byPlace6: v.byPlace6.Copy(), byUUID: v.byUUID.Copy(), installation: cmp.Or(d.Installation, v.installation)}
	v.fork.Unlock()
	if d.Networks != nil {
		next.networks = newNetworks(d.Networks)
	}
	if d.Models != nil {
		same := *next.networks // a copy: see SameTerms
		next.models, next.networks = *d.Models, &same
	}
	for id := range d.Machines { // all of them first: a MAC may have moved from one to another
		next.drop(id)
	}
	for _, hosts := range d.Machines {
		next.put(hosts)
	}
	return next
}

// SameTerms reports whether the two views say the same of networks and models, as those do
// of which one followed from the other by a change of machines.
func (v *View) SameTerms(o *View) bool { return v.networks == o.networks }
