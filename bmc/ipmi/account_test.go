package ipmi_test

import (
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/bmc/ipmi/ipmitest"
	"rackwright/fault"
)

func dial(t *testing.T, s *ipmitest.Sim, password string) (bmc.Controller, error) {
	t.Helper()
	a := s.Access
	a.Password = password
	c, err := ipmitest.Dialer().Dial(t.Context(), a)
	if err == nil {
		t.Cleanup(func() { c.Close(t.Context()) })
	}
	return c, err
}

func TestAPasswordIsChangedAndProvenByAFreshLogin(t *testing.T) {
	s := ipmitest.Start(t)
	old := s.Access.Password
	for _, fresh := range []string{"sixteen_bytes_16", "eight_by"} {
		c, err := dial(t, s, old)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetPassword(t.Context(), "admin", fresh); err != nil {
			t.Fatalf("%d bytes: %v", len(fresh), err)
		}
		if _, err := c.Power(t.Context()); err != nil {
			t.Errorf("after %d bytes the hand that set them: %v", len(fresh), err)
		}
		if _, err := dial(t, s, fresh); err != nil {
			t.Errorf("%d bytes do not open it: %v", len(fresh), err)
		}
		if _, err := dial(t, s, old); !bmc.Refused(err) {
			t.Errorf("the old one: %v", err)
		}
		old = fresh
	}
}

func TestAPasswordThatIPMICannotHoldIsRefusedBeforeItIsSent(t *testing.T) {
	s := ipmitest.Start(t)
	c, err := dial(t, s, "right")
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"", "seven_b", strings.Repeat("x", 17)} {
		if err := c.SetPassword(t.Context(), "admin", password); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%d bytes: %v", len(password), err)
		}
	}
	if err := c.SetPassword(t.Context(), "nobody", "a password"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such user: %v", err)
	}
	if _, err := dial(t, s, "right"); err != nil {
		t.Errorf("the password that was left alone: %v", err)
	}
}

func TestUsersAreListedAndOthersDisabled(t *testing.T) {
	s := ipmitest.Start(t)
	c, err := dial(t, s, "right")
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.Accounts(t.Context())
	if err != nil || len(list) != 2 || list[0] != (bmc.Account{ID: "2", Name: "admin", Role: "Administrator", Enabled: true}) || list[1].Name != "guest" {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := c.DisableAccount(t.Context(), "admin"); !fault.Is(err, fault.Conflict) {
		t.Errorf("our own: %v", err)
	}
	if err := c.DisableAccount(t.Context(), "guest"); err != nil {
		t.Fatal(err)
	}
	a := s.Access
	a.Username, a.Password = "guest", "visitor"
	if _, err := ipmitest.Dialer().Dial(t.Context(), a); !bmc.Refused(err) {
		t.Errorf("the disabled one logs in: %v", err)
	}
}
