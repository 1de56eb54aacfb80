package api_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"rackwright/access"
	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/dhcp"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/webhook"
)

// TestAnOpenStreamTellsOfWhatIsInScopeOnly holds for each stream: what happens beyond the
// scope comes first, and is not told.
func TestAnOpenStreamTellsOfWhatIsInScopeOnly(t *testing.T) {
	h := newHall(t)
	srv := httptest.NewServer(h.handler)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	for _, kind := range []string{"scoped", "tenant"} {
		secret := h.token(access.Viewer, kind)
		next := map[string]func(string) string{}
		for _, of := range []string{"events", "machines", "operations"} {
			next[of] = listen(t, srv.URL+wire.Prefix+"/"+of+"/stream", "Authorization: Bearer "+secret)
			next[of]("id: ") // where it begins
		}
		for _, side := range []string{"outer", "inner"} {
			if _, err := h.db.CancelOperation(t.Context(), h.ops[side], "tester"); err != nil {
				t.Fatal(err)
			}
			if _, err := h.db.Hold(t.Context(), side+"-machine", "fan", 0, "tester"); err != nil {
				t.Fatal(err)
			}
		}
		for of, read := range next {
			if data := read("data: {"); !strings.Contains(data, "inner-machine") || strings.Contains(data, "outer-") {
				t.Errorf("%s, %s: %s", kind, of, data)
			}
		}
		for _, side := range []string{"outer", "inner"} {
			if _, err := h.db.ReleaseHold(t.Context(), side+"-machine", "tester", true); err != nil {
				t.Fatal(err)
			}
			o, err := h.db.CreateOperation(t.Context(), deploy.Inspect, side+"-machine", deploy.Order{}, "tester")
			if err != nil {
				t.Fatal(err)
			}
			h.ops[side] = o.ID
		}
	}
}

func TestStreamsOfStatesTellStatesAndAreFiltered(t *testing.T) {
	s := apitest.Rack(t)
	url := serve(t, s)
	machines, operations := listen(t, url+"/machines/stream?machine=m2"), listen(t, url+"/operations/stream?machine=m2")
	machines("id: ")
	operations("id: ")
	for _, name := range []string{"m1", "m2"} {
		s.Change(name, func(m *inventory.Machine) { m.Power = inventory.PowerOn })
		s.Record(journal.Event{Kind: journal.MachineSeen, Name: name, Summary: "power on"})
		if answer, text := ask(t, "POST", url+"/machines/"+name+"/actions/inspect", `{}`); answer.StatusCode != 202 {
			t.Fatalf("%s %s", answer.Status, text)
		}
	}
	if data := operations("data: {"); !strings.Contains(data, `"machine_name":"m2"`) || !strings.Contains(data, `"state":"queued"`) {
		t.Errorf("operations: %s", data)
	}
	if data := machines("data: {"); !strings.Contains(data, `"name":"m2"`) {
		t.Errorf("machines: %s", data)
	}
	if answer, text := ask(t, "GET", url+"/machines/stream?colour=red", ""); answer.StatusCode != 400 {
		t.Errorf("%s %s", answer.Status, text)
	}
}

