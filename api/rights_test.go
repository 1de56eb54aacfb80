package api

import (
	"encoding/json"
	"slices"
	"testing"

	"rackwright/access"
)

// described are the routes of the interface's own description.
func described(t *testing.T) map[string]Need {
	t.Helper()
	text, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID    string       `json:"operationId"`
			Right access.Right `json:"x-right"`
			Reach Reach        `json:"x-reach"`
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]Need{}
	for path, methods := range doc.Paths {
		for method, o := range methods {
			if _, twice := out[o.ID]; o.ID == "" || twice {
				t.Errorf("%s %s has no id of its own", method, path)
			}
			out[o.ID] = Need{o.Right, o.Reach}
		}
	}
	return out
}

func TestEveryRouteHasARowOfWhatItNeedsAndEveryRowARoute(t *testing.T) {
	routes := described(t)
	for id, said := range routes {
		if row, ok := needs[id]; !ok {
			t.Errorf("route %s has no row in rights.go", id)
		} else if row != said {
			t.Errorf("route %s is described as %v; its row says %v", id, said, row)
		}
	}
	reaches := []Reach{Open, Shared, Listed, AtMachine, AtRack, AtWork, Whole}
	for id, row := range needs {
		if _, ok := routes[id]; !ok {
			t.Errorf("row %s in rights.go has no route", id)
		}
		if !slices.Contains(reaches, row.Reach) || (row.Right == "") != (row.Reach == Open) || row.Right != "" && row.Right.What() == "" {
			t.Errorf("row %s says %v", id, row)
		}
	}
}

func TestARouteWithoutARowIsForAdminsOnly(t *testing.T) {
	if n := needOf("launch-rocket"); n != (Need{access.Govern, Whole}) {
		t.Error(n)
	}
}
