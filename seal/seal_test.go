package seal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rackwright/fault"
)

func key(t testing.TB, fill byte) *Key {
	t.Helper()
	k, err := NewKey(bytes.Repeat([]byte{fill}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestASealedSecretOpensInItsPlaceOnly(t *testing.T) {
	k := key(t, 1)
	sealed := k.Seal([]byte("calvin"), "bmc/m1/password")
	if plain, err := k.Open(sealed, "bmc/m1/password"); err != nil || string(plain) != "calvin" {
		t.Fatalf("Open = %q, %v", plain, err)
	}
	if strings.Contains(sealed, "calvin") || !strings.HasPrefix(sealed, "rw1."+k.ID()+".") {
		t.Fatalf("envelope %q", sealed)
	}
	if k.Seal([]byte("calvin"), "bmc/m1/password") == sealed {
		t.Error("the same secret seals to the same text twice")
	}
	for name, open := range map[string]func() ([]byte, error){
		"another machine's row": func() ([]byte, error) { return k.Open(sealed, "bmc/m2/password") },
		"another key":           func() ([]byte, error) { return key(t, 2).Open(sealed, "bmc/m1/password") },
	} {
		if plain, err := open(); !fault.Is(err, fault.Denied) || plain != nil || fault.HintOf(err) == "" {
			t.Errorf("%s: %q, %v; want Denied with a hint", name, plain, err)
		}
	}
}

func TestADamagedEnvelopeDoesNotOpen(t *testing.T) {
	k := key(t, 1)
	sealed := k.Seal([]byte("calvin"), "c")
	for i := range sealed {
		damaged := []byte(sealed)
		damaged[i] ^= 1
		if plain, err := k.Open(string(damaged), "c"); err == nil {
			t.Fatalf("opened as %q with byte %d changed", plain, i)
		}
	}
	for _, bad := range []string{"", "rw1", "rw1.." + sealed, "rw2" + sealed[3:], sealed[:20], sealed + "."} {
		if _, err := k.Open(bad, "c"); err == nil {
			t.Errorf("opened %q", bad)
		}
	}
}

func TestDerivedKeysAreStableAndUnrelated(t *testing.T) {
	a := key(t, 1).Derive("tokens")
	if !bytes.Equal(a, key(t, 1).Derive("tokens")) {
		t.Error("the same purpose gives two keys")
	}
	if bytes.Equal(a, key(t, 1).Derive("sessions")) || bytes.Equal(a, key(t, 2).Derive("tokens")) {
		t.Error("two purposes or keys give one secret")
	}
	const want = "502e24af" // fixed: a change would orphan everything sealed before
	if got := key(t, 1).ID(); got != want {
		t.Errorf("key id is %s, was %s", got, want)
	}
}

func TestAKeyNeverPrintsItself(t *testing.T) {
	k := key(t, 0xc7)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", k, "in", struct{ K *Key }{k})
	out := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		out += fmt.Sprintf(verb, k)
	}
	for _, secret := range []string{hex.EncodeToString(k.secret[:4]), "199 199"} {
		if strings.Contains(out, secret) {
			t.Errorf("the secret stands in %s", out)
		}
	}
}

func TestFirstUseCreatesTheKeyAndEveryStarterGetsTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			k, err := Load(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = k.ID()
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("different keys: %v", ids)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != KeySize {
		t.Fatalf("key file: %v, %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestABadKeyFileIsRefusedWithAWayOut(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, size int, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, make([]byte, size), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, path := range map[string]string{
		"readable by others": write("open", KeySize, 0o644),
		"readable by group":  write("group", KeySize, 0o640),
		"too short":          write("short", 31, 0o600),
		"too long":           write("long", 33, 0o600),
		"a directory":        dir,
		"no such directory":  filepath.Join(dir, "none", "key"),
	} {
		if k, err := Load(path); !fault.Is(err, fault.Invalid) || k != nil || fault.HintOf(err) == "" {
			t.Errorf("%s: %v, %v; want Invalid with a hint", name, k, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k := key(f, 1)
	f.Add(k.Seal([]byte("calvin"), "c"), "c")
	f.Add("rw1.00000000.AAAA", "c")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, sealed, context string) {
		if plain, err := k.Open(sealed, context); err != nil && plain != nil {
			t.Fatal("an error with a secret")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	k := key(b, 1)
	for b.Loop() {
		k.Seal([]byte("a password of usual length"), "bmc/0199/password")
	}
}
