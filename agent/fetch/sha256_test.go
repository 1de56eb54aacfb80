package fetch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The examples NIST publishes for FIPS 180-4, and the empty message.
func TestPlainSHA256IsSHA256(t *testing.T) {
	for message, want := range map[string]string{
		"":    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	} {
		if got := plainSHA256([]byte(message)); hex.EncodeToString(got[:]) != want {
			t.Errorf("%q: %x", message, got)
		}
	}
}

func TestPlainSHA256PadsEveryLength(t *testing.T) {
	p := bytes.Repeat([]byte{0xff, 0, 0x80, 1, 0x7f}, 60)
	for n := range len(p) {
		if plainSHA256(p[:n]) != sha256.Sum256(p[:n]) {
			t.Errorf("of %d bytes it is another", n)
		}
	}
}

func TestWhicheverSHA256IsQuickerItIsSHA256(t *testing.T) {
	p := bytes.Repeat([]byte("chunk"), 10_000)
	if quickSHA256()(p) != sha256.Sum256(p) {
		t.Error("it is another")
	}
}

func FuzzPlainSHA256(f *testing.F) {
	f.Add([]byte("abc"))
	f.Add(make([]byte, 119))
	f.Fuzz(func(t *testing.T, p []byte) {
		if plainSHA256(p) != sha256.Sum256(p) {
			t.Errorf("of %x it is another", p)
		}
	})
}

func BenchmarkSHA256(b *testing.B) {
	p := make([]byte, 1<<20)
	for name, sum := range map[string]func([]byte) [32]byte{"library": sha256.Sum256, "plain": plainSHA256} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				_ = sum(p)
			}
		})
	}
}
