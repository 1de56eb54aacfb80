package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/inventory"
)

// mostNamed bounds the names in a question.
const mostNamed = 8

// yesFlag is what says beforehand that something may be destroyed.
func yesFlag(c *cobra.Command, yes *bool) {
	c.Flags().BoolVarP(yes, "yes", "y", false, "do not ask: it may be destroyed")
}

// sure is asked before anything is destroyed: deed is what is done, as in "erases the disks
// of". On a terminal a person types the name; elsewhere --yes must have been said.
func (w *world) sure(yes bool, deed string, names ...string) error {
	if yes || w.tries || len(names) == 0 {
		return nil
	}
	named := make([]string, 0, mostNamed)
	for _, n := range names[:min(len(names), mostNamed)] {
		named = append(named, oneLine(n))
	}
	list, word := strings.Join(named, ", "), named[0]
	if more := len(names) - len(named); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	if len(names) > 1 {
		word = fmt.Sprint(len(names))
	}
	if !w.asks {
		return fault.Invalidf("this %s %s, and you did not say --yes", deed, list).WithHint("--yes does it; --help says whether there is a --dry-run")
	}
	what := "its name"
	if len(names) > 1 {
		what = "how many they are (" + word + ")"
	}
	fmt.Fprintf(w.err, "This %s %s.\nType %s to go on: ", deed, list, what)
	answer, _ := bufio.NewReader(io.LimitReader(w.in, 1024)).ReadString('\n')
	if strings.TrimSpace(answer) != word {
		return fault.Conflictf("not done: that was not %q", word)
	}
	return nil
}

// sureOfActive asks about those machines that are active. One that is not found is not
// asked about: the server says so.
func (w *world) sureOfActive(ctx context.Context, cl *client.Client, yes bool, deed string, machines []string) error {
	var active []string
	for _, name := range machines {
		if yes {
			break
		}
		m, err := cl.Machine(ctx, name)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return err
		case m.Phase == inventory.Active:
			active = append(active, m.Name)
		}
	}
	return w.sure(yes, deed, active...)
}
