package redfish

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
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
	timing.Boot = 20 * time.Millisecond
	c := open(t, a.mock, &Dialer{Timing: timing})
	want(t, c.DisableAccount(t.Context(), "other"), fault.Conflict, "does not read back")
	want(t, c.CreateAccount(t.Context(), "new", newSecret, "Operator"), fault.Conflict, "does not read back")
}

func TestTimesAreReadAsBMCsWriteThem(t *testing.T) {
	want := time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct{ text, offset string }{
		{"2024-05-01T10:00:00Z", ""}, {"2024-05-01T12:00:00+02:00", "+02:00"}, {"2024-05-01T12:00:00+0200", ""},
		{"2024-05-01T12:00:00", "+02:00"}, {"2024-05-01T10:00:00", ""}, {" 2024-05-01T10:00:00.000Z ", ""},
	} {
		if got, ok := parseTime(c.text, c.offset); !ok || !got.Equal(want) {
			t.Errorf("parseTime(%q, %q) = %v, %t", c.text, c.offset, got, ok)
		}
	}
	for _, bad := range []string{"", "yesterday", "01.05.2024", strings.Repeat("2", 500)} {
		if got, ok := parseTime(bad, ""); ok {
			t.Errorf("parseTime(%.20q) = %v", bad, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("2024-05-01T12:00:00", "+02:00")
	f.Add("2024-05-01T12:00:00+0200", "x")
	f.Fuzz(func(t *testing.T, s, offset string) {
		if got, ok := parseTime(s, offset); !ok && !got.IsZero() {
			t.Errorf("parseTime(%q, %q) = %v and false", s, offset, got)
		}
	})
}

func FuzzHalfHearted(f *testing.F) {
	f.Add(`{"Password@Message.ExtendedInfo": [{"MessageId": "Base.1.0.PropertyValueFormatError", "Severity": "Warning"}]}`)
	f.Add(`{"@Message.ExtendedInfo": [{"MessageId": "a\".Property", "Severity": "x"}, 7]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if err := halfHearted([]byte(body)); err != nil && statusOf(err) != http.StatusBadRequest {
			t.Errorf("halfHearted(%q) = %v", body, err)
		}
		accountOf([]byte(body))
	})
}

func TestHalfHearted(t *testing.T) {
	for body, refused := range map[string]bool{
		``:   false,
		`{}`: false,
		`{"@Message.ExtendedInfo": [{"MessageId": "Base.1.8.Success", "MessageSeverity": "OK"}]}`:                         false,
		`{"@Message.ExtendedInfo": [{"MessageId": "iLO.2.14.ResetRequired", "Severity": "Warning"}]}`:                     false,
		`{"@Message.ExtendedInfo": [{"MessageId": "Base.1.8.PropertyNotUpdated", "Severity": "Warning"}]}`:                true,
		`{"Enabled@Message.ExtendedInfo": [{"MessageId": "Base.1.8.ActionNotSupported", "MessageSeverity": "Critical"}]}`: true,
		`{"Enabled@Message.ExtendedInfo": "odd"}`:                                                                         false,
	} {
		if got := halfHearted([]byte(body)); (got != nil) != refused {
			t.Errorf("halfHearted(%s) = %v", body, got)
		}
	}
}

func TestEveryVendorsNTPIsWrittenAsItReadsBack(t *testing.T) {
	for name, d := range map[string]ntpDialect{"standard": standardNTP(), "Dell": dellNTP(), "HPE": hpeNTP(), "Supermicro": supermicroNTP()} {
		for _, servers := range [][]string{{"192.0.2.1", "ntp.example"}, {"192.0.2.1"}, nil} {
			text, err := json.Marshal(d.write(servers))
			if err != nil {
				t.Fatal(err)
			}
			resource := map[string]json.RawMessage{}
			if err := json.Unmarshal(text, &resource); err != nil {
				t.Fatal(err)
			}
			got := d.read(resource)
			if len(servers) > 0 && (!got.has(servers) || !slices.Equal(got.servers, servers)) || len(servers) == 0 && got.on {
				t.Errorf("%s: %v is written as %s and read as %+v", name, servers, text, got)
			}
		}
	}
}

func TestTheVendorsPlaceOfNTPIsUsedWhereTheStandardHasNone(t *testing.T) {
	for _, c := range []struct {
		vendor  string
		manager object
		at      string
		has     object
	}{
		{"dell", object{"Links": object{"Oem": object{"Dell": object{"DellAttributes": []any{object{"@odata.id": "/redfish/v1/A/System.Embedded.1"}, object{"@odata.id": "/redfish/v1/A/iDRAC.Embedded.1"}}}}}},
			"/redfish/v1/A/iDRAC.Embedded.1", object{"Attributes": object{"NTPConfigGroup.1.NTPEnable": "Disabled"}}},
		{"hpe", object{"Oem": object{"Hpe": object{"Links": object{"DateTimeService": object{"@odata.id": "/redfish/v1/D"}}}}}, "/redfish/v1/D", object{"StaticNTPServers": []any{"", "0.0.0.0"}}},
		{"supermicro-x12", object{"Oem": object{"Supermicro": object{"NTP": object{"@odata.id": "/redfish/v1/N"}}}}, "/redfish/v1/N", object{"NTPEnable": false}},
	} {
		t.Run(c.vendor, func(t *testing.T) {
			a := withAccounts(t, c.vendor)
			a.tree[c.at] = c.has
			conn := open(t, a.mock, &Dialer{Timing: quick()})
			a.with(func() {
				manager := a.tree[strings.TrimSuffix(conn.manager, "/")]
				manager["DateTime"] = time.Now().Format(time.RFC3339)
				for k, v := range c.manager {
					manager[k] = v
				}
				a.judge = func(_ http.ResponseWriter, r *http.Request, in object) bool {
					if attributes, ok := in["Attributes"].(map[string]any); ok {
						for k, v := range attributes {
							a.tree[r.URL.Path]["Attributes"].(object)[k] = v
						}
						delete(in, "Attributes")
					}
					return false
				}
			})
			for range 2 {
				if err := conn.SetClock(t.Context(), []string{"192.0.2.5"}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := conn.Clock(t.Context())
			if err != nil || !got.NTP || !slices.Equal(got.Servers, []string{"192.0.2.5"}) || a.count("PATCH") != 1 || a.count("PATCH "+c.at) != 1 {
				t.Errorf("clock %+v, %v; %d writes, at its place %d", got, err, a.count("PATCH"), a.count("PATCH "+c.at))
			}
		})
	}
}

func TestAConsoleIsReachedByACommandThatIsSafeToPaste(t *testing.T) {
	on := &way{ServiceEnabled: true, Port: 2200}
	for _, c := range []struct {
		console hostConsole
		entry   string // the vendor's
		want    string
	}{
		{hostConsole{SSH: on}, "vsp", "ssh -p 2200 root@bmc.example"},
		{hostConsole{SSH: &way{ServiceEnabled: true, Port: 22}}, "vsp", "ssh root@bmc.example vsp"},
		{hostConsole{SSH: &way{ServiceEnabled: true, ConsoleEntryCommand: "cd /x; $(rm -r)"}}, "vsp", "ssh root@bmc.example 'cd /x; $(rm -r)'"},
		{hostConsole{SSH: &way{}, IPMI: &way{ServiceEnabled: true, Port: 623}}, "", "ipmitool -I lanplus -H bmc.example -U root -a sol activate"},
		{hostConsole{Telnet: &way{ServiceEnabled: true, Port: 24}}, "", "telnet bmc.example 24"},
		{hostConsole{SSH: &way{}}, "", ""},
	} {
		controller := &Controller{access: bmc.Access{Address: "https://bmc.example:8443", Username: "root"}}
		controller.traits.entry = c.entry
		if got := controller.fromHost(c.console); got.Command != c.want || got.On != (c.want != "") {
			t.Errorf("%+v: %+v, want %s", c.console, got, c.want)
		}
	}
	if got := quoted("-oProxyCommand=x'y"); got != `'-oProxyCommand=x'\''y'` {
		t.Errorf("quoted: %s", got)
	}
}

func TestOnlyWhatDiffersIsWrittenOfAPlace(t *testing.T) {
	here := bmc.Place{Site: "dc1", Room: "2", Row: "B", Rack: "r1", Unit: 10}
	for _, c := range []struct {
		to   bmc.Place
		want string
	}{
		{here, "null"}, {bmc.Place{}, "null"}, {bmc.Place{Rack: "r1"}, "null"},
		{bmc.Place{Rack: "r2", Unit: 10}, `{"Location":{"Placement":{"Rack":"r2"}}}`},
		{bmc.Place{Site: "dc2", Unit: 3}, `{"Location":{"Placement":{"RackOffset":3,"RackOffsetUnits":"EIA_310"},"PostalAddress":{"Building":"dc2"}}}`},
	} {
		got, _ := json.Marshal(moved(here, c.to))
		if string(got) != c.want {
			t.Errorf("to %+v: %s, want %s", c.to, got, c.want)
		}
	}
}

func TestADellsServiceIsSwitchedByItsAttributeWhereTheStandardIsRefused(t *testing.T) {
	a := withAccounts(t, "dell")
	const attributes, network = "/redfish/v1/A/iDRAC.Embedded.1", "/redfish/v1/Managers/iDRAC.Embedded.1/NetworkProtocol"
	a.tree[network] = object{"IPMI": object{"ProtocolEnabled": true, "Port": 623.0}}
	a.tree[attributes] = object{"Attributes": object{}}
	manager := a.tree["/redfish/v1/Managers/iDRAC.Embedded.1"]
	manager["NetworkProtocol"] = object{"@odata.id": network}
	manager["Links"] = object{"Oem": object{"Dell": object{"DellAttributes": []any{object{"@odata.id": attributes}}}}}
	a.judge = func(w http.ResponseWriter, r *http.Request, in object) bool {
		if r.URL.Path == network {
			return complain(w, 400, "PropertyNotWritable", "read only")
		}
		if fmt.Sprint(in["Attributes"]) == "map[IPMILan.1.Enable:Disabled]" {
			a.tree[network]["IPMI"] = object{"ProtocolEnabled": false}
		}
		return false
	}
	c := open(t, a.mock, &Dialer{Timing: quick()})
	if err := c.SetProtocol(t.Context(), "ipmi", false); err != nil {
		t.Fatal(err)
	}
	want(t, c.SetProtocol(t.Context(), "kvm", true), fault.Invalid, "has no service kvm")
}

func TestADellsTimeIsSetByItsAction(t *testing.T) {
	a := withAccounts(t, "dell")
	manager := a.tree["/redfish/v1/Managers/iDRAC.Embedded.1"]
	manager["DateTime"], manager["DateTimeLocalOffset"] = "2019-01-01T00:00:00-05:00", "-05:00"
	accounts := a.fault
	a.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Oem/Dell/DellTimeService/Actions/DellTimeService.ManageTime") {
			var in struct {
				GetRequest bool
				TimeData   string
			}
			_ = json.NewDecoder(r.Body).Decode(&in)
			manager["DateTime"] = in.TimeData
			w.WriteHeader(http.StatusOK)
			return true
		}
		return accounts(w, r)
	}
	c := open(t, a.mock, &Dialer{Timing: quick()})
	if err := c.SetClock(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(manager["DateTime"]); !strings.HasSuffix(text, "-05:00") {
		t.Errorf("the time was set to %s, in another zone than the BMC's", text)
	}
	if got, err := c.Clock(t.Context()); err != nil || got.Off.Abs() > time.Minute {
		t.Errorf("clock %+v, %v", got, err)
	}
}

func TestAnILOsTimeIsNotSet(t *testing.T) {
	a := withAccounts(t, "hpe")
	c := open(t, a.mock, &Dialer{Timing: quick()})
	a.with(func() { a.tree[strings.TrimSuffix(c.manager, "/")]["DateTime"] = "2019-01-01T00:00:00Z" })
	want(t, c.SetClock(t.Context(), nil), fault.Invalid, "lets nobody set its time")
}

func TestACallThatWaitsForAnotherEndsWithItsContext(t *testing.T) {
	a := withAccounts(t, "hpe")
	c := open(t, a.mock, &Dialer{Timing: quick()})
	done, err := c.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{"SetPassword": c.SetPassword(ctx, mockUser, newSecret), "SetPlace": c.SetPlace(ctx, bmc.Place{Rack: "r1"}),
		"SetProtocol": c.SetProtocol(ctx, "ipmi", false), "ReplaceCertificate": c.ReplaceCertificate(ctx, nil)} {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("%s = %v, want Conflict", what, err)
		}
	}
}
