package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"rackwright/api/client"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// Bounds of the demo's waits.
const (
	discovery = 60 * time.Second
	patience  = "9m"
)

// wholeRack is a plan nobody has racked: nothing of it is simulated.
const wholeRack = "docs/examples/rack-42u.yaml"

// show is the demo as a user would do it.
type show struct {
	ctx   context.Context
	w     *lab.World
	names []string
}

func (s *show) play() error {
	say("The server, on its embedded database; and the rack, its machines powered off")
	if err := s.w.StartServer(s.ctx); err != nil {
		return err
	}
	if err := s.w.StartRack(s.ctx); err != nil {
		return err
	}
	steps := []struct {
		why  string
		args []string
	}{
		{"A whole rack on paper: 20 machines, two leaf switches, two PDUs on two feeds, every cable", []string{"apply", "-f", wholeRack, "--yes"}},
		{"What it weighs, what each feed carries when the other is lost", []string{"rack", "show", "r42"}},
		{"An image to install", []string{"image", "add", "debian", s.w.Image()}},
		{"The plan of the simulated rack: what would it change?", []string{"plan", "-f", s.w.PlanDir()}},
		{"Apply it", []string{"apply", "-f", s.w.PlanDir(), "--yes"}},
	}
	for _, step := range steps {
		say("%s", step.why)
		if err := s.command(step.args...); err != nil {
			return err
		}
	}
	if err := s.discovered(); err != nil {
		return err
	}
	say("Deploy both")
	if err := s.command(append([]string{"deploy", "--image", "debian", "--watch", "--timeout", patience}, s.names...)...); err != nil {
		return err
	}
	return s.active()
}

// command runs the rackwright command as typed.
func (s *show) command(args ...string) error {
	fmt.Println("$ rackwright " + join(args))
	c := s.w.Command(s.ctx, args...)
	c.Stdout, c.Stderr, c.Stdin = os.Stdout, os.Stderr, nil
	return c.Run()
}

// discovered waits until two identifiers of each machine agree.
func (s *show) discovered() error {
	say("Two identifiers of each machine must agree before it counts as discovered")
	return lab.Until(s.ctx, discovery, "discovery of "+join(s.names), func() (bool, error) {
		machines, err := s.w.Client.Machines(s.ctx, client.MachineQuery{})
		if err != nil {
			return false, err
		}
		found := 0
		for _, m := range machines {
			if m.Phase == inventory.Discovered || m.Phase == inventory.Verified {
				found++
			}
		}
		if found < len(s.names) {
			return false, nil
		}
		return true, s.command("machine", "list", "--rack", "r1")
	})
}

// active sees that the machines run what was deployed, from their own disks.
func (s *show) active() error {
	say("The end")
	for _, look := range [][]string{{"machine", "list", "--rack", "r1"}, {"rack", "cabling", "r1"}, {"rack", "tasks", "r1"}} {
		if err := s.command(look...); err != nil {
			return err
		}
	}
	for _, name := range s.names {
		m, err := s.w.Client.Machine(s.ctx, name)
		if err != nil {
			return err
		}
		if m.Phase != inventory.Active {
			return fmt.Errorf("%s is %s, not active", name, m.Phase)
		}
		if err := s.command("machine", "why", name); err != nil {
			return err
		}
	}
	return nil
}

// stageTable prints how long each step of each deployment took.
func (s *show) stageTable() {
	say("How long each stage took")
	ops, err := s.w.Client.Operations(s.ctx, client.OperationQuery{Kinds: []string{"deploy"}})
	if err != nil || len(ops) == 0 {
		return
	}
	fmt.Printf("%-22s", "")
	for _, o := range ops {
		fmt.Printf("%12s", o.Name)
	}
	fmt.Println()
	for i, step := range ops[0].Steps {
		fmt.Printf("%-22s", step.Title)
		for _, o := range ops {
			if i < len(o.Steps) {
				fmt.Printf("%10.1f s", o.Steps[i].Ended.Sub(o.Steps[i].Started).Seconds())
			}
		}
		fmt.Println()
	}
	fmt.Printf("%-22s", "in all")
	for _, o := range ops {
		fmt.Printf("%10.1f s", o.Finished.Sub(o.Created).Seconds())
	}
	fmt.Println()
}

// diagnose prints what a person would look at next.
func (s *show) diagnose() {
	if s.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, name := range s.names {
		fmt.Fprintf(os.Stderr, "\n--- %s\n", name)
		if s.w.Client != nil {
			if why, err := s.w.Client.Why(ctx, name); err == nil {
				fmt.Fprintln(os.Stderr, why)
			}
			if events, err := s.w.Client.Timeline(ctx, name, 200); err == nil {
				for _, e := range events[max(0, len(events)-12):] {
					fmt.Fprintf(os.Stderr, "%s %-16s %s\n", e.At.Format("15:04:05.000"), e.Kind, e.Summary)
				}
			}
		}
		fmt.Fprintf(os.Stderr, "--- end of its console\n%s\n", lab.Tail(s.w.ConsoleLog(name), 8))
	}
	fmt.Fprintf(os.Stderr, "--- end of the server's log\n%s\n", lab.Tail(s.w.ServerLog(), 8))
}
