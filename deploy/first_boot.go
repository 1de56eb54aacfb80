package deploy

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/line"
)

// FirstBoot is how far the first boot of a deployed system is, as its cloud-init told.
type FirstBoot struct {
	Stage  string   `json:"stage,omitempty"`  // the last heard of: init-network, or modules-final/config-phone_home
	Doing  bool     `json:"doing,omitempty"`  // it began and has not ended
	Failed []string `json:"failed,omitempty"` // stages and modules that failed, with why
	Warned []string `json:"warned,omitempty"` // those that went on with a warning
	Events int      `json:"events,omitempty"`
}

// BootReport is one event of cloud-init's webhook reporter.
type BootReport struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"event_type"` // start, finish
	Result      string `json:"result"`     // of finish: SUCCESS, WARN, FAIL
}

// Bounds of what is kept of a first boot: a system has about twenty modules a stage.
const (
	MaxBootEvents = 2000
	maxBootNames  = 16
	maxBootName   = 80
	maxBootWords  = 200
)

// Take takes a report in. news is what is worth a line of the machine's story, "" for
// most: stages that begin and end, and what failed.
func (b *FirstBoot) Take(r BootReport) (news string) {
	name := line.Of(r.Name, maxBootName)
	if name == "" || b.Events >= MaxBootEvents {
		return ""
	}
	b.Events++
	b.Stage, b.Doing = name, r.Type == "start"
	stage := !strings.Contains(name, "/")
	why := name
	if d := line.Of(r.Description, maxBootWords); d != "" {
		why += " (" + d + ")"
	}
	switch {
	case r.Type == "finish" && r.Result == "FAIL":
		return b.note(&b.Failed, why, "failed")
	case r.Type == "finish" && r.Result == "WARN":
		return b.note(&b.Warned, why, "ended with a warning")
	case stage && r.Type == "start":
		return name + " begins"
	case stage && r.Type == "finish":
		return name + " is done"
	}
	return ""
}

func (b *FirstBoot) note(list *[]string, what, how string) string {
	if slices.Contains(*list, what) || len(*list) >= maxBootNames {
		return ""
	}
	*list = append(*list, what)
	return what + " " + how
}

// String says how far it is, "" when nothing was heard.
func (b FirstBoot) String() string {
	if b.Stage == "" {
		return ""
	}
	out := b.Stage + ": done"
	if b.Doing {
		out = b.Stage + ": running"
	}
	if len(b.Failed) > 0 {
		out += fmt.Sprintf("; failed: %s", strings.Join(b.Failed, ", "))
	}
	return out
}
