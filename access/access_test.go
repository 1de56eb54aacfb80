package access_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackwright/access"
	"rackwright/fault"
)

func TestEachRoleHasTheRightsOfThoseBeforeItAndServiceStandsBeside(t *testing.T) {
	const operator = "read rack power deploy plan destroy bmc image firmware serve audit"
	for role, may := range map[access.Role]string{access.Viewer: "read", access.Technician: "read rack", access.Operator: operator, access.Admin: operator + " govern",
		access.Service: "read serve", "": "", "root": ""} {
		for _, r := range append(access.Rights(), "fly", "") {
			err := access.Allow(access.Caller{Name: "t1", Role: role}, r, access.Everywhere())
			if want := r != "" && slices.Contains(strings.Fields(may), string(r)); want != (err == nil) {
				t.Errorf("%q may %s: %v", role, r, err)
			} else if err != nil && (!fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "t1") || fault.HintOf(err) == "") {
				t.Errorf("%q may not %s: %v", role, r, err)
			}
		}
	}
	for _, r := range access.Rights() {
		if r.What() == "" {
			t.Errorf("nobody knows what %s is for", r)
		}
	}
}

func TestARefusalNamesTheRolesThatCanHelp(t *testing.T) {
	who := access.Caller{Name: "t1", Role: access.Technician}
	if hint := fault.HintOf(access.Allow(who, access.Govern, access.Nowhere())); !strings.Contains(hint, "only role admin may") {
		t.Error(hint)
	}
	if hint := fault.HintOf(access.Allow(who, access.Serve, access.Nowhere())); !strings.Contains(hint, "roles operator, admin and service may") {
		t.Error(hint)
	}
}

func TestWhatIsOutOfScopeIsNotThereAndWhatIsForAllNeedsNone(t *testing.T) {
	who := access.Caller{Name: "t1", Role: access.Operator, Scope: access.Scope{Sites: []string{"s1"}, Racks: []string{"r1", "r2"}}}
	for name, c := range map[string]struct {
		at   access.Place
		want fault.Kind
		ok   bool
	}{
		"in it":             {access.Place{Site: "s1", Rack: "r2", Project: "p"}, 0, true},
		"another rack":      {access.Place{Site: "s1", Rack: "r3"}, fault.NotFound, false},
		"another site":      {access.Place{Site: "s2", Rack: "r1"}, fault.NotFound, false},
		"in no rack":        {access.Place{Site: "s1"}, fault.NotFound, false},
		"all there is":      {access.Everywhere(), fault.Denied, false},
		"nobody's":          {access.Nowhere(), 0, true},
		"a thing of no one": {access.Place{}, fault.NotFound, false},
	} {
		err := access.Allow(who, access.Deploy, c.at)
		if (err == nil) != c.ok || err != nil && fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if err := access.Allow(who, access.Govern, c.at); !fault.Is(err, fault.Denied) {
			t.Errorf("%s, without the right: %v", name, err)
		}
	}
}

func TestAScopeHoldsAPlaceWhenEachOfItsListsDoes(t *testing.T) {
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2)
	rapid.Check(t, func(t *rapid.T) {
		s := access.Scope{Sites: names.Draw(t, "sites"), Racks: names.Draw(t, "racks"), Projects: names.Draw(t, "projects")}
		one := rapid.SampledFrom([]string{"", "a", "b", "c"})
		at := access.Place{Site: one.Draw(t, "site"), Rack: one.Draw(t, "rack"), Project: one.Draw(t, "project")}
		want := true
		for _, l := range []struct {
			list []string
			name string
		}{{s.Sites, at.Site}, {s.Racks, at.Rack}, {s.Projects, at.Project}} {
			want = want && (len(l.list) == 0 || slices.Contains(l.list, l.name))
		}
		if s.Holds(at) != want {
			t.Fatalf("%s holds %+v: %v", s, at, !want)
		}
		if s.Whole() && !want {
			t.Fatal("the whole scope leaves something out")
		}
	})
}

func TestAScopeIsSaidInWords(t *testing.T) {
	for want, s := range map[string]access.Scope{
		"everything":                     {},
		"rack r1":                        {Racks: []string{"r1"}},
		"sites a, b; project p":          {Sites: []string{"a", "b"}, Projects: []string{"p"}},
		"racks 1, 2, 3, 4, 5 and 2 more": {Racks: strings.Fields("1 2 3 4 5 6 7")},
	} {
		if s.String() != want {
			t.Errorf("%q, not %q", s, want)
		}
	}
}

func TestATokenIsGoodUntilItExpiresOrIsRevoked(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for name, c := range map[string]struct {
		token access.Token
		good  bool
	}{
		"for ever": {access.Token{}, true},
		"for long": {access.Token{Expires: now.Add(time.Second)}, true},
		"over":     {access.Token{Expires: now}, false},
		"revoked":  {access.Token{Expires: now.Add(time.Hour), Revoked: now.Add(-time.Hour)}, false},
	} {
		if err := c.token.Good(now); (err == nil) != c.good || err != nil && (!fault.Is(err, fault.Denied) || fault.HintOf(err) == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAGrantNamesEveryBadField(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	if err := (access.Grant{Name: "ci@build-1.example", Role: access.Operator, Scope: access.Scope{Racks: []string{"r1"}}, Expires: now.Add(1)}).Check(now); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", "-x", "a b", "a/b", "é", strings.Repeat("x", 129), "0199a000-0000-7000-8000-000000000001"} {
		err := access.Grant{Name: name, Role: "king", Expires: now, Scope: access.Scope{Sites: []string{""}}}.Check(now)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Invalid || f.Hint == "" {
			t.Fatalf("%q: %v", name, err)
		}
		var paths []string
		for _, field := range f.Fields {
			paths = append(paths, field.Path)
		}
		if got := strings.Join(paths, " "); got != "body.name body.role body.expires_at body.scope.sites" {
			t.Errorf("%q: %s", name, got)
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
