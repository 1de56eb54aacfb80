package qemu

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func TestFirmwareIsGivenTheCertificatesOfAFileAndNoKey(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	der := server.Certificate().Raw
	from, to := filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "authorities.esl")
	put := func(file []byte, enrolled ...byte) error {
		if err := os.WriteFile(from, file, 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := authorities(from, enrolled)
		if err != nil {
			t.Fatal(err)
		}
		return setAuthorities(text, to)
	}
	one := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})
	if err := put(append(key, one...), one...); err != nil {
		t.Fatal(err)
	}
	lists, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	whole := listHeader + owner + len(der)
	if len(lists) != 2*whole || int(binary.LittleEndian.Uint32(lists[16:])) != whole || int(binary.LittleEndian.Uint32(lists[24:])) != owner+len(der) ||
		!bytes.Equal(lists[whole-len(der):whole], der) || !bytes.Equal(lists[:whole], lists[whole:]) {
		t.Errorf("%d bytes: % x", len(lists), lists[:min(64, len(lists))])
	}
	for name, text := range map[string][]byte{"nothing": nil, "a key alone": key, "no certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})} {
		if put(text) == nil {
			t.Errorf("%s is taken for an authority", name)
		}
	}
}
