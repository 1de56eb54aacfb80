// Package probe asks a BMC everything, changes nothing, and reports what it can do and
// which of its answers contradict each other. It speaks no protocol: what the protocol's
// resources say beside each other comes from the driver, as Evidence.
package probe

import (
	"cmp"
	"context"
	"slices"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// Witness is a Controller that tells what its resources say beside each other. What it
// cannot read is left out of the evidence and named in Unread.
type Witness interface {
	Testify(ctx context.Context) (Evidence, error)
}

// Report is what came of it.
type Report struct {
	Address        string          `json:"address"`
	Vendor         string          `json:"vendor,omitempty"`
	Model          string          `json:"model,omitempty"`
	Manager        string          `json:"manager,omitempty"`
	Firmware       string          `json:"firmware,omitempty"`
	BIOS           string          `json:"bios,omitempty"`
	Serial         string          `json:"serial,omitempty"`
	UUID           string          `json:"uuid,omitempty"`
	Redfish        string          `json:"redfish_version,omitempty"`
	Power          inventory.Power `json:"power,omitempty"`
	Certificate    *Certificate    `json:"certificate,omitempty"`
	ClockOff       *time.Duration  `json:"clock_off_ns,omitempty"`
	Sessions       int             `json:"sessions,omitempty"`
	Quirks         []Quirk         `json:"quirks"`
	Abilities      []Ability       `json:"abilities"`
	Contradictions []Contradiction `json:"contradictions"`
	Unread         []string        `json:"unread,omitempty"`
	Took           time.Duration   `json:"took_ns"`
}

// Ability is one thing a BMC can do or not.
type Ability struct {
	Name  string        `json:"name"`
	State string        `json:"state" enum:"yes,no,denied,broken"`
	Says  string        `json:"says,omitempty"`
	Took  time.Duration `json:"took_ns"`
}

// The states of an ability.
const (
	Can    = "yes"
	Cannot = "no"     // the BMC has no such thing
	Denied = "denied" // not to this user
	Broken = "broken" // it should, and answered badly
)

// Contradiction is a rule that its answers break.
type Contradiction struct {
	Rule string `json:"rule"`
	Says string `json:"says"`
}

// Usable reports whether a machine can be managed through it: its power can be read.
func (r Report) Usable() bool {
	return slices.ContainsFunc(r.Abilities, func(a Ability) bool { return a.Name == "power" && a.State == Can })
}

// Asked is everything a BMC answered. A nil part was not answered.
type Asked struct {
	Now       time.Time
	Evidence  Evidence
	Power     inventory.Power
	Facts     *inventory.Facts
	Readings  *bmc.Readings
	Media     []bmc.Medium
	Clock     *bmc.Clock
	Parts     []bmc.Component
	Order     []bmc.BootOption
	Next      *bmc.Boot
	Protocols []bmc.Protocol
}

// maxLog is how many lines of the log are asked for.
const maxLog = 5

// Ask asks c everything. Only a driver that cannot be asked at all, and the end of ctx, are
// errors; now is our clock.
func Ask(ctx context.Context, c bmc.Controller, address string, now func() time.Time) (Report, error) {
	start := now()
	r := Report{Address: address, Quirks: []Quirk{}, Abilities: []Ability{}, Contradictions: []Contradiction{}}
	a := Asked{Now: start}
	q := questioner{ctx: ctx, now: now, report: &r}
	if w, ok := c.(Witness); ok {
		var err error
		if a.Evidence, err = w.Testify(ctx); err != nil {
			return r, err
		}
	}
	q.all(c, &a)
	if err := ctx.Err(); err != nil {
		return r, fault.Unreachablef("probing BMC %s came to no end: %w", address, err).WithHint("give it more time with --timeout")
	}
	r.fill(c, a)
	for _, rule := range Rules() {
		for _, says := range rule.Broken(a) {
			r.Contradictions = append(r.Contradictions, Contradiction{Rule: rule.Name, Says: says})
		}
	}
	r.Took = now().Sub(start)
	return r, nil
}

// fill puts in what the evidence and the answers tell of the BMC.
func (r *Report) fill(c bmc.Controller, a Asked) {
	e := a.Evidence
	r.Vendor, r.Model, r.Manager, r.Firmware, r.Redfish = e.Vendor, e.Model, e.Manager, e.Firmware, e.RedfishVersion
	r.Serial, r.UUID, r.BIOS = e.System.Serial, e.System.UUID, e.System.BIOS
	if a.Facts != nil {
		r.Vendor, r.Model = cmp.Or(r.Vendor, a.Facts.System.Vendor), cmp.Or(r.Model, a.Facts.System.Product)
		r.Serial, r.UUID, r.BIOS = cmp.Or(r.Serial, a.Facts.System.Serial), cmp.Or(r.UUID, a.Facts.System.UUID), cmp.Or(r.BIOS, a.Facts.System.BIOSVersion)
	}
	r.Power, r.Sessions, r.Unread = a.Power, e.Sessions, e.Unread
	r.Quirks = append(r.Quirks, e.Quirks...)
	if a.Clock != nil {
		r.ClockOff = &a.Clock.Off
	}
	if shown := c.Certificate(); shown != "" {
		r.Certificate = &Certificate{SHA256: shown}
		if e.Certificate != nil {
			*r.Certificate = *e.Certificate
			r.Certificate.SHA256 = shown
		}
	}
}
