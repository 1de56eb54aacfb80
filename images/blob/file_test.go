package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"testing/iotest"

	"rackwright/fault"
	"rackwright/images/blob"
)

func TestAFileIsKeptByItsDigestBesideTheImages(t *testing.T) {
	dir := t.TempDir()
	s, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("firmware"), 1000)
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	for range 2 {
		digest, size, err := s.Put(t.Context(), bytes.NewReader(body), hash, 1<<20)
		if err != nil || digest != "sha256:"+hash || size != 8000 {
			t.Fatal(digest, size, err)
		}
	}
	if err := s.Remove("sha256:" + hash); !fault.Is(err, fault.NotFound) {
		t.Errorf("removing an image of that digest: %v", err)
	}
	if s, err = blob.Open(dir); err != nil { // the next start sweeps
		t.Fatal(err)
	}
	f, err := s.OpenFile("sha256:" + hash)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := s.RemoveFile("sha256:" + hash); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, body) {
		t.Errorf("a file that is being read was cut off: %v", err)
	}
	if _, err := s.OpenFile("sha256:" + hash); !fault.Is(err, fault.NotFound) || fault.HintOf(err) == "" {
		t.Errorf("opened after it was removed: %v", err)
	}
	if err := s.RemoveFile("sha256:" + hash); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := s.OpenFile("../../etc/passwd"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a digest that is a path: %v", err)
	}
}

func TestAFileThatIsRefusedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		ctx    context.Context
		r      io.Reader
		expect string
		kind   fault.Kind
	}{
		"empty":         {t.Context(), bytes.NewReader(nil), "", fault.Invalid},
		"too large":     {t.Context(), bytes.NewReader(make([]byte, 101)), "", fault.Invalid},
		"another":       {t.Context(), bytes.NewReader([]byte("x")), hex.EncodeToString(make([]byte, 32)), fault.Invalid},
		"no digest":     {t.Context(), bytes.NewReader([]byte("x")), "zz", fault.Invalid},
		"breaks off":    {t.Context(), iotest.ErrReader(errors.New("reset")), "", fault.Unreachable},
		"was cancelled": {ended, bytes.NewReader([]byte("x")), "", fault.Unreachable},
	} {
		if _, _, err := s.Put(c.ctx, c.r, c.expect, 100); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range left {
		if filepath.Base(f) != ".lock" {
			t.Errorf("%s stays", f)
		}
	}
}
