package redfish

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
)

const (
	maxIlls     = 32 // parts that are not well; more have one cause
	maxPatients = 64 // members of one kind that are looked at when the BMC says one is ill
)

// wellness is the Status object (Resource.Status); Conditions since 2021.
type wellness struct {
	State, Health, HealthRollup string
	Conditions                  []struct {
		Message, MessageID, Severity string
		OriginOfCondition            link
	}
}

// healthOf maps Redfish's Health and Severity; anything else is not known.
func healthOf(s string) bmc.Health {
	switch s {
	case "OK", "Ok":
		return bmc.OK
	case "Warning":
		return bmc.Warning
	case "Critical", "Fatal":
		return bmc.Critical
	}
	return ""
}

// worse is the graver of two healths; not known is the lightest.
func worse(a, b bmc.Health) bmc.Health {
	order := []bmc.Health{"", bmc.OK, bmc.Warning, bmc.Critical}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

func ill(h bmc.Health) bool { return h == bmc.Warning || h == bmc.Critical }

// worst is of the part and of what is in it.
func (w wellness) worst() bmc.Health { return worse(healthOf(w.Health), healthOf(w.HealthRollup)) }

func (w wellness) present() bool {
	switch schemas.State(w.State) {
	case schemas.AbsentState, schemas.DisabledState, schemas.UnavailableOfflineState:
		return false
	}
	return true
}

// patient is what we use of any part's schema to tell whether it is well.
type patient struct {
	resource
	Status        wellness
	DeviceLocator string
	Location      struct{ PartLocation struct{ ServiceLabel string } }

	Drives []link // of a Storage

	Processors, Memory, Storage, Fans link // of a system or a ThermalSubsystem
	PowerSupplies                     json.RawMessage
	ThermalSubsystem, PowerSubsystem  link // of a chassis
	Links                             struct{ Chassis, ManagedBy []link }
}

// label is what stands on the machine beside the part, else what the BMC calls it.
func (p *patient) label() string {
	return first(p.Location.PartLocation.ServiceLabel, p.DeviceLocator, p.Name, p.ID)
}

// complain adds what a part's status says: its conditions by their origin, else itself.
func (e *examination) complain(part string, w wellness, own bool) {
	for _, cond := range w.Conditions[:min(len(w.Conditions), maxIlls)] {
		name := part
		if cond.OriginOfCondition.URI != "" {
			name = lastOf(cond.OriginOfCondition.URI)
		}
		e.add(name, healthOf(cond.Severity), e.c.said(first(cond.Message, cond.MessageID)))
	}
	health := healthOf(w.Health)
	if own {
		health = w.worst()
	}
	if len(w.Conditions) == 0 || !ill(health) {
		says := ""
		if w.State != "" && w.State != string(schemas.EnabledState) {
			says = tidy(w.State)
		}
		e.add(part, health, says)
	}
}

// add notes an ill part once, with the gravest that is said of it.
func (e *examination) add(part string, health bmc.Health, says string) {
	if !ill(health) || part == "" {
		return
	}
	at := slices.IndexFunc(e.out.Ills, func(i bmc.Ill) bool { return i.Part == part })
	switch {
	case at >= 0:
		e.out.Ills[at].Health = worse(e.out.Ills[at].Health, health)
		e.out.Ills[at].Says = first(e.out.Ills[at].Says, says)
	case len(e.out.Ills) < maxIlls:
		e.out.Ills = append(e.out.Ills, bmc.Ill{Part: part, Health: health, Says: says})
	}
}

// search looks at the parts of a machine that the BMC says is not well, for which. A well
// machine is not searched: that is a hundred requests for nothing.
func (e *examination) search(ctx context.Context, host *patient) error {
	for _, uri := range []string{host.Memory.URI, host.Processors.URI} {
		if err := e.ward(ctx, uri); err != nil {
			return err
		}
	}
	if err := e.storages(ctx, host.Storage.URI); err != nil {
		return err
	}
	for _, l := range host.Links.Chassis[:min(len(host.Links.Chassis), maxChassis)] {
		if err := e.enclosure(ctx, l.URI); err != nil {
			return err
		}
	}
	return nil
}

// ward looks at the members of a collection.
func (e *examination) ward(ctx context.Context, uri string) error {
	all, err := e.patients(ctx, uri)
	for i := range all {
		if all[i].Status.present() {
			e.complain(all[i].label(), all[i].Status, true)
		}
	}
	return err
}

// patients reads a collection; only the end of the call is an error.
func (e *examination) patients(ctx context.Context, uri string) ([]patient, error) {
	if uri == "" {
		return nil, nil
	}
	p, err := e.c.expanded(ctx, uri)
	var all []patient
	if err == nil {
		all, err = resolve[patient](e.c.under(ctx), p, maxPatients)
	}
	return all, e.c.forgive(ctx, "parts", err)
}

// storages looks at the drives of the controllers that are not well.
func (e *examination) storages(ctx context.Context, uri string) error {
	all, err := e.patients(ctx, uri)
	if err != nil {
		return err
	}
	for _, s := range all {
		if !s.Status.present() || !ill(s.Status.worst()) {
			continue
		}
		before := len(e.out.Ills)
		for _, l := range s.Drives[:min(len(s.Drives), maxPatients)] {
			d, err := get[patient](e.c.under(ctx), l.URI)
			if err := e.c.forgive(ctx, "drive", err); err != nil {
				return err
			}
			if d != nil && d.Status.present() {
				e.complain(d.label(), d.Status, true)
			}
		}
		e.complain(s.label(), s.Status, len(e.out.Ills) == before)
	}
	return nil
}

// enclosure looks at the fans and power supplies of a chassis.
func (e *examination) enclosure(ctx context.Context, uri string) error {
	client := e.c.under(ctx)
	box, err := get[patient](client, uri)
	if err != nil {
		return e.c.forgive(ctx, "chassis", err)
	}
	for _, at := range []string{box.ThermalSubsystem.URI, box.PowerSubsystem.URI} {
		if at == "" {
			continue
		}
		sub, err := get[patient](client, at)
		if err != nil {
			if err = e.c.forgive(ctx, "fans and supplies", err); err != nil {
				return err
			}
			continue
		}
		var supplies link
		if len(sub.PowerSupplies) > 0 {
			_ = lenient(json.Unmarshal(sub.PowerSupplies, &supplies))
		}
		for _, members := range []string{sub.Fans.URI, supplies.URI} {
			if err := e.ward(ctx, members); err != nil {
				return err
			}
		}
	}
	return nil
}
