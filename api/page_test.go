package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/inventory"
)

func TestListsAreReadPageByPage(t *testing.T) {
	_, url := rack(t)
	var racks strings.Builder
	for i := range 6 {
		fmt.Fprintf(&racks, `{"name":"x%d"},`, i)
	}
	if answer, text := ask(t, "POST", url+"/plans/apply", `{"site":"lab","racks":[`+strings.TrimSuffix(racks.String(), ",")+`]}`); answer.StatusCode != 200 {
		t.Fatalf("%s %s", answer.Status, text)
	}
	_, text := ask(t, "GET", url+"/racks", "")
	var want, got []string
	for _, r := range decode[wire.List[inventory.Rack]](t, text).Items {
		want = append(want, r.Name)
	}
	for page, token := 0, ""; page == 0 || token != ""; page++ {
		_, text := ask(t, "GET", url+"/racks?limit=2&page_token="+token, "")
		list := decode[wire.List[inventory.Rack]](t, text)
		if len(list.Items) > 2 || page > len(want) {
			t.Fatalf("page %d: %s", page, text)
		}
		for _, r := range list.Items {
			got = append(got, r.Name)
		}
		token = list.Next
	}
	if len(want) < 7 || !slices.Equal(got, want) || !slices.IsSorted(want) {
		t.Errorf("page by page %q, at once %q", got, want)
	}
	for _, path := range []string{"/racks?limit=0", "/devices?limit=1001", "/leases?limit=-1"} {
		if answer, text := ask(t, "GET", url+path, ""); answer.StatusCode != 422 {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
}