func TestAWebhookIsMadeChangedReplayedAndRemoved(t *testing.T) {
	_, url := rack(t)
	answer, text := ask(t, "POST", url+"/webhooks", `{"name":"chat","url":"https://192.0.2.9/hook","filter":{"kinds":["op"]}}`)
	made := decode[wire.WebhookMade](t, text)
	if answer.StatusCode != 201 || answer.Header.Get("Location") != wire.Prefix+"/webhooks/"+made.ID || made.Secret == "" {
		t.Fatalf("%s %s", answer.Status, text)
	}
	for what, c := range map[string][3]string{
		"twice":        {"POST", "/webhooks", `{"name":"chat","url":"https://192.0.2.9/hook"}`},
		"no URL":       {"POST", "/webhooks", `{"name":"x","url":"ftp://192.0.2.9"}`},
		"without ETag": {"PATCH", "/webhooks/chat", `{"state":"paused"}`},
		"nothing":      {"POST", "/webhooks/chat/replay", `{}`},
		"none":         {"GET", "/webhooks/none", ""},
		"strange":      {"PATCH", "/webhooks/chat", `{"secret":"x"}`},
	} {
		match := map[bool]string{true: "If-Match: ", false: "If-Match: *"}[what == "without ETag"]
		want := map[string]int{"twice": 409, "no URL": 422, "without ETag": 428, "nothing": 422, "none": 404, "strange": 422}[what]
		if answer, text := ask(t, c[0], url+c[1], c[2], match); answer.StatusCode != want {
			t.Errorf("%s: %s %s", what, answer.Status, text)
		}
	}
	if answer, text := ask(t, "POST", url+"/webhooks/chat/test", ""); answer.StatusCode != 202 || decode[webhook.Delivery](t, text).ID == "" {
		t.Errorf("a test: %s %s", answer.Status, text)
	}
	if _, text := ask(t, "GET", url+"/webhooks/chat/deliveries", ""); len(decode[wire.List[webhook.Delivery]](t, text).Items) != 1 {
		t.Errorf("deliveries: %s", text)
	}
	if answer, text := ask(t, "PATCH", url+"/webhooks/chat", `{"state":"paused"}`); answer.StatusCode != 200 || decode[webhook.Webhook](t, text).State != webhook.Paused {
		t.Errorf("paused: %s %s", answer.Status, text)
	}
	_, text = ask(t, "POST", url+"/webhooks/chat/rotate", `{}`)
	if next := decode[wire.WebhookMade](t, text); next.Secret == "" || next.Secret == made.Secret {
		t.Errorf("rotated: %s", text)
	}
	for _, path := range []string{"/webhooks", "/webhooks/chat", "/webhooks/chat/deliveries"} {
		if _, text := ask(t, "GET", url+path, ""); strings.Contains(text, made.Secret) {
			t.Errorf("%s tells the secret", path)
		}
	}
	if answer, _ := ask(t, "GET", url+"/webhooks", "", "Authorization: Bearer "+apitest.OperatorSecret); answer.StatusCode != 403 {
		t.Errorf("an operator: %s", answer.Status)
	}
	if answer, _ := ask(t, "DELETE", url+"/webhooks/chat", ""); answer.StatusCode != 204 {
		t.Errorf("removed: %s", answer.Status)
	}
	if answer, _ := ask(t, "GET", url+"/webhooks/chat", ""); answer.StatusCode != 404 {
		t.Errorf("it is still there: %s", answer.Status)
	}
}

func TestAWebhookToWhatNothingIsSentToIsRefusedAtOnce(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, Receivers: &webhook.Allow{Private: true}}) + wire.Prefix
	for to, want := range map[string]string{"http://127.0.0.1:9/x": "webhooks.allow_loopback = true", "http://LocalHost./x": "webhooks.allow_loopback = true", "http://[::1]/": "webhooks.allow_loopback = true",
		"http://169.254.169.254/x": "link-local", "http://[64:ff9b:1::1]/": "leads to another"} {
		if answer, text := ask(t, "POST", url+"/webhooks", `{"name":"w","url":"`+to+`"}`); answer.StatusCode != 422 || !strings.Contains(text, want) || !strings.Contains(text, "/url") {
			t.Errorf("%s: %s %s", to, answer.Status, text)
		}
	}
	answer, text := ask(t, "POST", url+"/webhooks", `{"name":"w","url":"http://10.0.0.7:9000/x"}`)
	if answer.StatusCode != 201 {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if answer, text := ask(t, "PATCH", url+"/webhooks/w", `{"url":"http://127.0.0.1/"}`, "If-Match: *"); answer.StatusCode != 422 {
		t.Errorf("changed: %s %s", answer.Status, text)
	}
}

