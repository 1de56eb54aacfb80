package boot

import (
	"fmt"
	"slices"

	"rackwright/inventory"
)

// Rung is which loader the machines of a model are told of when nobody said which: the one
// that worked, or the next to be tried.
type Rung struct {
	Kind   Kind `json:"kind"`
	Worked bool `json:"worked,omitempty"`
}

// Ladder lists the kinds of loader in the order they are tried.
func Ladder() []Kind { return []Kind{BuiltIn, SNP, SignedIPXE, Shim} }

// Rungs are the kinds that firmware of an architecture can be told of, in the order they are tried.
func (a Arch) Rungs(shelf *Loaders) []Kind {
	f := a.firm()
	if f == nil {
		return nil
	}
	return slices.DeleteFunc(Ladder(), func(k Kind) bool {
		name := f.loaders[k]
		return name == "" || k != BuiltIn && (shelf == nil || shelf.Get(name) == nil)
	})
}

// KindOfFile is the kind of loader that a file is a part of.
func KindOfFile(name string) Kind {
	for _, k := range Ladder()[1:] {
		if f := string(k) + "/"; len(name) > len(f) && name[:len(f)] == f {
			return k
		}
	}
	return BuiltIn
}

// Sole reports whether a file is the one loader that there is for its firmware: what becomes of
// it says nothing about others.
func Sole(name string) bool {
	return slices.ContainsFunc(firmware, func(f firm) bool { return len(f.loaders) == 1 && f.loaders[BuiltIn] == name })
}

// RungOf is where the ladder of a model stands.
func (v *View) RungOf(model string) Rung { return v.models.Rungs[model] }

// Told is the kind of loader that firmware of a host is told of, and why.
func (v *View) Told(h *Host, arch Arch, shelf *Loaders) (Kind, string) {
	rungs := arch.Rungs(shelf)
	kind, why := v.LoaderOf(h), ""
	switch rung := v.RungOf(h.Model); {
	case len(rungs) == 0:
		return BuiltIn, fmt.Sprintf("firmware %s is told of no loader", arch)
	case h.Model == "":
		return BuiltIn, "it has no model, so built-in"
	case v.Pinned(h.Model):
		why = fmt.Sprintf("the plan names %s for model %s", kind, h.Model)
	case rung.Worked:
		why = fmt.Sprintf("remembered: %s worked for model %s", kind, h.Model)
	default:
		why = fmt.Sprintf("no loader worked yet for model %s; %s is tried", h.Model, kind)
	}
	at := slices.Index(rungs, kind)
	if at < 0 {
		return BuiltIn, why + fmt.Sprintf("; for firmware %s it is not here, so built-in", arch)
	}
	return kind, why + fmt.Sprintf("; rung %d of %d for firmware %s", at+1, len(rungs), arch)
}

// As is the architecture that a host's firmware is taken for where it named none.
func (h *Host) As(named Arch) Arch {
	switch {
	case named != ArchUnknown:
		return named
	case h.Firmware == inventory.BIOS:
		return ArchBIOS
	}
	return ArchX64
}

// Pinned reports whether the plan says which loader a model's machines are told of.
func (v *View) Pinned(model string) bool { return v.models.Loaders[model] != BuiltIn }

// ModelOf is the model of a machine by id, "" for one that is not in the view.
func (v *View) ModelOf(machine string) string {
	hosts, _ := v.byMachine.Get(machine)
	for _, h := range hosts {
		if h.Model != "" {
			return h.Model
		}
	}
	return ""
}

// NameOf is the name of a machine by id, "" for one that is not in the view.
func (v *View) NameOf(machine string) string {
	if hosts, _ := v.byMachine.Get(machine); len(hosts) > 0 {
		return hosts[0].Name
	}
	return ""
}

// String is what people call the kind.
func (k Kind) String() string {
	if k == BuiltIn {
		return "built-in"
	}
	return string(k)
}

// KindNamed reads a kind as String prints it.
func KindNamed(s string) (Kind, bool) {
	for _, k := range Ladder() {
		if k.String() == s {
			return k, true
		}
	}
	return BuiltIn, false
}
