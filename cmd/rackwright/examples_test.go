package main

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"rackwright/config"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/racksim"
)

const examples = "../../docs/examples"

// Every file that people are told to copy is read by the program it is for.
func TestEveryExampleIsRight(t *testing.T) {
	files, err := filepath.Glob(examples + "/*")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		var err error
		switch name := filepath.Base(file); {
		case strings.HasPrefix(name, "racksim-"):
			var text []byte
			if text, err = os.ReadFile(file); err == nil {
				_, err = racksim.Parse(text)
			}
		case strings.HasSuffix(name, ".yaml"):
			_, err = readPlan(&world{err: io.Discard}, file)
		case strings.HasSuffix(name, ".toml"):
			_, err = config.Load(file)
		case strings.HasSuffix(name, ".service"), strings.HasSuffix(name, "-password"):
		default:
			t.Errorf("%s: no program reads it here", name)
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The example plan has every field a plan may have, and the page about plans names them.
func TestTheExamplePlanAndItsPageShowEveryField(t *testing.T) {
	p, err := readPlan(&world{err: io.Discard}, examples+"/rack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/running/rack.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	index := regexp.MustCompile(`\[\d+\]`)
	for path := range p.lines {
		shown[index.ReplaceAllString(path, "")] = true
	}
	for _, path := range planPaths("", reflect.TypeFor[plan.Plan]()) {
		key := path[strings.LastIndex(path, ".")+1:]
		if !shown[path] && key != "password" && !aModelHasNone(path) { // password_file stands for it
			t.Errorf("docs/examples/rack.yaml does not show %s", path)
		}
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("docs/running/rack.md does not explain %s", path)
		}
	}
}

// aModelHasNone tells the fields of power supplies and ports that are one thing's own.
func aModelHasNone(path string) bool {
	return strings.HasPrefix(path, "models.ports.cable") || strings.HasPrefix(path, "models.psus.cable") || path == "models.psus.serial"
}

// The rack of 42 units is one that nothing is to be said against.
func TestTheWholeRackIsPlannedWithoutAWarning(t *testing.T) {
	p, err := readPlan(&world{err: io.Discard}, examples+"/rack-42u.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.plan.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.Against(inventory.Inventory{})
	if err != nil || len(d.Warnings) > 0 || len(w.Machines) != 20 || len(w.Devices) != 4 {
		t.Errorf("%+v, %v", d, err)
	}
	for _, m := range w.Machines {
		if len(m.NICs) != 2 || m.NICs[0].Cable == nil || m.NICs[1].Cable == nil || m.PSUs[0].Cable == nil || m.PSUs[1].Cable == nil {
			t.Errorf("%s is not cabled", m.Name)
		}
	}
}

// planPaths lists the fields of a type and of what is in them.
func planPaths(path string, t reflect.Type) (out []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if path != "" {
		out = append(out, path)
	}
	if t.Kind() == reflect.Struct && !isText(t) {
		for key, f := range yamlFields(t) {
			out = append(out, planPaths(strings.TrimPrefix(path+"."+key, "."), f)...)
		}
	}
	return out
}

// The unit gives the capabilities that the hints and the Dockerfile name.
func TestTheUnitRunsTheServerWithItsCapabilities(t *testing.T) {
	text, err := os.ReadFile(examples + "/rackwright.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Type=notify", "ExecStart=/usr/local/bin/rackwright serve --config ", "AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_NET_ADMIN", "StateDirectory=rackwright"} {
		if !strings.Contains(string(text), "\n"+line) {
			t.Errorf("no line %q", line)
		}
	}
}
