package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEveryCommandIsHelpedWithAnExampleOfItself(t *testing.T) {
	everyCommand(func(c *cobra.Command) {
		if !strings.Contains(c.Example, "rackwright ") {
			t.Errorf("%s has no example", c.CommandPath())
		} else if c.HasParent() && !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("the example of %s is of something else:\n%s", c.CommandPath(), c.Example)
		}
	})
}
