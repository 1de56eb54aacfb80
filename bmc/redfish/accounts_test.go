package redfish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
)

const (
	serviceAt  = "/redfish/v1/AccountService"
	accountsAt = serviceAt + "/Accounts"
	newSecret  = "quite-new-4711"
)

// accountant is a mock with an account service: fixed slots, or members that are posted.
type accountant struct {
	*mock
	writes []object // bodies of PATCH and POST, in order
	judge  func(w http.ResponseWriter, r *http.Request, in object) bool
}

func withAccounts(t *testing.T, name string, all ...object) *accountant {
	m := newMock(t, name)
	a := &accountant{mock: m}
	m.tree["/redfish/v1"]["AccountService"] = object{"@odata.id": serviceAt}
	m.tree[serviceAt] = object{"@odata.id": serviceAt, "Accounts": object{"@odata.id": accountsAt}, "MinPasswordLength": 8.0, "MaxPasswordLength": 20.0}
	m.tree[accountsAt] = object{"@odata.id": accountsAt, "Members": []any{}}
	for i, one := range append([]object{{"UserName": mockUser, "RoleId": "Administrator", "Enabled": true}}, all...) {
		a.add(fmt.Sprint(i+2), one)
	}
	m.fault = a.handle
	return a
}

func (a *accountant) add(id string, one object) {
	uri := accountsAt + "/" + id
	one["@odata.id"], one["Id"] = uri, id
	a.tree[uri] = one
	list := a.tree[accountsAt]
	list["Members"] = append(list["Members"].([]any), object{"@odata.id": uri})
}

func (a *accountant) handle(w http.ResponseWriter, r *http.Request) bool {
	if !a.knows(r) || r.Method != http.MethodPatch && (r.Method != http.MethodPost || r.URL.Path != accountsAt) {
		return false
	}
	text, _ := io.ReadAll(r.Body)
	in := object{}
	_ = json.Unmarshal(text, &in)
	a.writes = append(a.writes, in)
	switch {
	case a.judge != nil && a.judge(w, r, in):
	case r.Method == http.MethodPost:
		a.add("9", in)
		w.WriteHeader(http.StatusCreated)
	default:
		o := a.tree[r.URL.Path]
		for k, v := range in {
			o[k] = v
		}
		w.WriteHeader(http.StatusNoContent)
	}
	return true
}

// complain answers with a message about properties.
func complain(w http.ResponseWriter, status int, id, message string, about ...string) bool {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"error": object{"code": "Base.1.8.GeneralError", "message": "see below",
		"@Message.ExtendedInfo": []object{{"MessageId": "Base.1.8." + id, "Message": message, "MessageArgs": about}}}})
	return true
}

func TestAFreeSlotIsFilledAndNeverTheReservedOne(t *testing.T) {
	a := withAccounts(t, "dell", object{"UserName": "", "Enabled": false})
	a.add("1", object{"UserName": ""})
	list := a.tree[accountsAt]["Members"].([]any)
	slices.Reverse(list) // slot 1 comes first
	c := open(t, a.mock, &Dialer{Timing: quick()})
	if err := c.CreateAccount(t.Context(), "new", newSecret, "Operator"); err != nil {
		t.Fatal(err)
	}
	if a.tree[accountsAt+"/1"]["UserName"] != "" || a.tree[accountsAt+"/3"]["UserName"] != "new" || a.count("POST "+accountsAt) != 0 {
		t.Errorf("slot 1 %v, slot 3 %v", a.tree[accountsAt+"/1"], a.tree[accountsAt+"/3"])
	}
	got, err := c.Accounts(t.Context())
	if err != nil || len(got) != 2 {
		t.Errorf("accounts %+v, %v; the slot without a name is none", got, err)
	}
}

func TestAPostLearnsFromWhatTheBMCMisses(t *testing.T) {
	a := withAccounts(t, "supermicro")
	a.judge = func(w http.ResponseWriter, _ *http.Request, in object) bool {
		switch {
		case in["Enabled"] != nil:
			return complain(w, 400, "PropertyUnknown", "The property Enabled is not in the list of valid properties.", "Enabled")
		case in["AccountTypes"] == nil:
			return complain(w, 400, "CreateFailedMissingReqProperties", "The create operation failed because the required property AccountTypes was missing.", "AccountTypes")
		}
		return false
	}
	c := open(t, a.mock, &Dialer{Timing: quick()})
	if err := c.CreateAccount(t.Context(), "new", newSecret, "Operator"); err != nil {
		t.Fatal(err)
	}
	if len(a.writes) != 3 || a.writes[2]["Enabled"] != nil || a.writes[2]["AccountTypes"] == nil {
		t.Errorf("writes %v", a.writes)
	}
}

