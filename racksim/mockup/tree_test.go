package mockup

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"rackwright/fault"
)

func TestEveryVendorsTreeIsWholeInItself(t *testing.T) {
	if len(Vendors()) < 10 {
		t.Fatalf("vendors %v", Vendors())
	}
	for _, name := range Vendors() {
		tree, err := Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := tree.Dangling(); len(d) > 0 {
			t.Errorf("%s links what is not there: %v", name, d)
		}
		if id := tree.Identity(); id.Serial == "" || id.UUID == "" || id.Vendor == "" || id.Model == "" || len(id.Ports) != 2 {
			t.Errorf("%s is of %+v", name, id)
		}
	}
}

// folder is a tree in DMTF's layout below a prefix of URIs.
func folder(tree *Tree, cut string) fstest.MapFS {
	out := fstest.MapFS{}
	for uri, b := range tree.bodies {
		text, _ := json.Marshal(b)
		name := strings.Trim(strings.TrimPrefix(uri, cut)+"/index.json", "/")
		out[name] = &fstest.MapFile{Data: text}
		out[strings.TrimSuffix(name, "index.json")+"headers.json"] = &fstest.MapFile{Data: []byte(`{"GET": {"Allow": "GET"}}`)}
	}
	return out
}

func TestAFolderInDMTFsLayoutIsTheSameTree(t *testing.T) {
	tree, err := Open("openbmc")
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []string{"", "/redfish", "/redfish/v1"} {
		again, err := Load(folder(tree, cut))
		if err != nil {
			t.Errorf("below %q: %v", cut, err)
			continue
		}
		if !slices.Equal(again.URIs(), tree.URIs()) || textAt(again.bodies[root+"/Systems/system"], "Model") != "ROMED8HM3" {
			t.Errorf("below %q it has %d resources of %d", cut, len(again.URIs()), len(tree.URIs()))
		}
	}
}

func TestALinkThatLeadsNowhereIsListedAndNotFatal(t *testing.T) {
	tree, err := Open("openbmc")
	if err != nil {
		t.Fatal(err)
	}
	files := folder(tree, "")
	delete(files, "redfish/v1/Systems/system/Bios/index.json")
	again, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	d := again.Dangling()
	if !slices.Contains(d, "/redfish/v1/Systems/system -> /redfish/v1/Systems/system/Bios") {
		t.Errorf("dangling %v", d)
	}
	if b, err := New(Config{Tree: again, Username: user, Password: password}); err != nil {
		t.Error(err)
	} else {
		b.Close()
	}
}

func TestACollectionEndsWithThePageThatWasRecorded(t *testing.T) {
	tree, err := Open("openbmc")
	if err != nil {
		t.Fatal(err)
	}
	files := folder(tree, "")
	files["redfish/v1/Systems/index.json"] = &fstest.MapFile{Data: []byte(`{"Members": [{"@odata.id": "/redfish/v1/Systems/system"}],
		"Members@odata.count": 9, "Members@odata.nextLink": "/redfish/v1/Systems?$skiptoken=2"}`)}
	again, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	got := again.bodies[root+"/Systems"]
	if _, has := got["Members@odata.nextLink"]; has || whole(got, "Members@odata.count") != 1 {
		t.Errorf("%v", got)
	}
}

func TestWhatIsNoMockupIsRefusedWithAHint(t *testing.T) {
	tree, err := Open("openbmc")
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, text string) fstest.MapFS {
		files := maps.Clone(folder(tree, ""))
		files[name] = &fstest.MapFile{Data: []byte(text)}
		return files
	}
	deep := strings.Repeat("d/", maxDepth+2) + "index.json"
	for what, files := range map[string]fstest.MapFS{
		"nothing":            {},
		"another folder":     {"go.mod": {Data: []byte("module x")}},
		"a root elsewhere":   {"index.json": {Data: []byte(`{"@odata.id": "/api"}`)}},
		"a root alone":       {"redfish/v1/index.json": {Data: []byte(`{"Systems": {"@odata.id": "/redfish/v1/Systems"}}`)}},
		"broken JSON":        with("redfish/v1/Systems/index.json", `{"Members": [`),
		"a list":             with("redfish/v1/Systems/index.json", `[]`),
		"two objects":        with("redfish/v1/Systems/index.json", `{}{}`),
		"null":               with("redfish/v1/Systems/index.json", `null`),
		"nested without end": with("redfish/v1/Systems/index.json", strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100)),
		"folders in folders": with(deep, `{}`),
		"a huge resource":    with("redfish/v1/Systems/index.json", `{"a": "`+strings.Repeat("x", maxResource)+`"}`),
	} {
		if _, err := Load(files); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Open("no-such-vendor"); !fault.Is(err, fault.NotFound) || !strings.Contains(fault.HintOf(err), "dell-idrac9") {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
	for _, text := range []string{`{"@extends": "nobody"}`, `{"@extends": "dell-idrac10"}`, `{"@extends": "openbmc", "/redfish/v1/Systems/": {}}`,
		`{"@extends": "openbmc", "/etc/passwd": {}}`, `{"@extends": "openbmc", "/redfish/v1/Systems": 7}`, `{"@extends": "openbmc", "/redfish/v1/Systems": null}`, `{}`, ``} {
		if _, err := Parse([]byte(text)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := New(Config{Tree: mustParse(t, `{"@extends": "openbmc", "/redfish/v1/Systems": {"Members": []}}`)}); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Errorf("no system: %v", err)
	}
}

func mustParse(t *testing.T, text string) *Tree {
	t.Helper()
	tree, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestAnOverlayChangesWhatItNames(t *testing.T) {
	tree := mustParse(t, `{"@extends": "openbmc", "/redfish/v1/Systems/system": {"Model": "Other"}, "/redfish/v1/Systems/system/SecureBoot": null}`)
	sys := tree.bodies[root+"/Systems/system"]
	if textAt(sys, "Model") != "Other" || textAt(sys, "Manufacturer") != "ASRockRack" || tree.bodies[root+"/Systems/system/SecureBoot"] != nil {
		t.Errorf("%v", sys)
	}
	base, err := Open("openbmc")
	if err != nil || textAt(base.bodies[root+"/Systems/system"], "Model") == "Other" {
		t.Errorf("the overlay changed what is below: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"@extends": "openbmc", "/redfish/v1/Systems/system": {"Model": "Other"}}`)
	f.Add(`{"/redfish/v1": {"Systems": {"@odata.id": "/redfish/v1/Systems"}, "Managers": {"@odata.id": "/redfish/v1/Systems"}}, "/redfish/v1/Systems": {"Members": [{"@odata.id": "/redfish/v1/Systems"}], "PowerState": "On", "Actions": {"#ComputerSystem.Reset": {"target": "/x"}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := Parse([]byte(text))
		if err != nil {
			return
		}
		tree.Dangling()
		tree.Identity()
		b, err := New(Config{Tree: tree, Username: user, Password: password})
		if err != nil {
			return
		}
		defer b.Close()
		c := &client{t: t, bmc: b, handler: b.Handler()}
		for _, uri := range tree.URIs()[:min(len(tree.URIs()), 20)] {
			c.get(uri + "/")
			c.do("PATCH", uri, `{"Boot": {"BootSourceOverrideEnabled": "Once"}, "Attributes": {"a": 1}}`)
			c.do("POST", uri, `{"UserName": "a", "Password": "b", "RoleId": "c", "ResetType": "On"}`)
		}
	})
}
