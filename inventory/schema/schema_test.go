package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"rackwright/inventory/schema"
)

const docs = "../../docs/"

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := schema.Plan()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("plan.json", doc); err != nil {
		t.Fatal(err)
	}
	out, err := c.Compile("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// check validates each document of a YAML text as an editor does.
func check(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	docs := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc any
		if err := docs.Decode(&doc); err != nil {
			return nil
		}
		if err := s.Validate(doc); err != nil {
			return err
		}
	}
}

func TestThePublishedSchemaIsTheOneOfTheTypes(t *testing.T) {
	want, err := schema.Plan()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(docs + "plan.schema.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/plan.schema.json is old (%v): run go generate ./inventory/schema", err)
	}
}

func TestEveryExamplePlanFitsTheSchemaAndNamesIt(t *testing.T) {
	s, plans := compiled(t), 0
	files, err := filepath.Glob(docs + "examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "racksim-") {
			continue
		}
		plans++
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# yaml-language-server: $schema=../plan.schema.json\n") {
			t.Errorf("%s does not name the schema for editors", file)
		}
		if err := check(t, s, string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if plans == 0 {
		t.Error("no example plan was found")
	}
}

// A field that was renamed would lose what is said of it here.
func TestEveryFieldThatIsNarrowedIsThere(t *testing.T) {
	fields := schema.Fields()
	for _, form := range schema.Forms() {
		if !fields[form] {
			t.Errorf("a plan has no field %s", form)
		}
	}
}

func TestRightPlansFit(t *testing.T) {
	s := compiled(t)
	for name, text := range map[string]string{
		"nothing but a site":         "site: lab\n",
		"a later document":           "site: lab\n---\nracks: [{name: r1}]\n",
		"a serial of digits":         "racks: [{name: r1, machines: [{name: m1, u: 1, serial: 12345}]}]\n",
		"a port called by a number":  "racks: [{name: r1, devices: [{name: l1, ports: [{name: 7}]}]}]\n",
		"a label that is a number":   "racks: [{name: r1, labels: {zone: 7, spare: true}}]\n",
		"a password beside the plan": "racks: [{name: r1, machines: [{name: m1, u: 1, bmc: {address: 'https://10.0.0.1', password_file: p}}]}]\n",
		"a cable":                    "racks: [{name: r1, machines: [{name: m1, u: 1, nics: [{mac: 5254.0000.0001, cable: {to: 'leaf-1:Eth1/14', length_m: 2.5}}]}]}]\n",
		"a model":                    "models: [{name: m, kind: machine, psus: [{name: psu1, connector: c14}], parts: {dimms: [{slot: A1, size_mib: 32768}]}}]\n",
		"a feed of three phases":     "racks: [{name: r1, feeds: [{name: A, volts: 400, amps: 32, phases: 3}]}]\n",
	} {
		if err := check(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongPlansDoNotFit(t *testing.T) {
	s := compiled(t)
	for name, text := range map[string]string{
		"an unknown key":               "sites: lab\n",
		"an unknown key deep inside":   "racks: [{name: r1, machines: [{name: m1, u: 1, nics: [{mc: 1}]}]}]\n",
		"an unknown key of a model":    "models: [{name: m, wats: 5}]\n",
		"a list that is a text":        "racks: many\n",
		"a number that is a text":      "racks: [{name: r1, units: many}]\n",
		"a text that is a list":        "racks: [{name: [r1]}]\n",
		"a rack without a name":        "racks: [{units: 42}]\n",
		"a name that is none":          "racks: [{name: R 1}]\n",
		"no such face":                 "racks: [{name: r1, machines: [{name: m1, face: side}]}]\n",
		"no such firmware":             "racks: [{name: r1, machines: [{name: m1, firmware: efi}]}]\n",
		"no such purpose":              "networks: [{name: n, cidr: 10.0.0.0/24, purpose: lan}]\n",
		"no such disk":                 "racks: [{name: r1, machines: [{name: m1, root_disk: {type: tape}}]}]\n",
		"a feed of two phases":         "racks: [{name: r1, feeds: [{name: A, volts: 400, amps: 32, phases: 2}]}]\n",
		"a machine above 100 units":    "racks: [{name: r1, machines: [{name: m1, u: 101}]}]\n",
		"a MAC that is none":           "racks: [{name: r1, machines: [{name: m1, nics: [{mac: 52-54}]}]}]\n",
		"a cable to no port":           "racks: [{name: r1, machines: [{name: m1, nics: [{cable: {to: leaf-1}}]}]}]\n",
		"a cable of no type":           "racks: [{name: r1, machines: [{name: m1, nics: [{cable: {to: 'l:1', type: rope}}]}]}]\n",
		"a cable to nothing":           "racks: [{name: r1, machines: [{name: m1, nics: [{cable: {label: x}}]}]}]\n",
		"a password twice":             "racks: [{name: r1, machines: [{name: m1, bmc: {address: 'https://x', password: a, password_file: b}}]}]\n",
		"a negative weight":            "racks: [{name: r1, weight_limit_kg: -1}]\n",
		"a network that is no network": "networks: [{name: n, cidr: ten}]\n",
	} {
		if check(t, s, text) == nil {
			t.Errorf("%s passed", name)
		}
	}
}