func TestANewUserOfAnHPEHasADescriptiveName(t *testing.T) {
	a := withAccounts(t, "hpe")
	c := open(t, a.mock, &Dialer{Timing: quick()})
	if err := c.CreateAccount(t.Context(), "new", newSecret, "Operator"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(a.writes[0]["Oem"]); got != "map[Hpe:map[LoginName:new]]" {
		t.Errorf("Oem %s", got)
	}
}

func TestAFullTableOfAccountsIsAConflict(t *testing.T) {
	a := withAccounts(t, "dell")
	a.judge = func(w http.ResponseWriter, _ *http.Request, _ object) bool {
		return complain(w, 405, "OperationNotAllowed", "no")
	}
	c := open(t, a.mock, &Dialer{Timing: quick()})
	want(t, c.CreateAccount(t.Context(), "new", newSecret, "Operator"), fault.Conflict, "no free account slot")
}

func TestANewUserKeepsThePasswordItWasGiven(t *testing.T) {
	a := withAccounts(t, "lenovo")
	a.judge = func(_ http.ResponseWriter, r *http.Request, in object) bool {
		if r.Method == http.MethodPost {
			in["PasswordChangeRequired"] = true
		}
		return false
	}
	c := open(t, a.mock, &Dialer{Timing: quick()})
	if err := c.CreateAccount(t.Context(), "new", newSecret, "Operator"); err != nil {
		t.Fatal(err)
	}
	if a.tree[accountsAt+"/9"]["PasswordChangeRequired"] != false {
		t.Errorf("account %v", a.tree[accountsAt+"/9"])
	}
}

func TestARefusedPasswordIsInvalidAndNotShown(t *testing.T) {
	for name, judge := range map[string]func(http.ResponseWriter, *http.Request, object) bool{
		"400": func(w http.ResponseWriter, _ *http.Request, in object) bool {
			return complain(w, 400, "PropertyValueFormatError", fmt.Sprintf("The value '%s' for the property Password is too simple.", in["Password"]))
		},
		"409 about the password": func(w http.ResponseWriter, _ *http.Request, in object) bool {
			return complain(w, 409, "InvalidPasswordPolicy", fmt.Sprintf("%s was used before", in["Password"]))
		},
		"200 that took nothing": func(w http.ResponseWriter, _ *http.Request, in object) bool {
			_ = json.NewEncoder(w).Encode(object{"Password@Message.ExtendedInfo": []object{{"MessageId": "Base.1.8.PropertyValueFormatError", "MessageSeverity": "Warning", "Message": fmt.Sprintf("%s is too simple", in["Password"])}}})
			return true
		},
		"cut in the middle": func(w http.ResponseWriter, _ *http.Request, in object) bool {
			return complain(w, 400, "PropertyValueFormatError", strings.Repeat("x", maxText-7)+fmt.Sprint(in["Password"]))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			a := withAccounts(t, "hpe")
			a.judge = judge
			c := open(t, a.mock, &Dialer{Timing: quick(), Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			err := c.SetPassword(t.Context(), mockUser, newSecret)
			want(t, err, fault.Invalid, "does not set the password")
			if said := err.Error() + fault.HintOf(err) + log.String(); strings.Contains(said, newSecret) || strings.Contains(said, newSecret[:7]) {
				t.Errorf("%q shows the new password", said)
			}
			if len(a.writes) != 1 {
				t.Errorf("%d writes", len(a.writes))
			}
			if _, err := c.Power(t.Context()); err != nil {
				t.Errorf("Power after a refused password: %v", err)
			}
		})
	}
}

func TestAPasswordThatDoesNotFitIsNotSent(t *testing.T) {
	a := withAccounts(t, "hpe")
	c := open(t, a.mock, &Dialer{Timing: quick()})
	for _, p := range []string{"", "short", strings.Repeat("long", 6)} {
		err := c.SetPassword(t.Context(), mockUser, p)
		want(t, err, fault.Invalid, "too")
		want(t, c.CreateAccount(t.Context(), "new", p, "Operator"), fault.Invalid, "too")
	}
	if len(a.writes) != 0 {
		t.Errorf("%d writes", len(a.writes))
	}
}

func TestAnUnclearPasswordIsWrittenOnceAndNothingIsTriedWithIt(t *testing.T) {
	a := withAccounts(t, "hpe")
	a.judge = func(w http.ResponseWriter, _ *http.Request, _ object) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	c := open(t, a.mock, &Dialer{Timing: quick()})
	want(t, c.SetPassword(t.Context(), mockUser, newSecret), fault.Unreachable, "may have been taken")
	if len(a.writes) != 1 {
		t.Errorf("%d writes", len(a.writes))
	}
	logins := a.count("POST")
	_, err := c.Power(t.Context())
	want(t, err, fault.Unreachable, "may have changed")
	if a.count("POST") != logins {
		t.Error("it logged in again with a password that may be wrong")
	}
	if err := c.Close(t.Context()); err != nil || a.Sessions() != 0 {
		t.Errorf("Close: %v, %d sessions are left", err, a.Sessions())
	}
}

func TestASessionThatEndsWithTheOldPasswordIsOpenedWithTheNew(t *testing.T) {
	a := withAccounts(t, "hpe")
	a.judge = func(http.ResponseWriter, *http.Request, object) bool { clear(a.tokens); return false }
	c := open(t, a.mock, &Dialer{Timing: quick()})
	if err := c.SetPassword(t.Context(), mockUser, newSecret); err != nil {
		t.Fatal(err)
	}
	a.with(func() {
		a.fault = func(w http.ResponseWriter, r *http.Request) bool {
			var in struct{ UserName, Password string }
			if r.Method != http.MethodPost {
				return false
			}
			if _ = json.NewDecoder(r.Body).Decode(&in); in.Password != newSecret {
				t.Error("it logged in with the old password")
			}
			a.tokens["/x"] = "t"
			w.Header().Set("X-Auth-Token", "t")
			w.WriteHeader(http.StatusCreated)
			return true
		}
	})
	if _, err := c.Power(t.Context()); err != nil {
		t.Error(err)
	}
}

// expiring makes logins end as those of an expired password; own is what the message says.
func expiring(m *mock, status int, own string) {
	m.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		if status == http.StatusCreated {
			m.tokens["/redfish/v1/SessionService/Sessions/x"] = "half"
			w.Header().Set("X-Auth-Token", "half")
			w.Header().Set("Location", "/redfish/v1/SessionService/Sessions/x")
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(object{"@Message.ExtendedInfo": []object{{"MessageId": "Base.1.8.PasswordChangeRequired", "MessageArgs": []string{own}}}})
		return true
	}
}

func TestAnExpiredPasswordLeavesNoSessionBehind(t *testing.T) {
	m := newMock(t, "openbmc")
	expiring(m, http.StatusCreated, "")
	_, err := (&Dialer{Timing: quick()}).Dial(t.Context(), m.access())
	want(t, err, fault.Denied, "changed first")
	if m.Sessions() != 0 {
		t.Errorf("%d sessions are left", m.Sessions())
	}
}

func TestAnExpiredPasswordIsChangedWhereTheBMCSays(t *testing.T) {
	for _, c := range []struct {
		status int
		own    string
		at     string
	}{
		{http.StatusCreated, accountsAt + "/7", accountsAt + "/7"},
		{http.StatusForbidden, accountsAt + "/7", accountsAt + "/7"},
		{http.StatusCreated, "", accountsAt + "/" + mockUser},
		{http.StatusCreated, "https://elsewhere/redfish/v1/x", accountsAt + "/" + mockUser},
	} {
		m := newMock(t, "openbmc")
		expiring(m, c.status, c.own)
		login, patched := m.fault, ""
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPatch && m.knows(r) {
				patched = r.URL.Path
				w.WriteHeader(http.StatusNoContent)
				return true
			}
			if r.Method == http.MethodGet && r.URL.Path != "/redfish/v1/" {
				m.refuse(w, http.StatusForbidden, "Base.1.8.PasswordChangeRequired")
				return true
			}
			return login(w, r)
		}
		a := m.access()
		a.Expired = true
		got, err := (&Dialer{Timing: quick()}).Dial(t.Context(), a)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		for what, err := range map[string]error{"On": got.On(t.Context()), "SetClock": got.SetClock(t.Context(), nil)} {
			if !fault.Is(err, fault.Denied) {
				t.Errorf("%s = %v, want Denied", what, err)
			}
		}
		if err := got.SetPassword(t.Context(), mockUser, newSecret); err != nil || patched != c.at {
			t.Errorf("%+v: SetPassword: %v, written to %s", c, err, patched)
		}
		if err := got.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestAnAccountThatDoesNotReadBackIsAConflict(t *testing.T) {
	a := withAccounts(t, "hpe", object{"UserName": "other", "Enabled": true})
	a.judge = func(w http.ResponseWriter, _ *http.Request, _ object) bool {
		w.WriteHeader(http.StatusNoContent)
		return true
	}
	timing := quick()
	timing.Boot = short
	c := open(t, a.mock, &Dialer{Timing: timing})
	want(t, c.DisableAccount(t.Context(), "other"), fault.Conflict, "does not read back")
	want(t, c.CreateAccount(t.Context(), "new", newSecret, "Operator"), fault.Conflict, "does not read back")
}
