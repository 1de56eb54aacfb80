package deploy_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/inventory"
)

var update = flag.Bool("update", false, "write the drawings into docs/operations.md")

const page = "../docs/operations.md"

func TestTheDrawingsInTheDocumentationAreThoseOfTheTables(t *testing.T) {
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	now := string(old)
	for name, drawing := range map[string]string{"phases": inventory.Drawing(), "states": deploy.Drawing()} {
		if now, err = redraw(now, name, drawing); err != nil {
			t.Fatal(err)
		}
	}
	if now == string(old) {
		return
	}
	if !*update {
		t.Fatalf("the drawings in %s are not those of the tables: run go generate ./deploy", page)
	}
	if err := os.WriteFile(page, []byte(now), 0o644); err != nil {
		t.Fatal(err)
	}
}

// redraw puts a drawing between its two markers.
func redraw(text, name, drawing string) (string, error) {
	begin, end := "<!-- drawing: "+name+" -->\n", "<!-- end of drawing -->"
	head, rest, found := strings.Cut(text, begin)
	_, tail, ends := strings.Cut(rest, end)
	if !found || !ends {
		return "", fmt.Errorf("%s has no markers for the drawing of %s", page, name)
	}
	return head + begin + "```mermaid\n" + drawing + "```\n" + end + tail, nil
}
