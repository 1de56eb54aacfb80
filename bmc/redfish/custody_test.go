package redfish

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

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
