package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// unscripted are the commands that no script runs, and why.
func unscripted() map[string]string {
	return map[string]string{}
}

// Every command is run by a script, or it is said why not.
func TestEveryCommandIsInAScript(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	executed, line := regexp.MustCompile(`(?m)^!? ?exec .*`), regexp.MustCompile(`rackwright (?:--\S+ (?:'[^']*'|\S+) )?([a-z][^$|]*)`)
	ran := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(text), "\n-- ")
		for _, does := range executed.FindAllString(script, -1) {
			for _, m := range line.FindAllStringSubmatch(does, -1) {
				if c, _, err := tree().Find(words(m[1])); err == nil {
					ran[c.CommandPath()] = true
				}
			}
		}
	}
	except := unscripted()
	everyCommand(func(c *cobra.Command) {
		path := strings.TrimPrefix(c.CommandPath(), "rackwright ")
		switch why, known := except[path]; {
		case ran[c.CommandPath()] && known:
			t.Errorf("%s is run by a script, and listed as one that is not: %s", path, why)
		case !ran[c.CommandPath()] && !known && !holdsOthers(c):
			t.Errorf("no script runs %s", path)
		}
	})
}
