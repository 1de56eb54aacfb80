package mockup

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func requestWith(token string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Auth-Token", token)
	return r
}

func TestTagsGuardWhatChanges(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		uri := c.bmc.host
		tag := c.get(uri).header.Get("ETag")
		c.must(304, "GET", uri, "", "If-None-Match", tag)
		change := func(status int, text string, header ...string) {
			t.Helper()
			if a := c.do("PATCH", uri, text, header...); a.status != status && (status != 200 || a.status != 204) {
				t.Fatalf("%v: %d %s", header, a.status, a.text)
			}
		}
		change(412, `{"AssetTag": "x"}`, "If-Match", `"stale"`)
		change(200, `{"AssetTag": "a"}`, "If-Match", tag)
		change(412, `{"AssetTag": "b"}`, "If-Match", tag)
		change(200, `{"AssetTag": "c"}`, "If-Match", "*")
		if without := c.do("PATCH", uri, `{"AssetTag": "d"}`); (without.status == 428) != c.bmc.habits.needsMatch {
			t.Errorf("without a tag: %d", without.status)
		}
		if weak := strings.HasPrefix(tag, "W/"); weak != c.bmc.habits.weakTags {
			t.Errorf("the tag is %s", tag)
		}
	})
}

func TestAPatchTakesWhatTheSchemaLetsChange(t *testing.T) {
	c := bench(t, "openbmc")
	for text, status := range map[string]int{
		`{"SerialNumber": "X"}`:              400,
		`{"Colour": "red"}`:                  400,
		`{"AssetTag": 7}`:                    400,
		`{}`:                                 400,
		`{"LocationIndicatorActive": "yes"}`: 400,
		`{"AssetTag": "A-7"}`:                204,
		`{"Boot": {"Colour": "red"}}`:        400,
	} {
		c.patch(status, c.bmc.host, text)
	}
	c.want("the tag", c.host("AssetTag"), "A-7")
	c.patch(405, root+"/Systems/system/Memory/dimm0", `{"Name": "x"}`)
	c.must(404, "PATCH", root+"/Nowhere", `{"Name": "x"}`)
	allow := c.must(405, "DELETE", c.bmc.host, "").header.Get("Allow")
	if allow != "GET, HEAD, PATCH" {
		t.Errorf("Allow: %s", allow)
	}
	c.must(404, "POST", root+"/Nowhere", `{}`)
	c.must(413, "POST", c.bmc.services.accounts, `{"UserName": "`+strings.Repeat("x", maxBody)+`"}`)
}

func TestTheTreeStaysAsRecorded(t *testing.T) {
	tree, err := Open("openbmc")
	if err != nil {
		t.Fatal(err)
	}
	share := func(cfg *Config) { cfg.Tree = tree }
	first, second := bench(t, "openbmc", share), bench(t, "openbmc", share)
	first.patch(204, first.bmc.host, `{"AssetTag": "A-7", "Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}}`)
	first.must(201, "POST", first.bmc.services.accounts, `{"UserName": "second", "Password": "Abcdefg-12345", "RoleId": "ReadOnly"}`)
	first.reset(204, "ForceRestart")
	first.clock.forward(time.Second)
	second.want("the other's tag", second.host("AssetTag"), "")
	second.want("the other's override", second.host("Boot", "BootSourceOverrideEnabled"), "Disabled")
	if n := len(members(second.get(second.bmc.services.accounts).body, "Members")); n != 1 {
		t.Errorf("the other has %d accounts", n)
	}
	if textAt(tree.bodies[root+"/AccountService/Accounts/root"], "UserName") != "root" {
		t.Error("the tree changed")
	}
}

func TestTheLocatorIsOneLED(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		chassis := members(c.bmc.get(c.bmc.host), "Links", "Chassis")[0]
		text := `{"LocationIndicatorActive": true}`
		if c.host("LocationIndicatorActive") == nil {
			text = `{"IndicatorLED": "` + map[bool]string{true: "Blinking", false: "Lit"}[strings.HasPrefix(c.bmc.cfg.Name, "supermicro")] + `"}`
		}
		c.patch(c.bmc.habits.patchAnswer, chassis, text)
		if !c.bmc.Lit() {
			t.Error("it is dark")
		}
		if led := c.host("IndicatorLED"); led != nil && led == "Off" {
			t.Errorf("the system tells %v", led)
		}
	})
}

