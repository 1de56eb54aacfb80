package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
)

func rescueCommand(w *world) *cobra.Command {
	var keys []string
	var long time.Duration
	var serial, dry bool
	f := following{watch: true}
	var t targets
	c := &cobra.Command{Use: "rescue MACHINE... --ssh-key FILE", Short: "Netboot machines and let a person in by SSH", Args: names(0, -1),
		Long: "Netboot the agent and let the owner of a key log in as root, until the time is over, the operation is cancelled,\n" +
			"or the person types reboot. Then the machine restarts from its disk. Nothing on its disks is changed by this.\n" +
			"The SSH server's key is made anew each time; what is printed here says which it is.\n\n" + choosers,
		Example: "  rackwright rescue r1-u10 --ssh-key ~/.ssh/id_ed25519.pub\n  rackwright rescue r1-u10 --ssh-key key.pub --for 4h --serial\n" +
			"  rackwright rescue --rack r1 --tag stuck --ssh-key key.pub --all-or-none",
		RunE: func(c *cobra.Command, machines []string) error {
			if long < deploy.MinRescue || long > deploy.MaxRescue {
				return usage(c, "--for must be between %s and %s", deploy.MinRescue, deploy.MaxRescue)
			}
			if len(keys) == 0 && !serial {
				return usage(c, "who may log in? give --ssh-key FILE")
			}
			read, err := readOrder("", "", keys)
			if err != nil {
				return err
			}
			order := wire.Rescue{SSHKeys: read.SSHKeys, Seconds: int(long.Seconds()), Serial: serial}
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				if dry {
					would := func(ctx context.Context, m string) (wire.Steps, error) { return cl.PlanRescue(ctx, m, order) }
					return dryRun(c.Context(), w, machines, would, printWould)
				}
				return w.rescue(c.Context(), cl, machines, order, f)
			})
		}}
	c.Flags().StringArrayVar(&keys, "ssh-key", nil, "`file` with public keys that may log in; may be repeated")
	c.Flags().DurationVar(&long, "for", time.Hour, "how `long` the machine stays so")
	c.Flags().BoolVar(&serial, "serial", false, "a shell on the serial console as well, which asks for no key")
	c.Flags().BoolVar(&dry, "dry-run", false, "only show the steps")
	c.Flags().BoolVar(&f.watch, "wait", true, "wait until one can log in")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "stop waiting after this `time` (the work goes on)")
	c.Flags().BoolVar(&f.together, "all-or-none", false, "of several machines, begin on all or on none")
	t.add(c)
	return c
}

// rescue begins to let a person into machines, and waits for one door after the other.
func (w *world) rescue(ctx context.Context, cl *client.Client, machines []string, order wire.Rescue, f following) error {
	start, err := startMany(ctx, cl, "rescue", machines, order, f.together, cl.Rescue)
	if err != nil {
		return err
	}
	begun, refused := w.start(ctx, machines, start)
	if f.watch {
		if f.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, f.timeout)
			defer cancel()
		}
		for i := 0; i < len(begun) && ctx.Err() == nil; i++ {
			begun[i], err = w.awaitDoor(ctx, cl, begun[i], f.timeout)
			refused.add(err)
		}
	}
	if len(begun) == 0 || len(machines) == 1 && refused.first != nil {
		return refused.first
	}
	what := any(begun)
	if len(machines) == 1 {
		what = begun[0]
	}
	if err := w.show(what, func(out io.Writer) {
		for _, o := range begun {
			if len(machines) > 1 && doorOf(o) != nil {
				fmt.Fprintf(out, "%s:\n", oneLine(o.Name))
			}
			printRescue(out, o)
		}
	}); err != nil {
		return err
	}
	return refused.first
}

// awaitDoor follows a rescue until a person can log in. ctx ends after the timeout.
func (w *world) awaitDoor(ctx context.Context, cl *client.Client, o deploy.Operation, timeout time.Duration) (deploy.Operation, error) {
	fmt.Fprintf(w.err, "%s is netbooted, operation %s\n", oneLine(o.Name), o.ID)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	updates, said := make(chan update), ""
	go track(ctx, cl, []deploy.Operation{o}, updates)
	for doorOf(o) == nil {
		if settled(o) {
			return o, verdict([]deploy.Operation{o})
		}
		if s := stage(o); s != said {
			said = s
			fmt.Fprintf(w.err, "  %s\n", oneLine(s))
		}
		select {
		case u := <-updates:
			if u.err != nil {
				return o, u.err
			}
			o = u.op
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return o, fault.Unreachablef("nobody can log in within %s", timeout).WithHint("'rackwright operation show %s' says when", o.ID)
			}
			return o, badly("the work goes on; 'rackwright operation show "+o.ID+"' says how to log in", "interrupted")
		}
	}
	return o, nil
}

// doorOf is how to get into a machine in rescue, nil when nobody can now.
func doorOf(o deploy.Operation) *deploy.Door {
	if s := o.Step(); s != nil && !o.State.Ended() {
		return s.Door
	}
	return nil
}

// printRescue says what to type.
func printRescue(out io.Writer, o deploy.Operation) {
	d := doorOf(o)
	if d == nil {
		fmt.Fprintf(out, "%s: %s begun, operation %s; 'rackwright operation show %s' says how to log in\n", oneLine(o.Name), o.Kind, o.ID, o.ID)
		return
	}
	printDoor(out, *d)
	if s := o.Step(); o.Order.Rescue != nil {
		fmt.Fprintf(out, "It ends at %s, with 'rackwright operation cancel %s', or when you type reboot in it.\n",
			timeText(s.Started.Add(time.Duration(o.Order.Rescue.Seconds)*time.Second)), o.ID)
	}
}

func printDoor(out io.Writer, d deploy.Door) {
	host, port, err := net.SplitHostPort(d.Address)
	if err != nil {
		fmt.Fprintln(out, "There is a shell on the serial console.")
		return
	}
	name := host
	if port != "22" {
		name = "[" + host + "]:" + port
	}
	fmt.Fprintf(out, "Log in:       ssh -p %s root@%s\nknown_hosts:  %s %s\n", port, host, name, oneLine(d.HostKey))
}
