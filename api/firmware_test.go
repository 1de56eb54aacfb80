package api_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/firmware"
)

// sendFirmware uploads a file and returns the status and the answer.
func sendFirmware(t *testing.T, url, query, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("POST", url+"/firmware?"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apitest.OperatorSecret)
	r.Header.Set("Content-Type", "application/octet-stream")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer, string(text)
}

const biosQuery = "name=b2&component=bios&version=2&model=x1&model=x2*&from=1.*&requires=bmc%3D1.2&original=BIOS.cap"

func TestAFirmwareUploadIsDescribedByItsQuery(t *testing.T) {
	s, shelf := apitest.Rack(t), &apitest.Shelf{}
	url := apitest.Serve(t, api.Options{Store: s, FirmwareBytes: shelf}) + wire.Prefix
	answer, text := sendFirmware(t, url, biosQuery, "capsule")
	f := decode[firmware.File](t, text)
	if answer.StatusCode != 201 || answer.Header.Get("Location") != wire.Prefix+"/firmware/b2" {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if len(f.Models) != 2 || f.From[0] != "1.*" || f.Requires[0].AtLeast != "1.2" || f.Reset != firmware.ResetHost || f.Size != 7 || f.Original != "BIOS.cap" || !shelf.Has(f.Digest) {
		t.Errorf("%+v", f)
	}
	if answer, text := sendFirmware(t, url, biosQuery, "another"); answer.StatusCode != 409 {
		t.Errorf("another under its name: %s %s", answer.Status, text)
	}
	if answer, text = ask(t, "DELETE", url+"/firmware/b2", ""); answer.StatusCode != 204 || shelf.Has(f.Digest) {
		t.Errorf("removed: %s %s, bytes there: %v", answer.Status, text, shelf.Has(f.Digest))
	}
}

func TestBytesWithoutARecordAreForgotten(t *testing.T) {
	s, shelf := apitest.Rack(t), &apitest.Shelf{}
	url := apitest.Serve(t, api.Options{Store: s, FirmwareBytes: shelf}) + wire.Prefix
	first := decode[firmware.File](t, func() string { _, text := sendFirmware(t, url, biosQuery, "one"); return text }())
	sendFirmware(t, url, biosQuery, "two") // refused: its name is taken
	_, text := sendFirmware(t, url, strings.Replace(biosQuery, "b2", "b3", 1), "two")
	second := decode[firmware.File](t, text)
	if !shelf.Has(first.Digest) || !shelf.Has(second.Digest) {
		t.Error("the bytes of a file are gone")
	}
	s.Fail(fault.Unreachablef("the database is away"))
	if answer, _ := sendFirmware(t, url, strings.Replace(biosQuery, "b2", "b4", 1), "three"); answer.StatusCode < 400 {
		t.Error(answer.Status)
	}
}

func TestAFirmwareUploadThatIsDescribedBadlyNamesEveryField(t *testing.T) {
	url := apitest.Serve(t, api.Options{Store: apitest.Rack(t)}) + wire.Prefix
	for query, want := range map[string]string{
		"name=B&version=2&version=3&colour=red":                     "400 colour version",
		"name=B&version=2&model=*&requires=bmc&reset=now&sha256=zz": "422 component model name requires reset sha256",
	} {
		answer, text := sendFirmware(t, url, query, "x")
		got := strconv.Itoa(answer.StatusCode)
		for _, e := range decode[wire.Problem](t, text).Errors {
			got += " " + strings.TrimPrefix(e.Location, "query.")
		}
		if got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	for query, kind := range map[string]string{biosQuery: "text/html"} {
		r, _ := http.NewRequest("POST", url+"/firmware?"+query, strings.NewReader("<form>"))
		r.Header.Set("Authorization", "Bearer "+apitest.OperatorSecret)
		r.Header.Set("Content-Type", kind)
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.StatusCode != 415 {
			t.Errorf("%s: %v", kind, answer.Status)
		}
		answer.Body.Close()
	}
}

func TestRemovingFirmwareIsWeighedAsWhatDestroys(t *testing.T) {
	url := apitest.Serve(t, api.Options{Store: apitest.Rack(t), TwoPersonsOver: 1}) + wire.Prefix
	for i, want := range []int{204, 202} {
		name := fmt.Sprintf("f%d", i)
		sendFirmware(t, url, strings.Replace(biosQuery, "b2", name, 1), name)
		if answer, text := ask(t, "DELETE", url+"/firmware/"+name, ""); answer.StatusCode != want {
			t.Errorf("%s: %s %s", name, answer.Status, text)
		}
	}
	if answer, _ := ask(t, "GET", url+"/firmware/f1", ""); answer.StatusCode != 200 {
		t.Errorf("what waits is gone: %s", answer.Status)
	}
	if answer, _ := ask(t, "DELETE", url+"/firmware/none", ""); answer.StatusCode != 404 {
		t.Errorf("what is not there: %s", answer.Status)
	}
}
