package fetch

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
	"time"
)

// quickSHA256 is the quicker, on this processor, of the standard library's SHA-256 and
// plainSHA256. To find out takes 5 ms where both are slow; above 100 MB a second the library's
// is taken without a comparison.
func quickSHA256() func([]byte) [32]byte {
	sample := make([]byte, 16<<10)
	theirs, ours := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for range 3 { // the best of three: somebody else may have had the processor
		began := time.Now()
		_ = sha256.Sum256(sample)
		between := time.Now()
		if theirs = min(theirs, between.Sub(began)); theirs < 160*time.Microsecond {
			return sha256.Sum256
		}
		_ = plainSHA256(sample)
		ours = min(ours, time.Since(between))
	}
	if ours < theirs {
		return plainSHA256
	}
	return sha256.Sum256
}

// plainSHA256 is SHA-256 (FIPS 180-4) in plain Go, for processors that are emulated. Such
// have no SHA instructions and pay dearly for the vectors that the standard library uses
// instead (docs/decisions/0027-write-path.md).
func plainSHA256(p []byte) (sum [sha256.Size]byte) {
	state := [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}
	k := roundConstants()
	whole := len(p) / sha256.BlockSize * sha256.BlockSize
	var tail [2 * sha256.BlockSize]byte // what is left, a one, zeros, the length in bits (section 5.1.1)
	end := sha256.BlockSize
	n := copy(tail[:], p[whole:])
	if tail[n] = 0x80; n >= end-8 {
		end = len(tail)
	}
	binary.BigEndian.PutUint64(tail[end-8:], uint64(len(p))*8)
	var w [64]uint32
	for _, run := range [][]byte{p[:whole], tail[:end]} {
		for ; len(run) >= sha256.BlockSize; run = run[sha256.BlockSize:] {
			schedule(&w, (*[sha256.BlockSize]byte)(run))
			compress(&state, &w, &k)
		}
	}
	for i, v := range state {
		binary.BigEndian.PutUint32(sum[4*i:], v)
	}
	return sum
}

// schedule prepares the words of a block (section 6.2.2, step 1).
func schedule(w *[64]uint32, block *[sha256.BlockSize]byte) {
	for i := range 16 {
		w[i] = binary.BigEndian.Uint32(block[4*i&63:])
	}
	for i := 16; i < 64; i += 4 {
		v := (*[20]uint32)(w[i-16:])
		v[16] = word(v[0], v[1], v[9], v[14])
		v[17] = word(v[1], v[2], v[10], v[15])
		v[18] = word(v[2], v[3], v[11], v[16])
		v[19] = word(v[3], v[4], v[12], v[17])
	}
}

// word is a word of the schedule from the four it depends on. It and round are just small enough
// to be inlined, without which all is half as fast.
func word(a, x, c, y uint32) uint32 {
	return a + (bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3) + c + (bits.RotateLeft32(y, -17) ^ bits.RotateLeft32(y, -19) ^ y>>10)
}

// compress is the 64 rounds over a block (section 6.2.2, steps 2 to 4). Eight rounds bring
// each variable back to its place, so that none is moved.
func compress(state *[8]uint32, w *[64]uint32, k *[64]uint32) {
	a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	for i := 0; i < 64; i += 8 {
		v, k := (*[8]uint32)(w[i:]), (*[8]uint32)(k[i:])
		var t uint32
		t, h = round(a, b, c, e, f, g, h+k[0]+v[0])
		d += t
		t, g = round(h, a, b, d, e, f, g+k[1]+v[1])
		c += t
		t, f = round(g, h, a, c, d, e, f+k[2]+v[2])
		b += t
		t, e = round(f, g, h, b, c, d, e+k[3]+v[3])
		a += t
		t, d = round(e, f, g, a, b, c, d+k[4]+v[4])
		h += t
		t, c = round(d, e, f, h, a, b, c+k[5]+v[5])
		g += t
		t, b = round(c, d, e, g, h, a, b+k[6]+v[6])
		f += t
		t, a = round(b, c, d, f, g, h, a+k[7]+v[7])
		e += t
	}
	for i, v := range [8]uint32{a, b, c, d, e, f, g, h} {
		state[i] += v
	}
}

// round returns T1 and T1+T2; in is h with the round's constant and word.
func round(a, b, c, e, f, g, in uint32) (t1, t12 uint32) {
	t1 = in + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)) + (g ^ e&(f^g))
	return t1, t1 + (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) + (b ^ (a^b)&(b^c))
}

// roundConstants are those of section 4.2.2.
func roundConstants() [64]uint32 {
	return [64]uint32{
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
		0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
		0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
		0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
		0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
		0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
		0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
		0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2}
}
