package proof_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"

	"rackwright/fault"
	"rackwright/images/proof"
)

// signer is a pair of keys of both kinds, trusted or not.
type signer struct {
	mini minisign.PrivateKey
	ec   *ecdsa.PrivateKey
}

func newSigner(t testing.TB, trusting *proof.Keys) signer {
	t.Helper()
	public, private, err := minisign.GenerateKey(rand.Reader)
	ok(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	if trusting != nil {
		text, err := public.MarshalText()
		ok(t, err)
		ok(t, trusting.Add(text))
		ok(t, trusting.Add(pemOf(t, &ec.PublicKey)))
	}
	return signer{private, ec}
}

func pemOf(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	ok(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// byMinisign signs as minisign does since 0.10: a hash of the file.
func (s signer) byMinisign(b []byte) string {
	r := minisign.NewReader(bytes.NewReader(b))
	for buf := make([]byte, 4096); ; {
		if n, err := r.Read(buf); n == 0 || err != nil {
			break
		}
	}
	return string(r.Sign(s.mini))
}

func (s signer) byCosign(t testing.TB, b []byte) string {
	sum := sha256.Sum256(b)
	der, err := ecdsa.SignASN1(rand.Reader, s.ec, sum[:])
	ok(t, err)
	return base64.StdEncoding.EncodeToString(der) + "\n"
}

// judge reads a file in pieces of odd sizes.
func judge(t testing.TB, k *proof.Keys, signature string, b []byte) (string, error) {
	t.Helper()
	j, err := k.Judge(signature)
	if err != nil {
		return "", err
	}
	for n := 1; len(b) > 0; n = n*3 + 1 {
		n = min(n, len(b))
		if _, err := j.Write(b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	return j.Verdict()
}

func TestAFileIsTakenOnlyWithTheSignatureOfATrustedKey(t *testing.T) {
	keys := &proof.Keys{}
	friend, stranger := newSigner(t, keys), newSigner(t, nil)
	file := bytes.Repeat([]byte("an image "), 100_000)
	other := append(bytes.Clone(file), '!')
	for name, c := range map[string]struct {
		signature string
		file      []byte
		good      string
	}{
		"minisign":                       {friend.byMinisign(file), file, "minisign:"},
		"cosign":                         {friend.byCosign(t, file), file, "ecdsa:"},
		"minisign of another file":       {friend.byMinisign(file), other, ""},
		"cosign of another file":         {friend.byCosign(t, file), other, ""},
		"minisign by a stranger":         {stranger.byMinisign(file), file, ""},
		"cosign by a stranger":           {stranger.byCosign(t, file), file, ""},
		"minisign with another comment":  {strings.Replace(friend.byMinisign(file), "trusted comment: ", "trusted comment: x", 2), file, ""},
		"of nothing, to a file of bytes": {friend.byCosign(t, nil), file, ""},
	} {
		who, err := judge(t, keys, c.signature, c.file)
		if c.good == "" && (!fault.Is(err, fault.Denied) || who != "") || c.good != "" && (err != nil || !strings.HasPrefix(who, c.good)) {
			t.Errorf("%s: signed by %q, %v", name, who, err)
		}
	}
	if keys.Len() != 2 {
		t.Error(keys.Len())
	}
}

func TestASignatureOfNoKindIsRefusedBeforeAnythingIsRead(t *testing.T) {
	keys := &proof.Keys{}
	friend := newSigner(t, keys)
	old := string(minisign.Sign(friend.mini, []byte("file")))
	for name, s := range map[string]string{"nothing": "", "text": "hello", "much": strings.Repeat("A", 1<<20), "base64 of text": "aGVsbG8gd29ybGQ=", "minisign of the old kind": old} {
		if _, err := keys.Judge(s); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysAreReadFromFilesAndOthersRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		ok(t, os.WriteFile(path, b, 0o600))
		return path
	}
	public, _, err := minisign.GenerateKey(rand.Reader)
	ok(t, err)
	text, err := public.MarshalText()
	ok(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	ok(t, err)
	keys, err := proof.Load([]string{write("minisign.pub", append(text, '\n')), write("cosign.pub", pemOf(t, &ec.PublicKey))})
	if err != nil || keys.Len() != 2 {
		t.Error(keys, err)
	}
	for name, path := range map[string]string{"no file": filepath.Join(dir, "none"), "text": write("text", []byte("hello")),
		"another curve": write("p384", pemOf(t, &p384.PublicKey)), "a private key": write("key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"}))} {
		if _, err := proof.Load([]string{path}); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzJudge(f *testing.F) {
	keys := &proof.Keys{}
	friend := newSigner(f, keys)
	f.Add(friend.byMinisign([]byte("file")), []byte("file!"))
	f.Add(friend.byCosign(f, []byte("file")), []byte("file!"))
	f.Fuzz(func(t *testing.T, signature string, file []byte) {
		if who, err := judge(t, keys, signature, append(file, "never signed"...)); err == nil {
			t.Errorf("signed by %s", who)
		}
	})
}
