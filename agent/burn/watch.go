package burn

import (
	"cmp"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"rackwright/agent/wire"
	"rackwright/inventory"
)

// watch looks at the machine's own counters of errors and at its temperatures, before and
// while it works.
type watch struct {
	root  string
	facts func() inventory.Facts
	found *findings

	mu       sync.Mutex
	before   map[string]int64                // counters by name
	health   map[string]inventory.DiskHealth // by disk
	hottest  map[string]float64              // °C, by kind of sensor
	slowest  float64                         // clock rate seen, in MHz; 0: the kernel tells none
	fastest  float64
	throttle int64
}

func newWatch(root string, facts func() inventory.Facts, found *findings) *watch {
	return &watch{root: root, facts: facts, found: found}
}

// begin looks for the first time. again: the machine restarted in the middle.
func (w *watch) begin(again bool) {
	w.crashes(again)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before, w.health, w.hottest = map[string]int64{}, map[string]inventory.DiskHealth{}, map[string]float64{}
	for _, c := range w.counters() {
		w.before[c.name] = c.value
	}
	for _, d := range w.facts().Disks {
		if d.Health != nil {
			w.health[diskName(d)] = *d.Health
		}
	}
}

// look compares the counters with what they were and takes the temperatures.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.counters() {
		grew := c.value - w.before[c.name]
		switch {
		case grew <= 0:
		case c.grave:
			w.found.wrong(c.name, "%s: %d", c.words, grew)
		default:
			w.found.note(c.name, "%s: %d", c.words, grew)
		}
	}
	w.temperatures()
	for _, name := range matches(w.root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq") {
		if khz, ok := number(w.root, name); ok && khz > 0 {
			mhz := float64(khz) / 1000
			w.slowest, w.fastest = min(cmp.Or(w.slowest, mhz), mhz), max(w.fastest, mhz)
		}
	}
	w.throttle = 0
	for _, c := range w.throttles() {
		w.throttle += max(c.value-w.before[c.name], 0)
	}
}

// end looks at what only changes slowly.
func (w *watch) end() {
	w.look()
	for _, d := range w.facts().Disks {
		w.disk(d)
	}
}

// disk compares what a disk says of itself with what it said before.
func (w *watch) disk(d inventory.Disk) {
	if d.Health == nil {
		return
	}
	name := diskName(d)
	was, known := w.health[name]
	if !known {
		was = *d.Health
	}
	for _, c := range []struct {
		words string
		grew  int64
	}{
		{"uncorrected errors", d.Health.MediaErrors - was.MediaErrors}, {"reallocated sectors", d.Health.Reallocated - was.Reallocated},
		{"sectors that cannot be read", d.Health.Pending - was.Pending},
	} {
		if c.grew > 0 {
			w.found.wrong("smart "+name+c.words, "disk %s: %d more %s than before (SMART)", name, c.grew, c.words)
		}
	}
	if text := d.Health.Warning(); text != "" {
		w.found.wrong("smart "+name, "disk %s: %s (SMART)", name, text)
	}
}

func diskName(d inventory.Disk) string { return cmp.Or(d.Serial, d.WWN, d.Path) }

// temperatures notes the highest, and those above what the part is made for.
func (w *watch) temperatures() {
	for _, name := range matches(w.root, "sys/class/hwmon/hwmon*/temp*_input") {
		milli, ok := number(w.root, name)
		if !ok || milli <= 0 || milli > 200_000 {
			continue
		}
		t := float64(milli) / 1000
		chip := text(w.root, filepath.Dir(name)+"/name")
		w.hottest[chip] = max(w.hottest[chip], t)
		stem := strings.TrimSuffix(name, "_input")
		label := strings.TrimSpace(chip + " " + text(w.root, stem+"_label"))
		if most, ok := number(w.root, stem+"_crit"); ok && most > 0 && milli >= most {
			w.found.wrong("temperature "+name, "%s: %.0f °C, made for at most %.0f °C", cmp.Or(label, stem), t, float64(most)/1000)
		}
	}
	for _, name := range matches(w.root, "sys/class/thermal/thermal_zone*/temp") {
		if milli, ok := number(w.root, name); ok && milli > 0 && milli < 200_000 {
			zone := text(w.root, filepath.Dir(name)+"/type")
			w.hottest[zone] = max(w.hottest[zone], float64(milli)/1000)
		}
	}
}

// crashes reads what the kernel kept of its last crash.
func (w *watch) crashes(again bool) {
	for _, name := range matches(w.root, "sys/fs/pstore/*") {
		line := ""
		for l := range strings.Lines(text(w.root, name)) {
			if low := strings.ToLower(l); strings.Contains(low, "panic") || strings.Contains(low, "hardware error") || strings.Contains(low, "machine check") {
				line = strings.TrimSpace(l)
				break
			}
		}
		say := w.found.note
		if again {
			say = w.found.wrong
		}
		say("pstore", "the kernel kept a record of a crash, %s: %s", filepath.Base(name), cmp.Or(line, "no reason in it"))
	}
}

func (w *watch) figures() []wire.BurnFact {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []wire.BurnFact
	for _, chip := range slices.Sorted(maps.Keys(w.hottest)) {
		test := "cpu"
		if chip == "nvme" || chip == "drivetemp" {
			test = "disk"
		}
		out = append(out, wire.BurnFact{Test: test, Part: chip, Of: chip, Name: "hottest", Value: math.Round(w.hottest[chip]*10) / 10, Unit: "°C", Fold: wire.FoldMost, Better: "less"})
	}
	if w.fastest > 0 {
		out = append(out, wire.BurnFact{Test: "cpu", Name: "clock", Value: math.Round(w.fastest), Unit: "MHz", Fold: wire.FoldMost, Better: "more"})
		out = append(out, wire.BurnFact{Test: "cpu", Name: "lowest_clock", Value: math.Round(w.slowest), Unit: "MHz", Fold: wire.FoldLeast})
	}
	if w.throttle > 0 {
		out = append(out, wire.BurnFact{Test: "cpu", Name: "slowed_by_heat", Value: float64(w.throttle), Unit: "times", Fold: wire.FoldSum})
	}
	return out
}
