package deploy_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
)

func aCertificate() deploy.Certificate {
	at := time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)
	return deploy.Certificate{ID: "c1", Machine: deploy.CertifiedMachine{ID: "m", Name: "r1-u10", Vendor: "A<B> & Söhne"}, Disk: deploy.CertifiedDisk{Serial: "S1", Bytes: 8_001_563_222_016},
		Method: "nvme-sanitize-crypto", Pattern: "random", Samples: 292, Began: at, Ended: at.Add(time.Minute), Operation: "op", Actor: "ann"}
}

func keys() (ed25519.PrivateKey, ed25519.PrivateKey) {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
}

func TestACertificateIsVerifiedHoweverItIsLaidOut(t *testing.T) {
	key, other := keys()
	public := key.Public().(ed25519.PublicKey)
	signed, err := deploy.Sign(aCertificate(), key)
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := json.Marshal(signed)
	pretty, _ := json.MarshalIndent(signed, "", "    ")
	var any map[string]any
	_ = json.Unmarshal(plain, &any)
	sorted, _ := json.Marshal(any)
	for _, text := range [][]byte{plain, pretty, sorted} {
		c, err := deploy.VerifyCertificate(text, public)
		if err != nil || c.Disk.Serial != "S1" || c.Key != deploy.KeyID(public) {
			t.Errorf("%v of %s", err, text)
		}
	}
	if _, err := deploy.VerifyCertificate(plain, other.Public().(ed25519.PublicKey)); !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), deploy.KeyID(public)) {
		t.Errorf("with another key: %v", err)
	}
	for was, is := range map[string]string{`"S1"`: `"S2"`, `random`: `zeros`, `8001563222016`: `8001563222017`, `"ann"`: `"bob"`, `"version":1`: `"extra":1,"version":1`} {
		changed := bytes.Replace(plain, []byte(was), []byte(is), 1)
		if _, err := deploy.VerifyCertificate(changed, public); bytes.Equal(changed, plain) || !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "changed") {
			t.Errorf("%s for %s: %v", is, was, err)
		}
	}
	for _, text := range []string{"", "{}", "[]", `{"certificate":{}}`, `{"certificate":{"version":2}}`, `{"certificate":[1]}`} {
		if _, err := deploy.VerifyCertificate([]byte(text), public); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAPublicKeyIsReadAsItIsPrinted(t *testing.T) {
	key, _ := keys()
	public := key.Public().(ed25519.PublicKey)
	if got, err := deploy.ParseKey(" " + deploy.KeyText(public) + "\n"); err != nil || !got.Equal(public) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "ed25519:", "ed25519:AAAA", "rsa:" + deploy.KeyText(public)[8:]} {
		if _, err := deploy.ParseKey(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzACertificateFromAnywhere(f *testing.F) {
	key, _ := keys()
	signed, _ := deploy.Sign(aCertificate(), key)
	plain, _ := json.Marshal(signed)
	f.Add(plain)
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := deploy.VerifyCertificate(text, key.Public().(ed25519.PublicKey)); err == nil && c.Disk.Serial != "S1" {
			t.Errorf("verified %s", text)
		}
	})
}
