package integration

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fenced  = regexp.MustCompile("(?s)```.*?```")
)

// Every relative link of every page leads to a file, and to a heading where it names one.
func TestLinksInThePagesLeadSomewhere(t *testing.T) {
	seen := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			seen++
			if why := broke(page, m[1]); why != "" {
				t.Errorf("%s: the link to %s: %s", page, m[1], why)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d links were found", seen)
	}
}

func TestABrokenLinkIsNoticed(t *testing.T) {
	for target, want := range map[string]string{
		"nothere.md": "no such file", "docs/architecture.md#no-such-part": "no such heading",
		"docs/architecture.md#2-rooms": "", "docs/": "",
	} {
		if got := broke("../README.md", target); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// The index names every page, so that none is found by luck only.
func TestTheIndexNamesEveryPage(t *testing.T) {
	index, err := os.ReadFile("../docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages(t) {
		rel, err := filepath.Rel("../docs", page)
		if err == nil && !strings.HasPrefix(rel, "..") && rel != "README.md" && !strings.Contains(string(index), "]("+rel+")") {
			t.Errorf("docs/README.md does not name %s", rel)
		}
	}
}

// pages are the project's own Markdown files.
func pages(t *testing.T) (out []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && (strings.HasPrefix(name, ".") || name == "out" || name == "node_modules" || name == "testdata"):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".md"):
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// broke says why a link on a page leads nowhere, "" when it does not.
func broke(page, target string) string {
	file, anchor, _ := strings.Cut(target, "#")
	to := page
	if file != "" {
		to = filepath.Join(filepath.Dir(page), file)
	}
	info, err := os.Stat(to)
	if err != nil {
		return "no such file"
	}
	if anchor == "" || info.IsDir() {
		return ""
	}
	text, err := os.ReadFile(to)
	if err != nil {
		return err.Error()
	}
	for _, h := range heading.FindAllStringSubmatch(string(text), -1) {
		if slug(h[1]) == anchor {
			return ""
		}
	}
	return "no such heading"
}

// slug is a heading as a link names it: lower case, blanks as -, nothing else but letters,
// digits, - and _.
func slug(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ':
			return '-'
		case c == '-' || c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			return c
		}
		return -1
	}, strings.ToLower(s))
}