func TestSettingsWaitForAStart(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		bios := c.bmc.host + "/Bios"
		settings := follow(c.get(bios).body, "@Redfish.Settings", "SettingsObject")
		attributes := c.get(bios).body["Attributes"].(body)
		name, value := "", ""
		for k, v := range attributes {
			if v == "Enabled" || v == "Enable" {
				name, value = k, map[string]string{"Enabled": "Disabled", "Enable": "Disable"}[v.(string)]
			}
		}
		c.patch(400, settings, `{"Attributes": {"NoSuch": "x"}}`)
		c.patch(400, settings, `{"Attributes": {"`+name+`": 7}}`)
		c.patch(400, settings, `{"Attributes": {"`+name+`": "Perhaps"}}`)
		c.patch(405, bios, `{"Attributes": {"`+name+`": "`+value+`"}}`)
		restart := func() {
			c.reset(c.bmc.habits.resetAnswer, "ForceRestart")
			c.clock.forward(time.Second)
		}
		c.patch(200, settings, `{"Attributes": {"`+name+`": "`+value+`"}}`)
		c.want("the pending value", c.get(settings).body["Attributes"].(body)[name], value)
		if c.bmc.habits.jobs { // without a job nothing comes of it
			restart()
			c.want("the value without a job", c.get(bios).body["Attributes"].(body)[name], attributes[name])
			a := c.patch(202, settings, `{"Attributes": {"`+name+`": "`+value+`"}, "@Redfish.SettingsApplyTime": {"ApplyTime": "OnReset"}}`)
			job := a.header.Get("Location")
			c.must(404, "GET", job, "")
			c.want("the job", c.get(job).body["TaskState"], "Pending")
			restart()
			c.want("the job after", c.get(job).body["TaskState"], "Completed")
		} else {
			restart()
		}
		c.want("the value", c.get(bios).body["Attributes"].(body)[name], value)
	})
}

func TestSecureBootComesWithAStart(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		sb := c.bmc.host + "/SecureBoot"
		c.patch(c.bmc.habits.patchAnswer, sb, `{"SecureBootEnable": false}`)
		c.want("before", c.get(sb).body["SecureBootCurrentBoot"], "Enabled")
		c.reset(c.bmc.habits.resetAnswer, "ForceRestart")
		c.clock.forward(time.Second)
		c.want("after", c.get(sb).body["SecureBootCurrentBoot"], "Disabled")
		c.must(204, "POST", sb+"/Actions/SecureBoot.ResetKeys", `{"ResetKeysType": "DeleteAllKeys"}`)
		c.want("the mode", c.get(sb).body["SecureBootMode"], "SetupMode")
		c.must(400, "POST", sb+"/Actions/SecureBoot.ResetKeys", `{"ResetKeysType": "Shred"}`)
	})
}

func TestVirtualMediaIsAsEachVendorHasIt(t *testing.T) {
	const image = `"http://192.0.2.1/a.iso"`
	type try struct {
		text   string
		status int
	}
	refused := map[string][]try{
		"supermicro-x11": {{`{"Image": ` + image + `, "Inserted": true}`, 400}, {`{"Image": ` + image + `, "WriteProtected": true}`, 400}},
		"supermicro-x12": {{`{"Image": ` + image + `, "Inserted": true}`, 400}},
		"nvidia-gb300":   {{`{"Image": ` + image + `}`, 400}},
	}
	taken := map[string]string{"nvidia-gb300": `{"Image": ` + image + `, "TransferProtocolType": "HTTP", "UserName": "none", "Password": "none"}`}
	vendors(t, func(t *testing.T, c *client) {
		name, drive := c.bmc.cfg.Name, ""
		for _, list := range []string{follow(c.bmc.get(c.bmc.host), "VirtualMedia"), follow(c.bmc.get(c.bmc.manager), "VirtualMedia")} {
			for _, uri := range members(c.bmc.get(list), "Members") {
				if drive == "" && slices.Contains(texts(c.bmc.get(uri), "MediaTypes"), "CD") {
					drive = uri
				}
			}
		}
		if name == "lenovo-xcc" {
			c.must(404, "POST", drive+"/Actions/VirtualMedia.InsertMedia", `{"Image": `+image+`}`)
			c.patch(400, drive, `{"Image": `+image+`}`)
			c.patch(200, drive, `{"Image": `+image+`, "Inserted": true}`)
			c.want("the image", c.bmc.Image(), "http://192.0.2.1/a.iso")
			c.patch(200, drive, `{"Image": null}`)
			c.want("the image", c.bmc.Image(), "")
			return
		}
		insert, eject := drive+"/Actions/VirtualMedia.InsertMedia", drive+"/Actions/VirtualMedia.EjectMedia"
		for _, r := range refused[name] {
			c.must(r.status, "POST", insert, r.text)
		}
		c.must(400, "POST", insert, `{"Image": "gopher://x/a.iso"}`)
		c.must(400, "POST", insert, `{}`)
		c.must(400, "POST", insert, `{"Image": `+image+`, "Colour": "red"}`)
		text := taken[name]
		if text == "" {
			text = `{"Image": ` + image + `}`
		}
		c.must(204, "POST", insert, text)
		c.must(400, "POST", insert, text)
		c.want("the drive", c.get(drive).body["Inserted"], true)
		if strings.HasPrefix(name, "hpe") {
			c.must(400, "POST", eject, ``)
		}
		c.must(204, "POST", eject, `{}`)
		c.want("the image", c.bmc.Image(), "")
	})
}

