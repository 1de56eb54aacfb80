package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"rackwright/fault"
	"rackwright/inventory"
)

// Change is one noun that applying a plan would create, change or remove.
type Change struct {
	Action  string        `json:"action" enum:"create,change,remove"`
	Noun    string        `json:"noun" enum:"site,project,model,network,rack,device,machine"`
	Name    string        `json:"name"`
	Fields  []FieldChange `json:"fields,omitempty" nullable:"false"`
	Effects []string      `json:"effects,omitempty" nullable:"false" doc:"What it will cause, in plain words"`
	Risks   []string      `json:"risks,omitempty" nullable:"false" doc:"What may go wrong with it"`
}

// FieldChange is one value before and after.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}

// Warning is a rule that the plan breaks and that a waiver lets pass.
type Warning struct {
	Rule    string `json:"rule" doc:"Stable name, e.g. psus-on-one-feed"`
	On      string `json:"on" doc:"Machine, device or rack"`
	Message string `json:"message"`
	Waived  string `json:"waived,omitempty" doc:"Reason of the waiver"`
}

// Diff is what applying a plan would do. Hash names exactly this set of changes and
// warnings: apply with another hash is a Conflict, because the inventory changed meanwhile.
type Diff struct {
	Changes   []Change  `json:"changes" nullable:"false"`
	Warnings  []Warning `json:"warnings,omitempty" nullable:"false"`
	Unplanned []string  `json:"unplanned,omitempty" nullable:"false" doc:"What stands in the plan's racks and the plan does not name; left alone"`
	Hash      string    `json:"hash"`
}

// Against compares the plan with the inventory: it gives what waits for a model of the
// inventory its defaults, carries identities and state of what exists over into the wanted
// nouns, and reports every clash at once. The inventory may be a part of the whole: the
// nouns that the plan names, all that stands in its racks or holds what the plan claims,
// and what cables lead to.
func (w *Wanted) Against(have inventory.Inventory) (*Diff, error) {
	c := comparer{w: w, have: have, diff: &Diff{Changes: []Change{}}, device: map[string]bool{}, machine: map[string]bool{}}
	c.index()
	c.shapes()
	removed := c.rest()
	c.cables()
	c.site()
	c.projects()
	c.models()
	c.networks()
	c.racks()
	c.devices()
	c.machines()
	c.diff.Changes = append(c.diff.Changes, removed...)
	c.holdings()
	racks := c.after.byRack()
	c.loads(racks)
	if len(c.bad) > 0 {
		return nil, &fault.Error{Kind: fault.Conflict, Message: fmt.Sprintf("the plan clashes with the inventory (%d)", len(c.bad)),
			Fields: c.bad, Hint: "correct the plan, or first change what stands against it; nothing was changed"}
	}
	for i := range w.Racks {
		if b := racks[w.Racks[i].Name]; b != nil {
			c.diff.Warnings = append(c.diff.Warnings, c.after.warnings(&w.Racks[i], b.things)...)
		}
	}
	return c.diff, c.sign()
}

// sign gives the diff its hash.
func (c *comparer) sign() error {
	sum, err := json.Marshal([]any{c.diff.Changes, c.diff.Warnings})
	if err != nil {
		return fault.Internalf("encode diff: %w", err)
	}
	digest := sha256.Sum256(sum)
	c.diff.Hash = hex.EncodeToString(digest[:8])
	return nil
}

// comparer walks the wanted nouns beside the existing ones.
type comparer struct {
	w       *Wanted
	have    inventory.Inventory
	after   *state
	racked  map[string]*inventory.Rack // racks of the plan
	device  map[string]bool            // names of the plan's devices
	machine map[string]bool            // and of its machines
	diff    *Diff
	bad     []fault.Field
}

func (c *comparer) fail(path, format string, args ...any) {
	if len(c.bad) == maxFaults {
		return
	}
	c.bad = append(c.bad, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *comparer) index() {
	c.after, c.racked = after(c.w, &c.have), map[string]*inventory.Rack{}
	for i := range c.w.Racks {
		c.racked[c.w.Racks[i].Name] = &c.w.Racks[i]
	}
	for i := range c.w.Devices {
		c.device[c.w.Devices[i].Name] = true
	}
	for i := range c.w.Machines {
		c.machine[c.w.Machines[i].Name] = true
	}
}

// shapes gives what waited for it the defaults of the inventory's models and the place of
// its chassis.
func (c *comparer) shapes() {
	for i := range c.w.Devices {
		d := &c.w.Devices[i]
		if slot, waits := c.w.unshaped[d.Name]; waits {
			*d.Slot = slot
			c.misfits("device "+d.Name, shapeDevice(d, c.after.models[d.Model]))
		}
	}
	for i := range c.w.Machines {
		m := &c.w.Machines[i]
		slot, waits := c.w.unshaped[m.Name]
		if !waits {
			continue
		}
		*m.Slot = slot
		c.misfits("machine "+m.Name, shapeMachine(m, c.after.models[m.Model]))
		if chassis := c.after.owners.devices[m.Slot.Chassis]; chassis != nil {
			c.misfits("machine "+m.Name, seatIn(m, chassis))
		} else if m.Slot.Chassis != "" {
			c.fail("machine "+m.Name, "there is no chassis %q", m.Slot.Chassis)
		}
	}
	c.w.unshaped = nil
}

func (c *comparer) misfits(path string, bad []misfit) {
	for _, b := range bad {
		c.fail(path, "%s", b.says)
	}
}

// note records a change of a noun unless nothing differs.
func (c *comparer) note(noun, name string, exists bool, fields []FieldChange, effects, risks []string) {
	if exists && len(fields) == 0 {
		return
	}
	action := "create"
	if exists {
		action = "change"
	}
	c.diff.Changes = append(c.diff.Changes, Change{Action: action, Noun: noun, Name: name, Fields: fields, Effects: effects, Risks: risks})
}

func (c *comparer) site() {
	for _, s := range c.have.Sites {
		if s.Name == c.w.Site {
			return
		}
	}
	c.note("site", c.w.Site, false, nil, nil, nil)
}
