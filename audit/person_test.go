package audit_test

import (
	"testing"

	"rackwright/audit"
)

func TestTwoCredentialsOfOnePersonAreOnePerson(t *testing.T) {
	mia := audit.Person{Name: "login:mia", CallerID: "s1", Owner: "mia", Subject: "issuer 7"}
	for name, c := range map[string]struct {
		other audit.Person
		same  bool
	}{
		"the same session":                {audit.Person{Name: "x", CallerID: "s1"}, true},
		"another session of that login":   {audit.Person{Name: "login:mia", CallerID: "s2", Owner: "mia", Subject: "issuer 7"}, true},
		"a login that was renamed":        {audit.Person{Name: "login:mia.b", CallerID: "s2", Owner: "mia.b", Subject: "issuer 7"}, true},
		"a token that is hers":            {audit.Person{Name: "ci", CallerID: "t1", Owner: "Mia"}, true},
		"a token of her name":             {audit.Person{Name: "mia", CallerID: "t2"}, true},
		"another's token":                 {audit.Person{Name: "ci", CallerID: "t1", Owner: "bob"}, false},
		"a token of nobody":               {audit.Person{Name: "ci", CallerID: "t1"}, false},
		"another whom nobody can tell of": {audit.Person{Name: "login:bob", CallerID: "s3", Owner: "bob", Subject: "issuer 8"}, false},
	} {
		if mia.Is(c.other) != c.same || c.other.Is(mia) != c.same {
			t.Errorf("%s: %v", name, !c.same)
		}
	}
}
