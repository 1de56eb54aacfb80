package current

import (
	"fmt"

	"rackwright/boot"
	"rackwright/journal"
)

// tell says in the journal of the machine that decided it that its model's ladder moved.
func (c *Climber) tell(v *boot.View, model string, was, now boot.Rung, t boot.Trial) {
	e := journal.Event{At: c.Now(), Kind: journal.LoaderRung, Machine: t.Machine, Name: v.NameOf(t.Machine), Actor: "server",
		Detail: map[string]any{"model": model, "loader": now.Kind.String(), "was": was.Kind.String(), "worked": now.Worked}}
	if now.Worked {
		e.Summary = fmt.Sprintf("the %s loader worked: it is remembered for model %s", now.Kind, model)
	} else {
		e.Summary = fmt.Sprintf("the %s loader failed again and again: machines of model %s are told of %s now", was.Kind, model, now.Kind)
	}
	c.Journal.Record(e)
	c.Log.Info("boot: another rung of the ladder", "model", model, "loader", now.Kind.String(), "worked", now.Worked)
}
