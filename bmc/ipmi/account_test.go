package ipmi_test

import (
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
)

func (s *sim) dial(t *testing.T, password string) (bmc.Controller, error) {
	t.Helper()
	a := s.access
	a.Password = password
	c, err := quick().Dial(t.Context(), a)
	if err == nil {
		t.Cleanup(func() { c.Close(t.Context()) })
	}
	return c, err
}

func TestAPasswordIsChangedAndProvenByAFreshLogin(t *testing.T) {
	s := startSim(t)
	old := s.access.Password
	for _, fresh := range []string{"sixteen_bytes_16", "short"} {
		c, err := s.dial(t, old)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetPassword(t.Context(), "admin", fresh); err != nil {
			t.Fatalf("%d bytes: %v", len(fresh), err)
		}
		if _, err := c.Power(t.Context()); err != nil {
			t.Errorf("after %d bytes the hand that set them: %v", len(fresh), err)
		}
		if _, err := s.dial(t, fresh); err != nil {
			t.Errorf("%d bytes do not open it: %v", len(fresh), err)
		}
		if _, err := s.dial(t, old); !bmc.Refused(err) {
			t.Errorf("the old one: %v", err)
		}
		old = fresh
	}
}

func TestAPasswordThatIPMICannotHoldIsRefusedBeforeItIsSent(t *testing.T) {
	s := startSim(t)
	c, err := s.dial(t, "right")
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"", strings.Repeat("x", 17)} {
		if err := c.SetPassword(t.Context(), "admin", password); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%d bytes: %v", len(password), err)
		}
	}
	if err := c.SetPassword(t.Context(), "nobody", "a password"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such user: %v", err)
	}
	if _, err := s.dial(t, "right"); err != nil {
		t.Errorf("the password that was left alone: %v", err)
	}
}

func TestUsersAreListedAndOthersDisabled(t *testing.T) {
	s := startSim(t)
	c, err := s.dial(t, "right")
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
	a := s.access
	a.Username, a.Password = "guest", "visitor"
	if _, err := quick().Dial(t.Context(), a); !bmc.Refused(err) {
		t.Errorf("the disabled one logs in: %v", err)
	}
}
