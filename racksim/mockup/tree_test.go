package mockup

import (
	"testing"
)

func TestEveryVendorsTreeIsWholeInItself(t *testing.T) {
	if len(Vendors()) < 10 {
		t.Fatalf("vendors %v", Vendors())
	}
	for _, name := range Vendors() {
		tree, err := Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := tree.Dangling(); len(d) > 0 {
			t.Errorf("%s links what is not there: %v", name, d)
		}
	}
}
