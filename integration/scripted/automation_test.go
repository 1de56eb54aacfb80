package scripted

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rackwright/images/imagetest"
)

const automationPage = "../../docs/running/automation.md"

var writePage = flag.Bool("write-automation-page", false, "write what was answered into docs/running/automation.md")

// fence is a block of a page: its language and its text.
var fence = regexp.MustCompile("(?m)^```(\\w+)\n((?:.*\n)*?)```$")

// stretch is what a page has typed, and what it says comes of it: from and to are where
// that stands in the page, nowhere when nothing does.
type stretch struct {
	line     int
	typed    string
	answered string
	from, to int
}

// stretches reads a page: sh is typed, text or json behind it is what that prints.
func stretches(page string) (all []stretch) {
	for _, m := range fence.FindAllStringSubmatchIndex(page, -1) {
		switch lang, text := page[m[2]:m[3]], page[m[4]:m[5]]; {
		case lang == "sh":
			all = append(all, stretch{line: 1 + strings.Count(page[:m[0]], "\n"), typed: text})
		case (lang == "text" || lang == "json") && len(all) > 0:
			last := &all[len(all)-1]
			last.answered, last.from, last.to = text, m[4], m[5]
		}
	}
	return all
}

// block is the first block of a page in a language.
func block(t *testing.T, page, lang string) string {
	t.Helper()
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		if m[1] == lang {
			return m[2]
		}
	}
	t.Fatalf("the page has no block of %s", lang)
	return ""
}

// passing is what is another at each run: ids, times, hashes, tags, and the numbers of
// events and audit entries.
var passing = []struct {
	is *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT`), "TIME"},
	{regexp.MustCompile(`\b[0-9a-f]{16,}\b`), "HASH"},
	{regexp.MustCompile(`"\d+\.HASH"`), `"TAG"`},
	{regexp.MustCompile(`("?(?:seq|asks|id|version|bytes|stored_bytes)"?: ?)\d+`), "${1}N"},
	{regexp.MustCompile(`\b[A-Za-z0-9_-]{40,}\b`), "CURSOR"},
	{regexp.MustCompile(`\d+ entries`), "N entries"},
	{regexp.MustCompile(`(?i)(content-length: )\d+`), "${1}N"},
}

// lasting is a text without what passes.
func lasting(text string) string {
	for _, p := range passing {
		text = p.is.ReplaceAllString(text, p.as)
	}
	return strings.TrimRight(text, "\n")
}

func TestTheAutomationPageIsWhatHappens(t *testing.T) {
	for _, need := range []string{"bash", "curl", "jq", "python3"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skipf("%s is missing: scripts/need test", need)
		}
	}
	text, err := os.ReadFile(automationPage)
	ok(t, err)
	page := string(text)
	w := newWorld(t, nil)
	w.serve("a", w.api, w.config("a", "127.0.0.1:8480", "", block(t, page, "toml")))
	w.rack = startRack(t, w.ctx, w.dir, write(t, filepath.Join(w.dir, "rack.yaml"), block(t, page, "yaml")))

	home := filepath.Join(w.dir, "home")
	image, err := os.ReadFile(imagetest.Write(t, imagetest.Bootable()))
	ok(t, err)
	write(t, filepath.Join(home, "debian-12.raw"), string(image))
	all := stretches(page)
	if len(all) < 20 {
		t.Fatalf("only %d stretches were found", len(all))
	}
	w.typed(home, all)
	for i := len(all) - 1; i >= 0; i-- {
		s := all[i]
		got, status := printed(t, home, i)
		if status != 0 {
			t.Errorf("automation.md:%d ended with status %d:\n%s\nprinted\n%s", s.line, status, s.typed, got)
		}
		if lasting(got) != lasting(s.answered) && !*writePage {
			t.Errorf("automation.md:%d\n%s\nprinted\n%s\nand the page says\n%s", s.line, s.typed, got, s.answered)
		}
		if s.to > 0 {
			page = page[:s.from] + strings.TrimRight(got, "\n") + "\n" + page[s.to:]
		}
	}
	if *writePage {
		ok(t, os.WriteFile(automationPage, []byte(page), 0o644))
	}
	if t.Failed() {
		t.Logf("%s\n%s", w.command("machine", "list"), w.servers[0].output())
	}
}

// typed has one shell do all stretches, one after the other, until one fails.
func (w *world) typed(home string, all []stretch) {
	w.t.Helper()
	script := "set -u\n"
	for i, s := range all {
		typed := strings.ReplaceAll(s.typed, "/var/lib/rackwright", filepath.Join(w.dir, "a"))
		write(w.t, filepath.Join(home, fmt.Sprintf(".%d.sh", i)), typed)
		script += fmt.Sprintf(". ./.%[1]d.sh >.%[1]d.out 2>&1; status=$?; echo $status >.%[1]d.status; [ $status = 0 ] || exit 1\n", i)
	}
	cmd := exec.CommandContext(w.ctx, "timeout", "180", "bash", "-c", script)
	cmd.Dir = home
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Errorf("the shell: %v\n%s", err, out)
	}
}

// printed is what a stretch printed, and its exit status; -1: it was not come to.
func printed(t *testing.T, home string, i int) (string, int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(home, fmt.Sprintf(".%d.status", i)))
	if err != nil {
		return "", -1
	}
	status, err := strconv.Atoi(strings.TrimSpace(string(text)))
	ok(t, err)
	out, err := os.ReadFile(filepath.Join(home, fmt.Sprintf(".%d.out", i)))
	ok(t, err)
	return strings.ReplaceAll(string(out), "\r", ""), status
}
