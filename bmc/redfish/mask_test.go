package redfish

import (
	"encoding/json"
	"strings"
	"testing"
)

// masked is a resource as it is recorded.
func masked(t *testing.T, named bool, bodies ...string) string {
	t.Helper()
	w := &wire{}
	w.hide("hunter2-of-the-bmc")
	m := newMask(w, named)
	var parsed []map[string]any
	for _, b := range bodies {
		body, err := parseObject([]byte(b))
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, body)
		m.learn("/redfish/v1/x", body)
	}
	m.ready()
	var out []any
	for _, body := range parsed {
		out = append(out, m.object("/redfish/v1/AccountService/Accounts/root", body))
	}
	text, err := encode(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSecretsAreNotRecorded(t *testing.T) {
	for name, body := range map[string]string{
		"password":          `{"Password": "TOPSECRET"}`,
		"our password":      `{"Message": "user set hunter2-of-the-bmc, TOP SECRET was not"}`,
		"attribute":         `{"Attributes": {"SetupPassword": "TOPSECRET", "Users.2.SHA256Password": "TOPSECRET"}}`,
		"token":             `{"Oem": {"X": {"AuthToken": "TOPSECRET"}}}`,
		"licence":           `{"LicenseString": "TOPSECRET", "LicenseKey": "TOPSECRET"}`,
		"SNMP":              `{"SNMP": {"CommunityStrings": ["TOPSECRET"], "AuthenticationKey": "TOPSECRET", "EncryptionKey": "TOPSECRET"}}`,
		"private key":       `{"CertificateString": "-----BEGIN EC PRIVATE KEY-----\nTOPSECRET\n-----END EC PRIVATE KEY-----\n"}`,
		"cut private key":   `{"X": "-----BEGIN PRIVATE KEY-----\nTOPSECRET"}`,
		"SSH key":           `{"X": "ssh-ed25519 TOPSECRET me@home"}`,
		"SSH keys":          `{"SSHPublicKeys": ["TOPSECRET"]}`,
		"URL":               `{"Image": "https://host.example/TOPSECRET.iso"}`,
		"subscription":      `{"Destination": "https://host.example/TOPSECRET", "Context": "TOPSECRET", "HttpHeaders": [{"Authorization": "TOPSECRET"}]}`,
		"user in URL":       `{"Uri": "https://root:TOPSECRET@host.example/"}`,
		"list of passwords": `{"PasswordHistory2": "x", "OldPasswords": ["TOPSECRET"]}`,
	} {
		for _, named := range []bool{false, true} {
			if got := masked(t, named, body); strings.Contains(got, "TOPSECRET") || strings.Contains(got, "hunter2") {
				t.Errorf("%s, named %t: %s", name, named, got)
			}
		}
	}
}

func TestPoliciesAreNoSecrets(t *testing.T) {
	in := `{"MinPasswordLength": 8, "PasswordChangeRequired": true, "PasswordExpiration": "2030-01-01", "PasswordPolicy": "Strong", "AccountTypes": ["Redfish"], "Password": null}`
	got := masked(t, false, in)
	for _, kept := range []string{`"MinPasswordLength": 8`, `"PasswordChangeRequired": true`, `"2030-01-01"`, `"Strong"`, `"Redfish"`, `"Password": null`} {
		if !strings.Contains(got, kept) {
			t.Errorf("%s is missing in %s", kept, got)
		}
	}
}

func TestTheSameThingBecomesTheSameEverywhere(t *testing.T) {
	got := masked(t, false,
		`{"SerialNumber": "ABC12345", "UUID": "4c4c4544-0034-4410-8038-b1c04f464633", "HostName": "db7.corp.example.net", "AssetTag": "INV-00077", "FirmwareVersion": "6.10.30.0"}`,
		`{"@odata.id": "/redfish/v1/Chassis/ABC12345", "Name": "disk of ABC12345", "MACAddress": "B0:7B:25:00:00:F1", "Id": "NIC-b07b250000f1"}`,
		`{"IPv4Addresses": [{"Address": "10.20.30.40", "SubnetMask": "255.255.255.0", "Gateway": "10.20.30.1"}], "Oem": {"Other": "0.0.0.0"}}`,
		`{"@odata.id": "/redfish/v1/AccountService/Accounts/alice", "Id": "alice", "UserName": "alice", "RoleId": "Administrator", "Message": "alice logged in from 10.20.30.40 at db7.corp.example.net, not alicefoo"}`)
	for _, gone := range []string{"ABC12345", "4c4c4544-0034", "db7.corp", "INV-00077", "B0:7B:25:00:00:F1", "b07b250000f1", "10.20.30.", `alice"`, `"alice `, "Accounts/alice"} {
		if strings.Contains(got, gone) {
			t.Errorf("%s is in %s", gone, got)
		}
	}
	for _, kept := range []string{"6.10.30.0", "B0:7B:25:", "b07b25", "255.255.255.0", "0.0.0.0", "Administrator", "alicefoo", "host-1.example.com", "192.0.2."} {
		if !strings.Contains(got, kept) {
			t.Errorf("%s is missing in %s", kept, got)
		}
	}
	var all []map[string]any
	if err := json.Unmarshal([]byte(got), &all); err != nil {
		t.Fatal(err)
	}
	serial, _ := all[0]["SerialNumber"].(string)
	if all[1]["@odata.id"] != "/redfish/v1/Chassis/"+serial || all[1]["Name"] != "disk of "+serial || len(serial) != 8 {
		t.Errorf("%q in %s", serial, got)
	}
}

func TestPlaceholdersStay(t *testing.T) {
	in := `{"SerialNumber": "To Be Filled By O.E.M.", "UUID": "00000000-0000-0000-0000-000000000000", "MACAddress": "00:00:00:00:00:00", "AssetTag": "None"}`
	for _, kept := range []string{"To Be Filled By O.E.M.", "00000000-0000-0000-0000-000000000000", "00:00:00:00:00:00", `"None"`} {
		if got := masked(t, false, in); !strings.Contains(got, kept) {
			t.Errorf("%s is missing in %s", kept, got)
		}
	}
}

func TestOnlyPathsBelowTheServiceAreFollowed(t *testing.T) {
	for link, want := range map[string]string{
		"/redfish/v1/Systems/1/":                  "/redfish/v1/Systems/1",
		"/redfish/v1":                             "/redfish/v1",
		"/redfish/v1/Systems/1#/Status":           "/redfish/v1/Systems/1",
		"/redfish/v1/Systems/a%20b":               "/redfish/v1/Systems/a b",
		"/redfish/v1/../../etc/passwd":            "",
		"/redfish/v1/a//b":                        "",
		"/redfish/v2":                             "",
		"//elsewhere/redfish/v1":                  "",
		"https://else/redfish/v1":                 "",
		"/redfish/v1/x?$skip=3":                   "",
		"/redfish/v1/index.json":                  "",
		"/redfish/v1/a\\b":                        "",
		"/redfish/v1/" + strings.Repeat("a", 300): "",
		"/redfish/v1" + strings.Repeat("/a", 60):  "",
		"":                                        "",
	} {
		if got, ok := place(link); ok != (want != "") || ok && got != want {
			t.Errorf("place(%.40q) = %q, %t", link, got, ok)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add(`{"Password": "TOPSECRET", "SerialNumber": "ABC12345"}`)
	f.Add(`{"X": "ssh-rsa AAAA", "MACAddress": "B0:7B:25:00:00:F1", "Address": "fe80::1", "WWN": "0x5000c500a1b2c3d4"}`)
	f.Add(`{"UserName": "a", "Message": "a b a", "Members": [{"@odata.id": "/redfish/v1/AccountService/Accounts/a"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		parsed, err := parseObject([]byte(body))
		if err != nil || parsed == nil {
			return
		}
		m := newMask(&wire{}, false)
		m.learn("/redfish/v1", parsed)
		m.ready()
		text, err := encode(m.object("/redfish/v1/AccountService/Accounts/1", parsed))
		if err != nil || !json.Valid(text) {
			t.Fatalf("%q becomes %q, %v", body, text, err)
		}
		for _, to := range leads(parsed) {
			if at, ok := place(to); ok && !strings.HasPrefix(at+"/", rootPath) {
				t.Fatalf("%q leads to %q", to, at)
			}
		}
	})
}
