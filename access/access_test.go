package access_test

import (
	"regexp"
	"strings"
	"testing"

	"rackwright/access"
	"rackwright/fault"
)

func TestEachRoleMayWhatTheTableSays(t *testing.T) {
	for role, may := range map[access.Role]string{access.Viewer: "read", access.Operator: "read change", access.Admin: "read change govern", "": "", "root": ""} {
		for _, a := range []access.Action{access.Read, access.Change, access.Govern, "fly"} {
			err := access.Allow(access.Token{Name: "t1", Role: role}, a)
			if want := strings.Contains(" "+may+" ", " "+string(a)+" "); want != (err == nil) {
				t.Errorf("%q may %s: %v", role, a, err)
			} else if err != nil && (!fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "t1")) {
				t.Errorf("%q may not %s: %v", role, a, err)
			}
		}
	}
}

func TestSecretsAreNeverTheSameAndTheirHashesDoNotShowThem(t *testing.T) {
	form, seen := regexp.MustCompile(`^rw_[a-z2-7]{32}$`), map[string]bool{}
	for range 100 {
		s := access.NewSecret()
		if !form.MatchString(s) || seen[s] {
			t.Fatalf("%q", s)
		}
		seen[s] = true
		if h := access.Hash(s); len(h) != 64 || h != access.Hash(s) || h == access.Hash(s+"x") || strings.Contains(h, s) {
			t.Fatalf("%q hashes to %q", s, h)
		}
	}
}
