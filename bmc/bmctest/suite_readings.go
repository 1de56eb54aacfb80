package bmctest

import (
	"math"
	"slices"
	"testing"

	"rackwright/bmc"
)

func (s suite) readings(t *testing.T) {
	r, err := s.dial(t).Readings(s.context(t))
	s.may(t, Sensors, err)
	if r.At.IsZero() || r.Sensors == nil {
		t.Errorf("readings of %s with sensors %v", r.At, r.Sensors)
	}
	if !slices.Contains([]bmc.Health{"", bmc.OK, bmc.Warning, bmc.Critical}, r.Health) {
		t.Errorf("health %q", r.Health)
	}
	kinds := []string{"temperature", "fan", "power", "voltage", "current", "humidity", "other"}
	for _, x := range r.Sensors {
		if x.Name == "" || !slices.Contains(kinds, x.Kind) || x.Unit == "" && x.Kind != "other" || math.IsNaN(x.Value) || math.IsInf(x.Value, 0) {
			t.Errorf("sensor %+v", x)
		}
	}
	for _, i := range r.Ills {
		if i.Part == "" || i.Health != bmc.Warning && i.Health != bmc.Critical {
			t.Errorf("ill %+v", i)
		}
	}
	if (r.Health == bmc.Warning || r.Health == bmc.Critical) && len(r.Ills) == 0 {
		t.Errorf("the health is %s, and no part is named", r.Health)
	}
	if slices.Contains(s.hooks.With, Sensors) && len(r.Sensors) == 0 {
		t.Error("there are no sensors")
	}
}
