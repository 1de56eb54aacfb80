// Package verify compares what was observed of machines with their models and the plan
// and says every difference as a condition with plain words of what hands have to do.
// Cables are solved for a whole rack, so that a swap is named once. It is pure: it
// neither looks at machines nor keeps anything.
package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/inventory"
)

// The types of condition that verification owns.
const (
	WrongModel      = "wrong-model"
	BootModeWrong   = "boot-mode-wrong"
	CPUMissing      = "cpu-missing"
	CPUWrong        = "cpu-wrong"
	DIMMMissing     = "dimm-missing"
	DIMMUnexpected  = "dimm-unexpected"
	DIMMMisplaced   = "dimm-misplaced"
	DIMMWrong       = "dimm-wrong"
	DiskMissing     = "disk-missing"
	DiskWrong       = "disk-wrong"
	NICMissing      = "nic-missing"
	PSUMissing      = "psu-missing"
	PSUWrong        = "psu-wrong"
	PSUInputLost    = "psu-input-lost"
	FirmwareWrong   = "firmware-wrong"
	BIOSAttribute   = "bios-attribute-wrong"
	CablingWrong    = inventory.RuleCabling
	SiblingsDiffers = "differs-from-siblings"
)

// MachineTypes are the types that Machine finds.
func MachineTypes() []string {
	return []string{WrongModel, BootModeWrong, CPUMissing, CPUWrong, DIMMMissing, DIMMUnexpected, DIMMMisplaced, DIMMWrong, DiskMissing, DiskWrong,
		NICMissing, PSUMissing, PSUWrong, PSUInputLost, FirmwareWrong, BIOSAttribute}
}

// Types are all types that verification owns.
func Types() []string { return append(MachineTypes(), CablingWrong, SiblingsDiffers) }

// maxConditions bounds what is said of one machine.
const maxConditions = 128

// Machine compares a machine with its model and its plan. seen are its facts by source;
// of each kind of part the newest source that saw any is believed. What neither model
// nor plan names, and what no source can see, is no difference. model is nil for a
// machine whose model is not declared.
func Machine(m inventory.Machine, model *inventory.Model, seen []inventory.Facts, now time.Time) []inventory.Condition {
	c := comparison{m: &m, seen: newestFirst(seen)}
	if model != nil {
		c.want = model.Build
	}
	if len(m.PSUs) > 0 {
		c.want.PSUs = m.PSUs
	}
	c.product()
	c.bootMode()
	c.cpus()
	c.dimms()
	c.disks()
	c.nics()
	c.psus()
	c.firmware()
	c.bios()
	return waive(&m, c.found, now)
}

// newestFirst sorts facts by when they were observed.
func newestFirst(seen []inventory.Facts) []inventory.Facts {
	seen = slices.Clone(seen)
	slices.SortStableFunc(seen, func(a, b inventory.Facts) int { return b.Observed.Compare(a.Observed) })
	return seen
}

// comparison is one machine beside what is wanted of it.
type comparison struct {
	m     *inventory.Machine
	want  inventory.Build
	seen  []inventory.Facts // newest first
	found []inventory.Condition
}

// source is the newest facts that has returns true for; nil when none does.
func (c *comparison) source(has func(*inventory.Facts) bool) *inventory.Facts {
	for i := range c.seen {
		if has(&c.seen[i]) {
			return &c.seen[i]
		}
	}
	return nil
}

// differs records a difference; expected and observed are in the words of the trade.
func (c *comparison) differs(kind, subject, reason, expected, observed, hint string, by *inventory.Facts) {
	if len(c.found) == maxConditions {
		return
	}
	for _, f := range c.found {
		if f.Type == kind && f.Subject == subject {
			return
		}
	}
	c.found = append(c.found, inventory.Condition{Type: kind, Subject: subject, Reason: reason,
		Evidence: fmt.Sprintf("expected %s, observed %s (%s, %s)", expected, observed, by.Source, by.Observed.UTC().Format(time.DateOnly)),
		Hint:     hint + "; " + place(c.m)})
}

// place says where hands have to go.
func place(m *inventory.Machine) string {
	s := m.Slot
	switch {
	case s == nil:
		return m.Name
	case s.Chassis != "":
		return fmt.Sprintf("%s, rack %s u%d, chassis %s bay %s", m.Name, s.Rack, s.U, s.Chassis, s.Bay)
	}
	return fmt.Sprintf("%s, rack %s u%d", m.Name, s.Rack, s.U)
}

func (c *comparison) product() {
	by := c.source(func(f *inventory.Facts) bool { return f.System.Product != "" || f.System.Vendor != "" })
	if by == nil {
		return
	}
	for _, p := range []struct{ what, want, seen string }{
		{"vendor", c.want.Vendor, by.System.Vendor}, {"product", c.want.Product, by.System.Product},
	} {
		if p.want == "" || p.seen == "" || sameWords(p.want, p.seen) {
			continue
		}
		c.differs(WrongModel, p.what, "differs", p.want, p.seen, "see which machine is in the slot, and correct its model in the plan or move it", by)
	}
}

// sameWords compares names that vendors write now with, now without Inc. and the like:
// one has to hold the other.
func sameWords(a, b string) bool {
	a, b = plainWords(a), plainWords(b)
	return strings.Contains(a, b) || strings.Contains(b, a)
}

var trademarks = strings.NewReplacer("(r)", " ", "(tm)", " ", "®", " ", "™", " ", "_", " ", "-", " ", ",", " ")

// plainWords is a name in lower case without marks, single spaces between words.
func plainWords(s string) string {
	return strings.Join(strings.Fields(trademarks.Replace(strings.ToLower(cut(s)))), " ")
}

func (c *comparison) bootMode() {
	by := c.source(func(f *inventory.Facts) bool { return f.Firmware != "" })
	if by == nil || c.m.Firmware == "" || by.Firmware == c.m.Firmware {
		return
	}
	c.differs(BootModeWrong, "", "differs", string(c.m.Firmware), string(by.Firmware),
		fmt.Sprintf("set the boot mode to %s in the machine's setup, or correct firmware in the plan", c.m.Firmware), by)
}

// number of things in words.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
