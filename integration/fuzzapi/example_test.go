package fuzzapi

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
)

// example is a request that a person would make: the path parameters, the query and the
// body of an operation whose description alone does not tell what is sensible. # is a
// number that no other request has.
type example struct{ at, query, body string }

const onePlan = `{"site":"lab","racks":[{"name":"r9","machines":[{"name":"n#","u":3,"nics":[{"mac":"52:54:00:01:00:01"}],"bmc":{"address":"https://192.0.2.99","username":"u","password":"` + hush + `-plan"}}]}]}`

func examples() map[string][]example {
	return map[string][]example{
		"diff-plan":          {{body: onePlan}},
		"apply-plan":         {{body: onePlan}},
		"deploy-machine":     {{body: `{"image":"debian","user_data":"` + hush + `-data"}`}, {body: `{"image":"debian","dry_run":true,"vars":{"k":"` + hush + `-var"}}`}},
		"deploy-machines":    {{body: `{"machines":["m1","m2"],"order":{"image":"debian","dry_run":true},"mode":"all"}`}, {body: `{"which":{"rack":"r2"},"order":{"image":"debian"},"mode":"each"}`}},
		"preview-machine":    {{body: `{"image":"debian","user_data":"` + "#cloud-config" + `"}`}},
		"erase-machines":     {{body: `{"machines":["m3","m4","m5"],"order":{},"mode":"each"}`}, {body: `{"machines":["m3"],"order":{},"mode":"all","dry_run":true}`}},
		"inspect-machines":   {{body: `{"machines":["m3","m4"],"order":{},"mode":"each"}`}},
		"power-machines":     {{body: `{"machines":["m5","m6"],"order":{"action":"on"},"mode":"each"}`}},
		"rescue-machines":    {{body: `{"machines":["m5","m6"],"order":{},"mode":"each"}`}},
		"bmc-machines":       {{body: `{"machines":["m5","m6"],"order":{"do":"reset-bmc"},"mode":"each"}`}},
		"claim-machines":     {{body: `{"machines":["m5","m6"],"order":{},"mode":"each"}`}},
		"firmware-machines":  {{body: `{"machines":["m5","m6"],"order":{},"mode":"each"}`}},
		"locate-machines":    {{body: `{"machines":["m5","m6"],"order":{"on":true},"mode":"each"}`}},
		"hold-machines":      {{body: `{"machines":["m5","m6"],"order":{"reason":"fan"},"mode":"each","dry_run":true}`}},
		"release-machines":   {{body: `{"machines":["m5","m6"],"mode":"each"}`}},
		"waive-machines":     {{body: `{"machines":["m5","m6"],"order":{"rule":"dimm-missing","reason":"ordered"},"mode":"each"}`}},
		"unwaive-machines":   {{body: `{"machines":["m5","m6"],"order":{"rule":"dimm-missing"},"mode":"each"}`}},
		"retire-machines":    {{body: `{"machines":["m5","m6"],"order":{"reason":"sold"},"mode":"each","dry_run":true}`}},
		"replace-machines":   {{body: `{"machines":["m5","m6"],"order":{"part":"machine","reason":"RMA"},"mode":"each","dry_run":true}`}},
		"burn-in-machines":   {{body: `{"machines":["m5","m6"],"order":{"seconds":60},"mode":"each"}`}},
		"burn-in-machine":    {{body: `{"seconds":60}`}},
		"bmc-machine":        {{body: `{"do":"boot","target":"pxe"}`}, {body: `{"do":"clock","servers":["192.0.2.1"]}`}},
		"power-machine":      {{body: `{"action":"cycle"}`}},
		"rescue-machine":     {{body: `{"dry_run":true,"serial":true}`}},
		"erase-machine":      {{body: `{"dry_run":true}`}, {body: `{}`}},
		"claim-machine":      {{body: `{"password":"` + hush + `-claim"}`}},
		"retire-machine":     {{at: "machine=n#", body: `{"reason":"sold"}`}},
		"replace-machine":    {{body: `{"part":"board","reason":"RMA","macs":{"nic1":"52:54:00:02:00:0#"}}`}},
		"firmware-machine":   {{body: `{"dry_run":true}`}, {body: `{"file":"b#"}`}},
		"get-slot":           {{at: "rack=r1&u=1"}},
		"get-network":        {{at: "name=prov"}},
		"get-site":           {{at: "name=lab"}},
		"get-project":        {{at: "name=p1"}},
		"get-device":         {{at: "name=pp1"}},
		"get-model":          {{at: "name=a1"}},
		"set-ladder":         {{at: "model=a1", body: `{"loader":"built-in"}`}, {at: "model=a1", body: `{"loader":"built-in","worked":true}`}},
		"reset-ladder":       {{at: "model=a1"}},
		"get-lease":          {{at: "network=prov&address=10.0.0.200"}},
		"end-lease":          {{at: "network=prov&address=10.0.0.200"}},
		"mark-rack-step":     {{at: "rack=r1&machine=m2&step=receive", body: `{"action":"done"}`}, {at: "rack=r1&machine=m2&step=receive", body: `{"action":"undo"}`}, {at: "rack=r1", body: `{"action":"hold","reason":"rails"}`}},
		"scan":               {{body: `{"codes":["SN-1"]}`}},
		"sign-off-rack":      {{at: "rack=r3", body: `{"note":"handed over"}`}},
		"beat-cache":         {{body: `{"url":"http://192.0.2.9:8088","rack":"r1","report":{"version":"1","rate":0,"chunks":0,"held_bytes":0,"max_bytes":9,"hits":0,"misses":0,"fetched_bytes":0,"sent_bytes":0,"sending":0,"warming":[]}}`}},
		"warm-caches":        {{body: `{"image":"debian"}`}},
		"add-firmware":       {{query: "name=b#&component=bios&version=2&vendor=Acme&original=B.cap", body: "capsule-#"}},
		"add-image":          {{query: "name=i#&kind=rootfs&arch=amd64", body: archive()}},
		"import-image":       {{body: `{"name":"i#","url":"https://example.org/x.raw"}`}, {body: `{"name":"i#","oci":"example.org/x:1"}`}},
		"begin-image-upload": {{body: `{"name":"u#","kind":"disk","bytes":4096}`}},
		"start-rollout":      {{body: `{"name":"ro#","image":"debian","machines":["m2"],"max_failures":5,"user_data":"` + hush + `-roll"}`}},
		"start-campaign":     {{body: `{"name":"ca#","file":"b#","machines":["m2"],"max_failures":5,"size":10}`}},
		"add-token":          {{body: `{"name":"t#","role":"viewer","scope":{"racks":["r1"]}}`}},
		"open-session":       {{body: `{"id_token":"` + goodProof + `#","nonce":"0123456789abcdef"}`}},
		"retry-operation":    {{at: "id=@parked"}},
		"retry-job":          {{at: "job=@cancelled"}},
		"collect-images":     {{}, {query: "dry_run=true"}},
		"rotate-token":       {{body: `{}`}},
		"open-rack-session":  {{body: `{"code":"@code","name":"ann"}`}},
		"add-webhook":        {{body: `{"name":"w#","url":"https://192.0.2.9/hook","filter":{"kinds":["op"]}}`}},
		"change-webhook":     {{body: `{"state":"paused"}`}, {body: `{"state":"active","url":"https://192.0.2.9/other"}`}},
		"rotate-webhook":     {{body: `{}`}},
		"replay-webhook":     {{body: `{"dead":true}`}, {body: `{"from":"2026-01-02T03:04:05Z"}`}},
		"hold-machine":       {{at: "machine=m8", body: `{"reason":"fan","for":"1h"}`}},
		"release-machine":    {{at: "machine=m8"}},
		"get-hold":           {{at: "machine=m4"}},
		"waive-condition":    {{at: "machine=m2", body: `{"rule":"dimm-missing","on":"A1","reason":"ordered"}`}},
		"unwaive-condition":  {{at: "machine=m6", query: "rule=dimm-missing&on=A1"}},
		"explain-dhcp":       {{query: "mac=52:54:00:00:00:01"}},
		"explain-boot":       {{query: "mac=52:54:00:00:00:01&arch=bios"}},
		"trace-strangers":    {{query: "relay=10.20.0.1&circuit=port"}},
		"find-parts":         {{query: "serial=SN-1"}},
		"list-machines":      {{}, {query: "rack=r1&limit=2&sort=-name"}, {query: "q=m1&fields=name,id"}},
		"list-events":        {{}, {query: "machine=m1&newest=true"}},
		"get-signoff":        {{at: "rack=r3"}},
		"list-signoffs":      {{at: "rack=r3"}},
		"list-audit":         {{}, {query: "newest=true&limit=3"}},
		"get-operation":      {{}, {query: "wait=1ms&version=1"}},
		"list-certificates":  {{}, {query: "machine=m1"}},
	}
}

