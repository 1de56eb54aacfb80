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
		case strings.HasSuffix(name, ".service"), name == "bmc-password":
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
	for _, path := range planPaths("", reflect.TypeFor[inventory.Plan]()) {
		key := path[strings.LastIndex(path, ".")+1:]
		if !shown[path] && key != "password" { // password_file stands for it
			t.Errorf("docs/examples/rack.yaml does not show %s", path)
		}
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("docs/running/rack.md does not explain %s", path)
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
	if t.Kind() == reflect.Struct {
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
	for _, line := range []string{"ExecStart=/usr/local/bin/rackwright serve --config ", "AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_NET_ADMIN", "StateDirectory=rackwright"} {
		if !strings.Contains(string(text), "\n"+line) {
			t.Errorf("no line %q", line)
		}
	}
}
