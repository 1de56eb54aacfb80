package boot

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/images"
)

// System is what a loader starts itself, without the agent: an installer, or a system that
// runs in memory.
type System struct {
	Name    string   // for the console
	Kernel  string   // name of the kernel's file
	Initrds []string // names of the ramdisks' files, in their order
	Args    string   // kernel arguments, one line
}

// SystemOf are the files of an image that a loader needs: its kernel, and every part
// whose name begins with initrd, by name.
func SystemOf(img *images.Image) System {
	out := System{Name: img.Name, Kernel: images.PartKernel}
	for _, p := range img.Parts {
		if strings.HasPrefix(p.Name, images.PartInitrd) {
			out.Initrds = append(out.Initrds, p.Name)
		}
	}
	slices.Sort(out.Initrds)
	return out
}

// Files are what the loader fetches, in order; the last one done, all is.
func (s System) Files() []string { return append([]string{s.Kernel}, s.Initrds...) }

// SystemScript loads and starts a system: its kernel with its arguments and its ramdisks,
// from a URL of a folder. After fetchTries attempts it says so and restarts the machine,
// which then asks again. Each ramdisk is named to the kernel by initrd=: its EFI stub is
// handed files by name; elsewhere that does nothing.
func SystemScript(h *Host, s System, files string) string {
	var b strings.Builder
	script(&b, "%s: loading %s", h.Name, s.Name)
	b.WriteString("set tries:int32 0\n:load\nimgfree\n")
	line := ""
	for _, name := range s.Initrds {
		line += " initrd=" + name
	}
	fmt.Fprintf(&b, "kernel --name %s %s/%s%s || goto again\n", s.Kernel, files, s.Kernel, line+prefixed(s.Args))
	for _, name := range s.Initrds {
		fmt.Fprintf(&b, "initrd --name %s %s/%s || goto again\n", name, files, name)
	}
	start(&b, s.Name)
	return b.String()
}

// prefixed is a kernel's arguments behind a space. They were checked when they were
// rendered (deploy/answer); what is left cannot end a line.
func prefixed(args string) string {
	words := strings.Fields(args)
	for i, w := range words {
		if w == ";" || w == "||" || w == "&&" || w == "#" || strings.Contains(w, "${") {
			words[i] = plain(w)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, " ")
}
