package api_test

import (
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/images"
	"rackwright/inventory/plan"
)

// TestNoNameIsHiddenByAPath: where a word of a path stands where others have a name, nothing
// may be called so.
func TestNoNameIsHiddenByAPath(t *testing.T) {
	refused := map[string]func(string) error{
		"{machine}": func(s string) error {
			_, err := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: s, U: 1}}}}}.Resolve()
			return err
		},
		"{image}": func(s string) error { return (&images.ImportOrder{Name: s, URL: "https://example.org/x"}).Check(false) },
		"{file}": func(s string) error {
			return (&firmware.File{Name: s, Component: "bios", Version: "1", Vendor: "v", Original: "v.bin"}).Complete()
		},
	}
	given := map[string]bool{"{id}": true, "{certificate}": true} // by the server, not by people
	all := routes(t)
	for _, r := range all {
		for _, other := range all {
			name, word := hides(r, other)
			switch refuse := refused[name]; {
			case word == "" || given[name]:
			case refuse == nil:
				t.Errorf("%s %s: %q is hidden by %s, and nothing refuses it as a name", r.method, r.path, word, other.path)
			case !fault.Is(refuse(word), fault.Invalid) || refuse(word+"2") != nil:
				t.Errorf("%s: %q as a name: %v, %v", r.path, word, refuse(word), refuse(word+"2"))
			}
		}
	}
}

// hides is the word of another route of the method that stands where this one has a name.
func hides(r, other route) (name, word string) {
	a, b := strings.Split(r.path, "/"), strings.Split(other.path, "/")
	if r.method != other.method || len(a) != len(b) {
		return "", ""
	}
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		if word != "" || !strings.HasPrefix(a[i], "{") || strings.HasPrefix(b[i], "{") {
			return "", ""
		}
		name, word = a[i], b[i]
	}
	return name, word
}

func TestWhatIsNotThereIsNotWeighedForASecondPerson(t *testing.T) {
	url := apitest.Serve(t, api.Options{Store: apitest.Rack(t), TwoPersonsOver: 1}) + wire.Prefix
	for range 3 {
		for method, path := range map[string]string{"DELETE": "/images/none", "POST": "/machines/none/retire"} {
			body := ""
			if method == "POST" {
				body = `{"reason":"sold"}`
			}
			if answer, text := ask(t, method, url+path, body); answer.StatusCode != 404 {
				t.Errorf("%s: %s %s", path, answer.Status, text)
			}
		}
	}
}
