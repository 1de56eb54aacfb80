package deploy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/inventory"
)

// burned is a machine whose disks read so fast.
func burned(name string, rates ...float64) deploy.BurnRecord {
	b := deploy.BurnRecord{Machine: name}
	for i, v := range rates {
		b.Latest.Figures = append(b.Latest.Figures, figure(fmt.Sprintf("%s-%d", name, i), v))
	}
	return b
}

func worse(all map[string][]deploy.BurnCompared) (names []string) {
	for name, list := range all {
		for _, f := range list {
			if f.Worse > 0 {
				names = append(names, fmt.Sprintf("%s %.0f", name, f.Worse))
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestOnlyTheDiskThatIsSlowerThanItsLikeIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		rates [][]float64
		want  string
	}{
		"all alike":               {[][]float64{{180}, {181}, {179}, {180.5}}, ""},
		"one slow":                {[][]float64{{180}, {181}, {92}, {180.5}}, "m2 49"},
		"faster is no fault":      {[][]float64{{180}, {181}, {392}, {180.5}}, ""},
		"too few to say":          {[][]float64{{180}, {92}, {181}}, ""},
		"in one machine":          {[][]float64{{180, 181, 179, 90}}, "m0 50"},
		"they differ much anyway": {[][]float64{{180}, {140}, {220}, {100}, {250}}, ""},
		"a hair below":            {[][]float64{{180}, {180}, {176}, {180}, {180}}, ""},
		"half of them are slow":   {[][]float64{{180}, {181}, {90}, {91}}, "m2 50, m3 49"},
	} {
		var list []deploy.BurnRecord
		for i, rates := range c.rates {
			list = append(list, burned(fmt.Sprintf("m%d", i), rates...))
		}
		if got := strings.Join(worse(deploy.CompareBurns(list)), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestALargeFleetIsComparedToo(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var list []deploy.BurnRecord
	for i := range 400 {
		list = append(list, burned(fmt.Sprintf("m%d", i), 180+rng.NormFloat64()*0.5, 180+rng.NormFloat64()*0.5))
	}
	list[7].Latest.Figures[1].Value = 120
	if got := worse(deploy.CompareBurns(list)); len(got) != 1 || got[0] != "m7 33" {
		t.Errorf("%v", got)
	}
}

func TestAHotMachineIsNamedAndUnlikePartsAreNotCompared(t *testing.T) {
	hot := func(name string, v float64, of string) deploy.BurnRecord {
		return deploy.BurnRecord{Machine: name, Latest: deploy.BurnWork{Figures: []deploy.BurnFigure{{Test: "cpu", Name: "hottest", Of: of, Unit: "°C", Value: v, Better: "less"}}}}
	}
	all := deploy.CompareBurns([]deploy.BurnRecord{hot("a", 60, "x"), hot("b", 61, "x"), hot("c", 59, "x"), hot("d", 88, "x"), hot("e", 95, "y")})
	if got := strings.Join(worse(all), ", "); got != "d 47" {
		t.Error(got)
	}
	m := inventory.Machine{Name: "d", Model: "r1", Batch: "b7"}
	got := deploy.BurnConditions(&m, all["d"])
	if len(got) != 1 || got[0].Type != inventory.WorseThanSiblings || got[0].Subject != "cpu hottest" ||
		!strings.HasPrefix(got[0].Evidence, "88 °C; the median of 3 others (r1, batch b7) is 60 °C: 47 % more") || !strings.Contains(got[0].Hint, "fan") {
		t.Errorf("%+v", got)
	}
}
