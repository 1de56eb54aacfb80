package network

import (
	"fmt"
	"strings"
)

// maxName is how long the name of an interface may be in Linux.
const maxName = 15

// name is what a port is called in the system: as in the plan, where that is a name for
// an interface.
func (w *wiring) name(planned string, i int) string {
	if planned == "" || len(planned) > maxName || strings.Trim(planned, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != "" ||
		planned == "lo" || planned[0] == '.' || planned[0] == '-' || w.taken[planned] {
		planned = w.free(fmt.Sprintf("nic%d", i+1))
	}
	w.taken[planned] = true
	return planned
}

// free is the name, or one like it that nobody has.
func (w *wiring) free(name string) string {
	for i, want := 0, name; ; i++ {
		if !w.taken[name] {
			return name
		}
		name = fmt.Sprintf("%sx%d", want, i)
	}
}
