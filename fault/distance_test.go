package fault_test

import (
	"strings"
	"testing"

	"rackwright/fault"
)

func TestAMistypedNameIsNearTheOneThatWasMeant(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, c := range []struct {
		a, b string
		want int
	}{{"ixgbe", "ixgbe", 0}, {"ixgb", "ixgbe", 1}, {"nmve", "nvme", 1}, {"nmae", "name", 1}, {"nmae", "image", 2}, {"ca", "abc", 3}, {"", "nvme", 4}, {"nvme", "", 4}, {long, "x", 65}} {
		if got := fault.Distance(c.a, c.b); got != c.want {
			t.Errorf("%q and %q differ in %d letters, want %d", c.a, c.b, got, c.want)
		}
	}
}