// numbered puts numbers in an example: a fresh one where something is made, one of the last
// where something is named.
func (m *maker) numbered(o *operation, e example, fresh int) example {
	in := func(s string, n int) string { return strings.ReplaceAll(s, "#", fmt.Sprint(n)) }
	old := max(0, fresh-1-m.IntN(3))
	if o.method == "POST" && strings.Count(o.path, "/") == 3 || o.id == "begin-image-upload" || o.id == "import-image" || o.id == "apply-plan" || o.id == "diff-plan" {
		e.query, e.body = in(e.query, fresh), strings.ReplaceAll(in(e.body, fresh), fmt.Sprintf(`"file":"b%d"`, fresh), `"file":"b1"`)
	}
	if list := m.pool.words["code"]; len(list) > 0 {
		e.body = strings.ReplaceAll(e.body, "@code", list[len(list)-1])
	}
	for _, word := range []string{"parked", "cancelled"} {
		if list := m.pool.words[word]; len(list) > 0 {
			e.at = strings.ReplaceAll(e.at, "@"+word, list[0])
		}
	}
	e.at, e.query = in(e.at, old), in(e.query, old)
	e.body = in(strings.ReplaceAll(e.body, `"file":"b#"`, `"file":"b1"`), old%10)
	return e
}

// archive is a small root file system.
func archive() string {
	program := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00\x3e\x00" + strings.Repeat("\x00", 44) // ELF-64 for amd64
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"bin/sh", "sbin/init", "etc/os-release", "usr/lib/os-release", "boot/vmlinuz"} {
		_ = w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(program))})
		_, _ = w.Write([]byte(program))
	}
	_ = w.Close()
	return b.String()
}
