package api_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/images"
)

func TestAnUploadReachesTheImporterAsItComes(t *testing.T) {
	s, first := apitest.Rack(t), make(chan string, 1)
	url := apitest.Serve(t, api.Options{Store: s, Importer: apitest.Importer{First: func(b []byte) { first <- string(b) }}}) + wire.Prefix
	read, write := io.Pipe()
	go func() {
		io.WriteString(write, "head")
		if got := <-first; got != "head" { // the rest is sent only when the importer has the first bytes
			write.CloseWithError(io.ErrUnexpectedEOF)
			return
		}
		io.WriteString(write, strings.Repeat("x", 3<<20))
		write.Close()
	}()
	r, _ := http.NewRequest("POST", url+"/images?name=big", read)
	r.Header.Set("Authorization", "Bearer "+apitest.OperatorSecret)
	r.Header.Set("Content-Type", "application/octet-stream")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	img := decode[images.Image](t, string(text))
	if answer.StatusCode != 201 || img.Bytes != 3<<20+4 || answer.Header.Get("Location") != wire.Prefix+"/images/big" {
		t.Errorf("%s %s %s", answer.Status, answer.Header.Get("Location"), text)
	}
	if _, err := s.Image(t.Context(), "big"); err != nil {
		t.Error(err)
	}
}

func TestAnUploadThatBreaksOffLeavesNoImage(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s}) + wire.Prefix
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	go func() {
		io.WriteString(write, strings.Repeat("x", 1<<20))
		cancel()
		write.CloseWithError(context.Canceled)
	}()
	r, _ := http.NewRequestWithContext(ctx, "POST", url+"/images?name=half", read)
	r.Header.Set("Authorization", "Bearer "+apitest.AdminSecret)
	if answer, err := http.DefaultClient.Do(r); err == nil {
		answer.Body.Close()
		t.Errorf("it was answered %s", answer.Status)
	}
	if _, err := s.Image(t.Context(), "half"); err == nil {
		t.Error("half an image was added")
	}
}

func TestAnImageInUseStaysAndOneThatIsRemovedLosesItsBytes(t *testing.T) {
	s := apitest.Rack(t)
	var forgotten []string
	url := apitest.Serve(t, api.Options{Store: s, Forget: func(_ context.Context, i images.Image) error {
		forgotten = append(forgotten, i.Name)
		return nil
	}}) + wire.Prefix
	o, _ := s.CreateOperation(t.Context(), deploy.Deploy, "m1", deploy.Order{Image: "debian", Digest: "sha256:d"}, "test")
	if answer, _ := ask(t, "DELETE", url+"/images/debian", ""); answer.StatusCode != 409 || len(forgotten) != 0 {
		t.Errorf("in use: %s, forgotten %v", answer.Status, forgotten)
	}
	ask(t, "POST", url+"/operations/"+o.ID+"/cancel", "")
	if answer, text := ask(t, "DELETE", url+"/images/debian", ""); answer.StatusCode != 204 || text != "" || len(forgotten) != 1 {
		t.Errorf("%s %s, forgotten %v", answer.Status, text, forgotten)
	}
	if answer, _ := ask(t, "POST", url+"/images?name=efi-only", "other bytes", "Content-Type: "); answer.StatusCode != 409 || len(forgotten) != 1 {
		t.Errorf("a name that is taken: %s, forgotten %v", answer.Status, forgotten)
	}
}
