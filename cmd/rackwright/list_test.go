package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// With -update the page is written anew.
var writeList = flag.Bool("update", false, "write the list of commands into docs/running/command.md")

const commandPage = "../../docs/running/command.md"

// The page lists the commands there are, in the words of their help.
func TestTheListOfCommandsInThePageIsTheTree(t *testing.T) {
	text, err := os.ReadFile(commandPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "-update writes this -->\n")
	_, after, ended := strings.Cut(rest, "<!-- end -->")
	if !ok || !ended {
		t.Fatal("the page has no place for the list")
	}
	want := before + "-update writes this -->\n" + commandList() + "<!-- end -->" + after
	if *writeList {
		if err := os.WriteFile(commandPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Error("docs/running/command.md lists other commands: go test ./cmd/rackwright -run TestTheListOfCommands -update")
	}
}

func commandList() string {
	var b strings.Builder
	b.WriteString("| command | what it does |\n|---|---|\n")
	everyCommand(func(c *cobra.Command) {
		if c.HasParent() && !holdsOthers(c) {
			fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(strings.TrimPrefix(c.Parent().CommandPath()+" "+c.Use, "rackwright "), "|", "\\|"), c.Short)
		}
	})
	return b.String()
}
