package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEveryCommandIsHelpedWithAnExampleOfItself(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if name := c.Name(); name == "completion" || name == "help" || c.IsAdditionalHelpTopicCommand() {
			return
		}
		if !strings.Contains(c.Example, "rackwright ") {
			t.Errorf("%s has no example", c.CommandPath())
		} else if c.HasParent() && !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("the example of %s is of something else:\n%s", c.CommandPath(), c.Example)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(rootCommand(&world{in: strings.NewReader(""), out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}))
}