func TestTheClockRunsAndIsSet(t *testing.T) {
	c := bench(t, "lenovo-xcc", func(cfg *Config) { cfg.Clock = -time.Hour })
	c.want("the time", c.get(c.bmc.manager).body["DateTime"], "2026-03-01T11:00:00Z")
	tag := c.get(c.bmc.manager).header.Get("ETag")
	c.clock.forward(time.Minute)
	c.want("a minute later", c.get(c.bmc.manager).body["DateTime"], "2026-03-01T11:01:00Z")
	c.must(304, "GET", c.bmc.manager, "", "If-None-Match", tag)
	c.patch(200, c.bmc.manager, `{"DateTime": "2026-03-01T12:01:00+00:00"}`)
	c.want("set", c.get(c.bmc.manager).body["DateTime"], "2026-03-01T12:01:00Z")
	c.patch(400, c.bmc.manager, `{"DateTime": "noon"}`)
	c.patch(200, c.bmc.manager+"/NetworkProtocol", `{"NTP": {"ProtocolEnabled": true, "NTPServers": ["192.0.2.9", ""]}}`)
	c.patch(400, c.bmc.manager, `{"DateTime": "2026-03-01T12:01:00+00:00"}`)
}

func TestQueriesAreThoseThatTheRootPromises(t *testing.T) {
	dell, ami := bench(t, "dell-idrac9"), bench(t, "ami-megarac")
	list := dell.get(dell.bmc.host + "/Memory?$top=1&$skip=1").body
	if got := members(list, "Members"); len(got) != 1 || !strings.HasSuffix(got[0], "DIMM.Socket.B1") {
		t.Errorf("$top and $skip give %v", got)
	}
	full := dell.get(dell.bmc.host + "/Memory?$expand=.($levels=1)").body
	dell.want("an expanded member", at(full["Members"].([]any)[0], "CapacityMiB"), 32768)
	dell.must(501, "GET", dell.bmc.host+"/Memory?$top=-1", "")
	dell.must(501, "GET", dell.bmc.host+"/Memory?$orderby=Name", "")
	ami.must(501, "GET", ami.bmc.host+"/Memory?$top=1", "")
	ami.must(200, "GET", ami.bmc.host+"/Memory?colour=red", "")
}

func TestACertificateIsForTheKeyOfTheLastRequest(t *testing.T) {
	c := bench(t, "dell-idrac9")
	const service = root + "/CertificateService/Actions/CertificateService."
	slots := c.bmc.manager + "/NetworkProtocol/HTTPS/Certificates"
	where := `"CertificateCollection": {"@odata.id": "` + slots + `"}`
	replace := `{"CertificateUri": {"@odata.id": "` + slots + `/1"}, "CertificateString": `
	c.must(400, "POST", service+"ReplaceCertificate", replace+`"nonsense"}`)
	c.must(400, "POST", service+"ReplaceCertificate", `{"CertificateString": "x"}`)
	c.must(400, "POST", service+"GenerateCSR", `{"CommonName": "bmc1", `+where+`}`)
	c.must(400, "POST", service+"GenerateCSR", `{"CommonName": "bmc1"}`)
	a := c.must(200, "POST", service+"GenerateCSR", `{"CommonName": "bmc1", "Organization": "o", "OrganizationalUnit": "u", "City": "c", "State": "s", "Country": "XX", `+where+`}`)
	if !strings.Contains(textAt(a.body, "CSRString"), "CERTIFICATE REQUEST") {
		t.Errorf("the answer is %s", a.text)
	}
	lender := httptest.NewTLSServer(nil) // of a certificate for another key
	lender.Close()
	other, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: lender.TLS.Certificates[0].Certificate[0]})))
	if err != nil {
		t.Fatal(err)
	}
	c.must(400, "POST", service+"ReplaceCertificate", replace+string(other)+`}`)
}