func TestWhatWouldBeAnsweredIsExplained(t *testing.T) {
	network := &inventory.Network{Name: "prov", Prefix: netip.MustParsePrefix("10.0.0.0/24"), DHCP: inventory.DHCPReservations, Strangers: inventory.StrangerIgnore,
		Prefix6: netip.MustParsePrefix("fd00::/64"), DHCP6: inventory.DHCP6Reservations}
	view := boot.NewView(1, []*inventory.Network{network}, []*boot.Host{{Machine: "m1", Name: "m1", MAC: inventory.MAC{0x52, 0x54, 0, 0, 0, 1}, Network: "prov",
		Address: netip.MustParseAddr("10.0.0.11"), Address6: netip.MustParseAddr("fd00::11"), Firmware: inventory.UEFI, Intent: boot.RunAgent}})
	var asked netip.Addr
	var reached netip.AddrPort
	url := apitest.Serve(t, api.Options{Store: apitest.Rack(t), Explain: &api.Explain{View: func() *boot.View { return view }, Settings: dhcp.Settings{HTTPPort: 8080},
		Own: func() []netip.Addr {
			return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fd00::1")}
		},
		Script: func(_ context.Context, _ url.Values, from netip.Addr, at netip.AddrPort) boot.Rehearsal {
			asked, reached = from, at
			return boot.Rehearsal{Status: 200, Rule: "operation", Machine: "m1"}
		}}}) + wire.Prefix
	_, text := ask(t, "GET", url+"/dhcp/explain?mac=52-54-00-00-00-01&arch=uefi-x64", "")
	if e := decode[wire.DHCPExplained](t, text); !e.Answered || e.Machine != "m1" || e.Address != "10.0.0.11" || e.Network != "prov" || e.Rule == "" {
		t.Errorf("a known machine: %s", text)
	}
	_, text = ask(t, "GET", url+"/dhcp/explain?mac=52:54:00:00:00:99", "")
	if e := decode[wire.DHCPExplained](t, text); e.Answered || e.Why == "" {
		t.Errorf("a stranger: %s", text)
	}
	if _, text = ask(t, "GET", url+"/boot/explain?mac=52:54:00:00:00:01&arch=bios", ""); decode[wire.BootExplained](t, text).Machine != "m1" || asked.String() != "10.0.0.11" {
		t.Errorf("a script for %s: %s", asked, text)
	}
	_, text = ask(t, "GET", url+"/dhcp/explain?ipv6=true&mac=52:54:00:00:00:01&client=http&arch=16&network=prov", "")
	if e := decode[wire.DHCPExplained](t, text); e.Reply != "ADVERTISE" || e.Address != "fd00::11" || e.File != "http://[fd00::1]:8080/boot/ipxe.efi" {
		t.Errorf("by IPv6: %s", text)
	}
	_, text = ask(t, "GET", url+"/dhcp/explain?ipv6=true&duid=00:03:00:01:52:54:00:00:00:01&message=renew&wanted=fd00::11&client=os", "")
	if e := decode[wire.DHCPExplained](t, text); e.Reply != "REPLY" || e.Machine != "m1" {
		t.Errorf("by its DUID: %s", text)
	}
	if ask(t, "GET", url+"/boot/explain?ipv6=true&mac=52:54:00:00:00:01", ""); asked.String() != "fd00::11" || reached.String() != "[fd00::1]:8080" {
		t.Errorf("a script for %s from %s", asked, reached)
	}
	for query, want := range map[string]int{"": 422, "mac=zz": 422, "ipv6=true": 422, "ipv6=true&duid=zz": 422, "ipv6=true&mac=52:54:00:00:00:01&relay=10.0.0.9": 422, "mac=52:54:00:00:00:01&relay=fd00::9": 422,
		"ipv6=true&mac=52:54:00:00:00:01&message=discover": 422, "mac=52:54:00:00:00:01&message=solicit": 422, "mac=52:54:00:00:00:01&arch=vax": 422, "mac=52:54:00:00:00:01&relay=x": 422, "mac=52:54:00:00:00:01&network=none": 422,
		"mac=52:54:00:00:00:01&colour=red": 400, "mac=52:54:00:00:00:01&network=prov&relay=10.0.0.9": 422} {
		if answer, text := ask(t, "GET", url+"/dhcp/explain?"+query, ""); answer.StatusCode != want {
			t.Errorf("%s: %s %s", query, answer.Status, text)
		}
	}
	_, none := rack(t)
	if answer, text := ask(t, "GET", none+"/dhcp/explain?mac=52:54:00:00:00:01", ""); answer.StatusCode != 409 {
		t.Errorf("a server that answers none: %s %s", answer.Status, text)
	}
}
