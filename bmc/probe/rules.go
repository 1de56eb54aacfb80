package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/bmc"
	"rackwright/inventory"
)

// Rule is what answers have to agree on. Broken says in words how they do not; none where
// they do, or where too little was answered to know.
type Rule struct {
	Name   string
	Broken func(Asked) []string
}

// Rules is the table.
func Rules() []Rule {
	return []Rule{
		{"power-and-sensors", powerAndSensors},
		{"power-and-chassis", powerAndChassis},
		{"boot-target-in-settings", targetInSettings},
		{"boot-override-allowed", overrideAllowed},
		{"bios-version", biosVersion},
		{"bmc-version", bmcVersion},
		{"junk-identity", junkIdentity},
		{"identity-of-chassis", identityOfChassis},
		{"clock", clock},
		{"certificate-dates", certificateDates},
		{"counts", counts},
		{"etag", etag},
		{"health", health},
		{"media-twice", mediaTwice},
		{"media-inserted", mediaInserted},
		{"events", events},
		{"memory-sum", memorySum},
		{"processors", processors},
		{"port-addresses", portAddresses},
	}
}

// standby is the most a machine that is off draws, in watts: its BMC, fans of the supplies,
// and network cards that wait for a packet.
const standby = 100

func powerAndSensors(a Asked) (out []string) {
	turning, fans := 0, 0
	for _, c := range a.Evidence.Chassis {
		turning, fans = turning+c.FansTurning, fans+c.Fans
		switch {
		case a.Power == inventory.PowerOff && c.WattsTold && c.Watts > standby:
			out = append(out, fmt.Sprintf("the machine is said to be off, and %s draws %.0f W", c.URI, c.Watts))
		case a.Power == inventory.PowerOn && c.WattsTold && c.Watts == 0 && c.Supplies > 0:
			out = append(out, fmt.Sprintf("the machine is said to be on, and %s draws 0 W", c.URI))
		}
	}
	if a.Readings != nil && fans == 0 {
		for _, s := range a.Readings.Sensors {
			if s.Kind == "fan" {
				fans++
				if s.Value > 0 {
					turning++
				}
			}
		}
	}
	switch {
	case a.Power == inventory.PowerOff && turning > 0 && turning == fans:
		out = append(out, fmt.Sprintf("the machine is said to be off, and all %d fans turn", fans))
	case a.Power == inventory.PowerOn && fans > 0 && turning == 0:
		out = append(out, fmt.Sprintf("the machine is said to be on, and none of %d fans turns", fans))
	}
	return out
}

func powerAndChassis(a Asked) (out []string) {
	system := a.Evidence.System.Power
	for _, c := range a.Evidence.Chassis {
		settled := slices.Contains([]string{"On", "Off"}, c.Power) && slices.Contains([]string{"On", "Off"}, system)
		// An enclosure is on while a blade in it is off.
		if settled && c.Power != system && (c.Kind != "Enclosure" || c.Power == "Off") {
			out = append(out, fmt.Sprintf("the system is %s and the chassis it stands in, %s, is %s", system, c.URI, c.Power))
		}
	}
	return out
}

