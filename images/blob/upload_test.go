package blob_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/blob"
)

func TestAnUploadGrowsByWhatArrives(t *testing.T) {
	s, _ := open(t)
	const id = "0199c7a0-7d2b-7cc3-98c4-5d0c3a1e6f00"
	put := func(at int64, text string) (int64, error) {
		return s.AppendUpload(t.Context(), id, at, strings.NewReader(text), 10, images.KindPart)
	}
	if n, err := put(0, "01234"); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := put(3, "345"); n != 5 || !fault.Is(err, fault.Conflict) {
		t.Errorf("at another place: %d, %v", n, err)
	}
	if n, err := put(5, "5678901"); n != 5 || !fault.Is(err, fault.Conflict) {
		t.Errorf("more than was said: %d, %v", n, err)
	}
	if n, err := put(5, "56789"); n != 10 || err != nil {
		t.Error(n, err)
	}
	f, err := s.OpenUpload(id)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(f)
	f.Close()
	if ids, err := s.Uploads(); string(b) != "0123456789" || err != nil || !slices.Equal(ids, []string{id}) {
		t.Error(string(b), ids, err)
	}
	if _, err := s.AppendUpload(t.Context(), "../x", 0, strings.NewReader("x"), 0, images.KindPart); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := s.AppendUpload(t.Context(), id[:35]+"1", 0, strings.NewReader(strings.Repeat("text\n", 20_000)), 0, images.KindDisk); !fault.Is(err, fault.Invalid) {
		t.Errorf("what is no disk: %v", err)
	}
}

// signer signs every file, or none.
type signer struct {
	sum []byte
	err error
}

func (s *signer) Write(p []byte) (int, error) { s.sum = append(s.sum, p...); return len(p), nil }
func (s *signer) Verdict() (string, error) {
	h := sha256.Sum256(s.sum)
	return hex.EncodeToString(h[:]), s.err
}

func TestASignatureIsJudgedOnTheFileAsItCame(t *testing.T) {
	version := versions(t, 1)
	s, dir := open(t)
	file := wrap(t, version(1), asGzip)
	in, err := s.Import(t.Context(), bytes.NewReader(file), blob.Options{Proof: &signer{}})
	if err != nil || "sha256:"+in.Signed != sha(file) {
		t.Errorf("signed %q, %v", in.Signed, err)
	}
	for _, kind := range []images.Kind{images.KindDisk, images.KindPart} {
		if _, err := s.Import(t.Context(), bytes.NewReader(version(3)), blob.Options{Kind: kind, Proof: &signer{err: fault.Deniedf("nobody's")}}); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	wantImages(t, dir, &in.Manifest)
}
