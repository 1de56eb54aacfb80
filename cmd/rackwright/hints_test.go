package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Hints, messages and pages name commands and flags that there are.
func TestEveryCommandThatIsNamedIsThere(t *testing.T) {
	quoted := regexp.MustCompile(`'rackwright ([^']*)`)
	seen := 0
	for file, text := range literals(t, "../..") {
		for _, s := range text {
			for _, m := range quoted.FindAllStringSubmatch(s, -1) {
				seen++
				if why := notThere(m[1]); why != "" && !strings.HasPrefix(m[1], "COMMAND ") {
					t.Errorf("%s: %q: %s", file, m[0], why)
				}
			}
		}
	}
	if seen < 200 {
		t.Errorf("only %d commands are named", seen)
	}
}

// A command in a hint stands between quotes, so that one sees where it ends.
func TestACommandInAHintIsQuoted(t *testing.T) {
	bare := regexp.MustCompile(`(?:^|[^'])\brackwright ([a-z-]+)`)
	for file, hints := range literals(t, "../..", "WithHint") {
		for _, s := range hints {
			for _, m := range bare.FindAllStringSubmatch(s, -1) {
				if c, _, err := tree().Find([]string{m[1]}); err == nil && c.HasParent() {
					t.Errorf("%s: no quotes round the command in %q", file, s)
				}
			}
		}
	}
}

// What a page shows as typed, and each command's example, are lines that the command takes;
// what a page only mentions is there.
func TestEveryCommandOfAPageOrExampleIsThere(t *testing.T) {
	seen := 0
	for file, page := range pages(t, "../../docs", "../../README.md") {
		seen += len(page.typed) + len(page.named)
		for _, line := range page.typed {
			if why := notTaken(line); why != "" {
				t.Errorf("%s: rackwright %s: %s", file, line, why)
			}
		}
		for _, line := range page.named {
			if why := notThere(line); why != "" {
				t.Errorf("%s: rackwright %s: %s", file, line, why)
			}
		}
	}
	everyCommand(func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			_, line, ok := strings.Cut(line, "rackwright ")
			if why := notTaken(strings.TrimSpace(line)); ok && why != "" {
				t.Errorf("the example of %s: rackwright %s: %s", c.CommandPath(), line, why)
			}
		}
	})
	if seen < 200 {
		t.Errorf("only %d commands are in the pages", seen)
	}
}

// literals are the texts in the Go files below dir, by file; with a method, those in calls of it.
func literals(t *testing.T, dir string, method ...string) map[string][]string {
	out := map[string][]string{}
	files := token.NewFileSet()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		texts := func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					out[path] = append(out[path], s)
				}
			}
			return true
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if len(method) == 0 {
				return texts(n)
			}
			if call, ok := n.(*ast.CallExpr); ok {
				if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == method[0] {
					for _, arg := range call.Args {
						ast.Inspect(arg, texts)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// commandLines are those of a page, without "rackwright": typed stand in blocks of code,
// named between backticks in the text.
type commandLines struct{ typed, named []string }

func pages(t *testing.T, places ...string) map[string]commandLines {
	out := map[string]commandLines{}
	typed, named := regexp.MustCompile(`^\s*(?:[$#] )?(?:sudo )?rackwright ([a-z].*)`), regexp.MustCompile("`rackwright ([a-z][^`]*)`")
	for _, place := range places {
		err := filepath.WalkDir(place, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".md") {
				return err
			}
			text, err := os.ReadFile(path)
			var page commandLines
			code := false
			for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
				if strings.HasPrefix(strings.TrimSpace(line), "```") {
					code = !code
				}
				if m := typed.FindStringSubmatch(line); m != nil && (code || strings.HasPrefix(line, "    ")) {
					page.typed = append(page.typed, m[1])
				}
				for _, m := range named.FindAllStringSubmatch(line, -1) {
					page.named = append(page.named, m[1])
				}
			}
			out[path] = page
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
