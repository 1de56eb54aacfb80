package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"rackwright/access"
)

var writePage = flag.Bool("write-access-page", false, "write the tables of docs/running/access.md")

func TestTheTablesOfTheAccessPageAreTheCodes(t *testing.T) {
	const path = "../docs/running/access.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := between(t, between(t, string(text), "roles", roleTable()), "routes", routeTable(t))
	if want == string(text) {
		return
	}
	if !*writePage {
		t.Fatal("docs/running/access.md has other tables than the code: run go generate ./api")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// between puts a table where the page has its place.
func between(t *testing.T, page, name, table string) string {
	t.Helper()
	head, rest, ok := strings.Cut(page, "<!-- "+name+" -->\n")
	_, tail, also := strings.Cut(rest, "<!-- /"+name+" -->")
	if !ok || !also {
		t.Fatalf("the page has no place for its %s", name)
	}
	return head + "<!-- " + name + " -->\n" + table + "<!-- /" + name + " -->" + tail
}

func roleTable() string {
	var b strings.Builder
	b.WriteString("| right |")
	for _, r := range access.Roles() {
		fmt.Fprintf(&b, " %s |", r)
	}
	b.WriteString(" to |\n|---|" + strings.Repeat("---|", len(access.Roles())+1) + "\n")
	for _, right := range access.Rights() {
		fmt.Fprintf(&b, "| `%s` |", right)
		for _, r := range access.Roles() {
			b.WriteString(map[bool]string{true: " yes |", false: " |"}[r.May(right)])
		}
		fmt.Fprintf(&b, " %s |\n", right.What())
	}
	return b.String()
}

func routeTable(t *testing.T) string {
	text, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| route | right | reach |\n|---|---|---|\n")
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			n := needOf(doc.Paths[path][method].ID)
			right := ""
			if n.Right != "" {
				right = "`" + string(n.Right) + "`"
			}
			fmt.Fprintf(&b, "| %s %s | %s | %s |\n", strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1"), right, n.Reach)
		}
	}
	return b.String()
}
