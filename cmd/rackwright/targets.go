package main

import (
	"context"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fault"
)

// targets are the machines of a command that are not named one by one.
type targets struct{ q client.MachineQuery }

// add adds the flags that choose machines.
func (t *targets) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.q.Rack, "rack", "", "the machines of this `rack`")
	f.StringVar(&t.q.Model, "model", "", "the machines of this `model`")
	f.StringVar(&t.q.Tag, "tag", "", "the machines with this `tag`")
	f.StringArrayVar(&t.q.Labels, "label", nil, "the machines with this `label`, KEY or KEY=VALUE; may be repeated")
}

// choosers end the help of a command that takes them.
const choosers = "Machines are named, or chosen by --rack, --model, --tag and --label, which must all be met."

// chosen reports whether flags choose machines.
func (t *targets) chosen() bool { return t.q.Rack+t.q.Model+t.q.Tag != "" || len(t.q.Labels) > 0 }

// check refuses a command line that names no machine, or says it twice.
func (t *targets) check(c *cobra.Command, machines []string) error {
	if t.chosen() == (len(machines) > 0) {
		return usage(c, "name machines, or choose them by --rack, --model, --tag and --label")
	}
	return nil
}

// of are the machines that were named, or those that meet all flags: the server is asked
// once who they are, so that what is confirmed is what is done.
func (t *targets) of(ctx context.Context, cl *client.Client, machines []string) ([]string, error) {
	if !t.chosen() {
		return machines, nil
	}
	list, err := cl.Machines(client.InEarnest(ctx), t.q)
	for _, m := range list {
		machines = append(machines, m.Name)
	}
	switch {
	case err != nil:
		return nil, err
	case len(machines) == 0:
		return nil, fault.NotFoundf("no machine meets that").WithHint("'rackwright machine list' shows them")
	case len(machines) > wire.MaxBulk:
		return nil, fault.Invalidf("%d machines meet that, and one request may be about %d", len(machines), wire.MaxBulk).WithHint("choose fewer")
	}
	return machines, nil
}