func targetInSettings(a Asked) []string {
	s := a.Evidence.System
	if !s.HasSettings || len(s.SettingsTargets) == 0 {
		return nil
	}
	var missing []string
	for _, t := range s.Targets {
		if t != "None" && !slices.Contains(s.SettingsTargets, t) {
			missing = append(missing, t)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the system allows the boot targets %s, which its Settings resource does not offer", strings.Join(missing, ", "))}
}

func overrideAllowed(a Asked) []string {
	s := a.Evidence.System
	if s.Target == "" || s.Target == "None" || len(s.Targets) == 0 || slices.Contains(s.Targets, s.Target) {
		return nil
	}
	return []string{fmt.Sprintf("the override in force is %s, which is not among those allowed: %s", s.Target, strings.Join(s.Targets, ", "))}
}

func biosVersion(a Asked) []string {
	return versions("the system's BIOS", a.Evidence.System.BIOS, "bios", a.Evidence.Software)
}

func bmcVersion(a Asked) []string {
	return versions("the manager's firmware", a.Evidence.Firmware, "bmc", a.Evidence.Software)
}

// versions compares what a resource says of its firmware with the firmware inventory.
func versions(what, said, component string, all []Software) []string {
	var listed []string
	for _, s := range all {
		if s.Component == component && s.Version != "" {
			listed = append(listed, s.Version)
		}
	}
	if said == "" || len(listed) == 0 || slices.ContainsFunc(listed, func(v string) bool { return sameVersion(v, said) }) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %s, and the firmware inventory lists %s", what, said, strings.Join(listed, ", "))}
}

// sameVersion forgives a prefix or suffix: HPE says "U46 v2.72 (09/29/2022)" here and
// "U46 v2.72" there, Supermicro a date behind it.
func sameVersion(a, b string) bool {
	a, b = strings.ToLower(strings.Join(strings.Fields(a), " ")), strings.ToLower(strings.Join(strings.Fields(b), " "))
	whole := func(long, short string) bool {
		i := strings.Index(long, short)
		if i < 0 || short == "" {
			return false
		}
		rest := long[i+len(short):]
		return (i == 0 || !isDigit(long[i-1]) && long[i-1] != '.') && (rest == "" || !isDigit(rest[0]) && rest[0] != '.')
	}
	if whole(a, b) || whole(b, a) {
		return true
	}
	labelled := strings.Contains(a, " ") || strings.Contains(b, " ")
	return labelled && core(a) != "" && core(a) == core(b)
}

// core is the first word of digits and dots: "iLO 5 v2.72" and "2.72 Sep 04 2022" are one.
func core(version string) string {
	for _, word := range strings.Fields(version) {
		word = strings.Trim(word, "v()")
		if strings.Contains(word, ".") && strings.Trim(word, "0123456789.") == "" {
			return word
		}
	}
	return ""
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func junkIdentity(a Asked) (out []string) {
	s := a.Evidence.System
	if !a.Evidence.Told {
		return nil
	}
	if inventory.JunkUUID(s.UUID) {
		out = append(out, fmt.Sprintf("the system's UUID %q identifies nothing", s.UUID))
	}
	if inventory.JunkSerial(s.Serial) {
		out = append(out, fmt.Sprintf("the system's serial number %q identifies nothing", s.Serial))
	}
	return out
}

// identityOfChassis wants one chassis around the system to have its serial number: of a
// machine with forty chassis (a GPU server) only the outermost does.
func identityOfChassis(a Asked) []string {
	s := a.Evidence.System
	var others []string
	for _, c := range a.Evidence.Chassis {
		if c.Kind == "Enclosure" || inventory.JunkSerial(c.Serial) {
			continue
		}
		if same(c.Serial, s.Serial) || same(c.Serial, s.SKU) || same(c.SKU, s.SKU) || same(c.UUID, s.UUID) {
			return nil
		}
		others = append(others, fmt.Sprintf("%q", c.Serial))
	}
	if len(others) == 0 || inventory.JunkSerial(s.Serial) {
		return nil
	}
	return []string{fmt.Sprintf("the system's serial number is %q, and its chassis says %s", s.Serial, strings.Join(others, ", "))}
}

func same(a, b string) bool { return a != "" && strings.EqualFold(a, b) }

func clock(a Asked) []string {
	switch {
	case a.Clock == nil || a.Clock.Off.Abs() < time.Minute:
		return nil
	case a.Clock.Time.Year() < 2015:
		return []string{fmt.Sprintf("its clock says %s: it was never set, or its battery is empty", a.Clock.Time.Format(time.DateTime))}
	}
	whole := a.Clock.Off.Round(15 * time.Minute)
	if whole != 0 && (a.Clock.Off-whole).Abs() < time.Minute && whole.Abs() <= 14*time.Hour {
		return []string{fmt.Sprintf("its clock is %s off, about a time zone: it gives local time for UTC", a.Clock.Off)}
	}
	return []string{fmt.Sprintf("its clock is %s off%s", a.Clock.Off, map[bool]string{true: ", although it follows NTP"}[a.Clock.NTP])}
}

func certificateDates(a Asked) []string {
	c := a.Evidence.Certificate
	switch {
	case c == nil || c.NotAfter.IsZero():
		return nil
	case a.Now.After(c.NotAfter):
		return []string{"its certificate ended " + c.NotAfter.Format(time.DateOnly)}
	case a.Now.Before(c.NotBefore):
		return []string{"its certificate begins " + c.NotBefore.Format(time.DateOnly) + ", in the future: made with a wrong clock"}
	}
	return nil
}

func counts(a Asked) (out []string) {
	for _, c := range a.Evidence.Counts {
		if c.Says >= 0 && c.Says != c.Listed && (!c.More || c.Says < c.Listed) {
			out = append(out, fmt.Sprintf("%s says it has %d members and lists %d", c.URI, c.Says, c.Listed))
		}
		for _, uri := range c.Twice {
			out = append(out, fmt.Sprintf("%s lists %s twice", c.URI, uri))
		}
	}
	return out
}

func etag(a Asked) (out []string) {
	for _, t := range a.Evidence.Tags {
		switch {
		case t.First != "" && t.First != t.Second && !t.Changed:
			out = append(out, fmt.Sprintf("the ETag of %s changes without a change", t.URI))
		case t.First != "" && t.First == t.Second && t.Changed:
			out = append(out, fmt.Sprintf("the ETag of %s stays although its contents changed", t.URI))
		case t.First == t.Second && t.Conditional == 412:
			out = append(out, fmt.Sprintf("%s does not know its own ETag again (If-None-Match is answered with 412)", t.URI))
		}
		if t.First != "" && t.First == t.Second && !t.Changed && t.Conditional == 200 {
			out = append(out, fmt.Sprintf("%s has an ETag and does not honour it in If-None-Match", t.URI))
		}
	}
	return out
}

func health(a Asked) (out []string) {
	e := a.Evidence
	overall := e.System.RolledUp
	if overall == "" {
		overall = e.System.Health
	}
	if overall == "OK" {
		for _, p := range e.Parts {
			if p.Health == "Critical" {
				out = append(out, fmt.Sprintf("the system's health is OK, and %s is critical", p.Name))
			}
		}
	}
	if a.Readings != nil && a.Readings.Health == bmc.OK && len(out) == 0 {
		for _, ill := range a.Readings.Ills {
			if ill.Health == bmc.Critical {
				out = append(out, fmt.Sprintf("the rolled-up health is ok, and %s is critical", ill.Part))
			}
		}
	}
	return out
}

func mediaTwice(a Asked) (out []string) {
	where := map[string]string{}
	for _, d := range a.Evidence.Media {
		if first, seen := where[d.ID]; seen && first != d.List {
			out = append(out, fmt.Sprintf("the virtual drive %s is listed in %s and in %s", d.ID, first, d.List))
		}
		where[d.ID] = d.List
	}
	return out
}

func mediaInserted(a Asked) (out []string) {
	for _, d := range a.Evidence.Media {
		if d.Inserted && d.Image == "" {
			out = append(out, fmt.Sprintf("the virtual drive %s is inserted, with no image", d.ID))
		}
	}
	return out
}

func events(a Asked) []string {
	e := a.Evidence.Events
	switch {
	case e.There && e.Enabled && !e.Subscriptions:
		return []string{"the event service is enabled and has no link to subscriptions"}
	case e.There && !e.Enabled && e.Stream != "":
		return []string{"the event service is off and offers a stream of events"}
	}
	return nil
}

func memorySum(a Asked) []string {
	if a.Facts == nil || len(a.Facts.DIMMs) == 0 || a.Evidence.System.MemoryGiB <= 0 {
		return nil
	}
	sum := 0.0
	for _, d := range a.Facts.DIMMs {
		sum += float64(d.SizeMiB) / 1024
	}
	// A summary in GB of ten to the ninth is 7 percent off, and is no contradiction.
	if said := a.Evidence.System.MemoryGiB; sum < said*0.9 || sum > said*1.1 {
		return []string{fmt.Sprintf("the system has %.0f GiB of memory, and its modules make %.0f GiB", said, sum)}
	}
	return nil
}

func processors(a Asked) []string {
	if a.Facts == nil || len(a.Facts.CPUs) == 0 || a.Evidence.System.Processors <= 0 || a.Evidence.System.Processors == len(a.Facts.CPUs) {
		return nil
	}
	return []string{fmt.Sprintf("the system has %d processors, and lists %d", a.Evidence.System.Processors, len(a.Facts.CPUs))}
}

func portAddresses(a Asked) (out []string) {
	if a.Facts == nil {
		return nil
	}
	for _, own := range a.Facts.BMCs {
		for _, nic := range a.Facts.NICs {
			if nic.MAC == own {
				out = append(out, fmt.Sprintf("port %s of the machine and the BMC have one address, %s", nic.Name, own))
			}
		}
	}
	return out
}
