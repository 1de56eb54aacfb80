package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/images"
)

// tus sends one request of an upload.
func tus(t *testing.T, method, url, body string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apitest.OperatorSecret)
	r.Header.Set("Content-Type", "application/offset+octet-stream")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer
}

func TestAnUploadInPiecesIsAnImageWithItsLastByte(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s}) + wire.Prefix
	answer, text := ask(t, "POST", url+"/images/uploads", `{"name":"pieces","bytes":10}`)
	if answer.StatusCode != 201 || !strings.HasPrefix(answer.Header.Get("Location"), wire.Prefix+"/images/uploads/") {
		t.Fatalf("%s %s", answer.Status, text)
	}
	at := url + strings.TrimPrefix(answer.Header.Get("Location"), wire.Prefix)
	for _, c := range []struct {
		what, body, offset string
		status             int
		there              string
	}{
		{"the first piece", "01234", "0", 204, "5"},
		{"the same again", "01234", "0", 409, "5"},
		{"no offset", "56", "five", 400, "5"},
		{"nothing", "", "5", 204, "5"},
		{"the rest", "56789", "5", 204, "10"},
		{"more", "x", "10", 409, "10"},
	} {
		answer := tus(t, "PATCH", at, c.body, "Upload-Offset: "+c.offset)
		if answer.StatusCode != c.status || answer.Header.Get("Upload-Offset") != c.there || answer.Header.Get("Tus-Resumable") != "1.0.0" {
			t.Errorf("%s: %s, offset %s", c.what, answer.Status, answer.Header.Get("Upload-Offset"))
		}
	}
	if answer := tus(t, "HEAD", at, ""); answer.StatusCode != 200 || answer.Header.Get("Upload-Offset") != "10" || answer.Header.Get("Upload-Length") != "10" {
		t.Errorf("%s %v", answer.Status, answer.Header)
	}
	if i, err := s.Image(t.Context(), "pieces"); err != nil || i.Bytes != 10 {
		t.Error(i, err)
	}
}

func TestTheSizeOfAnUploadMayComeLast(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s}) + wire.Prefix
	answer, _ := ask(t, "POST", url+"/images/uploads", `{"name":"late"}`)
	at := url + strings.TrimPrefix(answer.Header.Get("Location"), wire.Prefix)
	if answer := tus(t, "PATCH", at, "0123", "Upload-Offset: 0"); answer.StatusCode != 204 || answer.Header.Get("Upload-Defer-Length") != "1" {
		t.Errorf("%s %v", answer.Status, answer.Header)
	}
	for length, status := range map[string]int{"-4": 400, "x": 400} {
		if answer := tus(t, "PATCH", at, "", "Upload-Offset: 4", "Upload-Length: "+length); answer.StatusCode != status {
			t.Errorf("%s: %s", length, answer.Status)
		}
	}
	if answer := tus(t, "PATCH", at, "", "Upload-Offset: 4", "Upload-Length: 4"); answer.StatusCode != 204 {
		t.Error(answer.Status)
	}
	if _, err := s.Image(t.Context(), "late"); err != nil {
		t.Error(err)
	}
}

func TestAnUploadHasOneForm(t *testing.T) {
	url := apitest.Serve(t, api.Options{Store: apitest.Rack(t)}) + wire.Prefix
	for body, want := range map[string]string{
		`{"name":"x","url":"https://mirror/x"}`: "uploaded part by part",
		`{"name":"x","kind":"netboot"}`:         "uploaded part by part",
		`{"name":"No!"}`:                        "is not an image name",
		`{"name":"x","kind":"disc"}`:            "kind",
		`{"name":"x","colour":"red"}`:           "colour",
	} {
		if answer, text := ask(t, "POST", url+"/images/uploads", body); answer.StatusCode != 422 || !strings.Contains(text, want) {
			t.Errorf("%s: %s %s", body, answer.Status, text)
		}
	}
	if answer := tus(t, "PATCH", url+"/images/uploads/none", "x", "Upload-Offset: 0"); answer.StatusCode != 404 {
		t.Error(answer.Status)
	}
	answer, _ := ask(t, "POST", url+"/images/uploads", `{"name":"x","bytes":4}`)
	at := url + strings.TrimPrefix(answer.Header.Get("Location"), wire.Prefix)
	if answer := tus(t, "PATCH", at, "0123", "Upload-Offset: 0", "Content-Type: application/octet-stream"); answer.StatusCode != 415 {
		t.Error(answer.Status)
	}
	if answer := tus(t, "PATCH", at, "0123", "Upload-Offset: 0", "Upload-Length: 5"); answer.StatusCode != 409 {
		t.Error(answer.Status)
	}
}

