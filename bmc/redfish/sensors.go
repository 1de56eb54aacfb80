package redfish

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"rackwright/bmc"
)

const (
	maxReadingReads = 600 // requests of one call
	maxSensors      = 500 // kept; an eight-GPU machine has 400
)

// examination is one call of Readings.
type examination struct {
	c    *Controller
	out  *bmc.Readings
	seen map[string]bool // resources that were read: two chassis may share their sensors
}

// Readings reads the sensors of the system's chassis and the health that the BMC rolls
// up. Where it is not ok the parts are searched for the ills. As with Facts, half the
// truth is better than none: a resource that fails is left out.
func (c *Controller) Readings(ctx context.Context) (bmc.Readings, error) {
	ctx = withBudget(ctx, maxReadingReads)
	out := bmc.Readings{At: time.Now().UTC(), Sensors: []bmc.Sensor{}}
	host, err := get[patient](c.under(ctx), c.system)
	if err != nil {
		return out, c.explain("read the system", err)
	}
	e := &examination{c: c, out: &out, seen: map[string]bool{}}
	out.Health = host.Status.worst()
	for _, l := range host.Links.Chassis[:min(len(host.Links.Chassis), maxChassis)] {
		if err := e.chassis(ctx, l.URI); err != nil {
			return out, c.explain("read the sensors", err)
		}
	}
	if ill(out.Health) {
		e.complain("system", host.Status, false)
		if err := e.search(ctx, host); err != nil {
			return out, c.explain("read the health", err)
		}
	}
	if ill(out.Health) && len(out.Ills) == 0 {
		e.add("system", out.Health, "the BMC does not say which part")
	}
	return out, nil
}

// chassis reads one chassis: its Sensors, else Thermal and Power, else the metrics of its
// subsystems. Sensors that are a request each give way to Thermal and Power, which tell
// the same in two.
func (e *examination) chassis(ctx context.Context, uri string) error {
	h, err := get[chassis](e.c.under(ctx), uri)
	if err != nil {
		return e.c.forgive(ctx, "chassis", err)
	}
	e.out.Health = worse(e.out.Health, h.Status.worst())
	e.complain(first("chassis "+h.ID, h.Name), h.Status, false)
	before := len(e.out.Sensors)
	old := h.Thermal.URI != "" || h.Power.URI != ""
	if err := e.sensors(ctx, h.Sensors.URI, old); err != nil || len(e.out.Sensors) > before {
		return err
	}
	if err := e.thermal(ctx, h.Thermal.URI); err != nil {
		return err
	}
	if err := e.power(ctx, h.Power.URI); err != nil || len(e.out.Sensors) > before {
		return err
	}
	return e.metrics(ctx, h)
}

// once reports whether a resource is yet to be read, and notes that it is read.
func (e *examination) once(uri string) bool {
	uri = strings.TrimRight(uri, "/")
	if uri == "" || e.seen[uri] {
		return false
	}
	e.seen[uri] = true
	return true
}

// sensors reads the Sensors collection; with cheapOnly not when each is a request.
func (e *examination) sensors(ctx context.Context, uri string, cheapOnly bool) error {
	if !e.once(uri) {
		return nil
	}
	p, err := e.c.expanded(ctx, uri)
	if err != nil {
		return e.c.forgive(ctx, "sensors", err)
	}
	for pages := 0; ; pages++ {
		if cheapOnly && p.bare() {
			return nil
		}
		all, err := resolve[sensor](e.c.under(ctx), p, maxSensors)
		for i := range all {
			e.take(all[i].sensor())
		}
		if err := e.c.forgive(ctx, "sensors", err); err != nil {
			return err
		}
		next := p.next()
		if next == "" || pages >= maxSensors/10 || len(e.out.Sensors) >= maxSensors {
			return nil
		}
		if p, err = get[collection](e.c.under(ctx), next); err != nil {
			return e.c.forgive(ctx, "sensors", err)
		}
	}
}

// sensor is what we use of the Sensor schema.
type sensor struct {
	resource
	Reading         decimal
	ReadingType     string
	ReadingUnits    string
	PhysicalContext string
	Status          wellness
	Thresholds      struct{ UpperCritical, LowerCritical struct{ Reading decimal } }
	Location        struct{ PartLocation struct{ ServiceLabel string } }
}

func (s *sensor) sensor() (bmc.Sensor, wellness, *float64) {
	kind := kindOf(s.ReadingType, s.ReadingUnits, s.PhysicalContext)
	return bmc.Sensor{Name: first(s.Name, s.ID), Kind: kind, Unit: unitOf(kind, s.ReadingUnits),
		Low: s.Thresholds.LowerCritical.Reading.orZero(), High: s.Thresholds.UpperCritical.Reading.orZero(),
		Location: first(s.Location.PartLocation.ServiceLabel, s.PhysicalContext)}, s.Status, s.Reading.is
}

// take keeps a sensor that is there and reads something, and notes the ill.
func (e *examination) take(s bmc.Sensor, w wellness, reading *float64) {
	if !w.present() || s.Name == "" {
		return
	}
	s.Health = healthOf(w.Health)
	if reading != nil && len(e.out.Sensors) < maxSensors {
		s.Value = *reading
		e.out.Sensors = append(e.out.Sensors, s)
	}
	if ill(s.Health) {
		e.add(s.Name, s.Health, reads(s, reading))
	}
}

// reads is what an ill sensor shows, beside the threshold it passed.
func reads(s bmc.Sensor, reading *float64) string {
	if reading == nil {
		return "reads nothing"
	}
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) + " " + s.Unit }
	switch {
	case s.High != 0 && *reading >= s.High:
		return number(*reading) + ", critical from " + number(s.High)
	case s.Low != 0 && *reading <= s.Low:
		return number(*reading) + ", critical up to " + number(s.Low)
	}
	return number(*reading)
}

// decimal is a number that a BMC may leave out, set to null or write as something else:
// then it is not known, instead of zero.
type decimal struct{ is *float64 }

// UnmarshalJSON keeps numbers.
func (d *decimal) UnmarshalJSON(b []byte) error {
	var f *float64
	if json.Unmarshal(b, &f) == nil {
		d.is = f
	}
	return nil
}

func (d decimal) orZero() float64 {
	if d.is == nil {
		return 0
	}
	return *d.is
}
