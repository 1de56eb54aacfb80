package journal

import (
	"os"
	"regexp"
	"testing"
)

func TestEveryKindOfEventIsKnown(t *testing.T) {
	text, err := os.ReadFile("journal.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\t\w+\s+Kind = "([a-z.]+)"`).FindAllSubmatch(text, -1)
	if len(declared) == 0 || len(declared) != len(Kinds()) {
		t.Errorf("%d kinds are declared and %d known", len(declared), len(Kinds()))
	}
	for _, d := range declared {
		if !Known(string(d[1])) {
			t.Errorf("%s is not known", d[1])
		}
	}
	for word, want := range map[string]bool{"op": true, "machine": true, "rollout": true, "o": false, "op.": false, "op.nonsense": false, "": false} {
		if Known(word) != want {
			t.Errorf("%q: %v", word, !want)
		}
	}
}