func TestAnUploadDoesNotEndUnderAnotherDigest(t *testing.T) {
	url := apitest.Serve(t, api.Options{Store: apitest.Rack(t)}) + wire.Prefix
	sum, other := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	for name, c := range map[string]struct {
		began, header string
		status        int
	}{
		"a digest, of one without":      {`{"name":"x","bytes":4}`, wire.UploadSHA256 + ": " + sum, 409},
		"another digest":                {`{"name":"x","bytes":4,"sha256":"` + sum + `"}`, wire.UploadSHA256 + ": " + other, 409},
		"no digest, of one with":        {`{"name":"x","bytes":4,"sha256":"` + sum + `"}`, wire.UploadSHA256 + ": none", 409},
		"a signature, of one without":   {`{"name":"x","bytes":4}`, wire.UploadSignature + ": " + sum, 409},
		"the digest it began with":      {`{"name":"x","bytes":5,"sha256":"` + sum + `"}`, wire.UploadSHA256 + ": " + sum, 204},
		"none, of one without":          {`{"name":"x","bytes":5}`, wire.UploadSHA256 + ": none", 204},
		"a digest that is not a digest": {`{"name":"x","bytes":4}`, wire.UploadSHA256 + ": x", 409},
	} {
		answer, text := ask(t, "POST", url+"/images/uploads", c.began)
		if strings.Contains(c.began, sum) != strings.Contains(text, sum) {
			t.Errorf("%s: it does not say what it was begun with: %s", name, text)
		}
		at := url + strings.TrimPrefix(answer.Header.Get("Location"), wire.Prefix)
		if answer := tus(t, "PATCH", at, "0123", "Upload-Offset: 0", c.header); answer.StatusCode != c.status {
			t.Errorf("%s: %s", name, answer.Status)
		}
	}
}

func TestAnImportIsBegunShownAndForgotten(t *testing.T) {
	url := apitest.Serve(t, api.Options{Store: apitest.Rack(t)}) + wire.Prefix
	answer, text := ask(t, "POST", url+"/images/imports", `{"name":"far","url":"https://mirror/disk.raw?key=secret"}`)
	i := decode[images.Import](t, text)
	if answer.StatusCode != 202 || answer.Header.Get("Location") != wire.Prefix+"/images/imports/"+i.ID || strings.Contains(text, "secret") {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if answer, text := ask(t, "GET", url+"/images/imports/"+i.ID, ""); answer.StatusCode != 200 || decode[images.Import](t, text).State != images.Done {
		t.Errorf("%s %s", answer.Status, text)
	}
	if answer, text := ask(t, "GET", url+"/images/imports", ""); answer.StatusCode != 200 || !strings.Contains(text, i.ID) {
		t.Errorf("%s %s", answer.Status, text)
	}
	if answer, _ := ask(t, "DELETE", url+"/images/imports/"+i.ID, ""); answer.StatusCode != 204 {
		t.Error(answer.Status)
	}
	if answer, _ := ask(t, "GET", url+"/images/imports/"+i.ID, ""); answer.StatusCode != 404 {
		t.Error(answer.Status)
	}
	if answer, text := ask(t, "POST", url+"/images/imports", `{"name":"far"}`); answer.StatusCode != 422 || !strings.Contains(text, "exactly one of url, oci and path") {
		t.Errorf("%s %s", answer.Status, text)
	}
}
