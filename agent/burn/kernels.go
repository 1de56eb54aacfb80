package burn

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/big"
	"math/bits"
	"math/cmplx"
)

// kernel is arithmetic with a known result, some milliseconds of it.
type kernel struct {
	name string
	run  func() uint64
	want uint64
}

// The results of the hashes are those of other implementations of the standards (see the
// tests); the rest is known from mathematics, whatever the processor.
const (
	wantSHA256 = 0x30e14955ebf13522 // first 8 bytes of SHA-256 (FIPS 180-4) of zeros
	wantAES    = 0xf5cf6a662d5b479f
	wantCRC32C = 0xeef974ee
	wantPrimes = 82025 // below 2^20 (OEIS A007053)
)

// kernels uses the parts of a core in turn: vector units, AES and SHA instructions,
// integer multipliers, floating point, branches and caches.
func kernels() []kernel {
	return []kernel{
		{"SHA-256", sumSHA256, wantSHA256},
		{"AES-256", sumAES, wantAES},
		{"CRC-32C", sumCRC, wantCRC32C},
		{"a count of primes", countPrimes, wantPrimes},
		{"a Lucas-Lehmer test", lucasLehmer, 0},
		{"a Fourier transform", fourier, 0},
		{"a matrix product", matrix, 0},
		{"wide multiplication", wide, 0},
	}
}

const block = 1 << 20

func sumSHA256() uint64 {
	sum := sha256.Sum256(make([]byte, block))
	return binary.BigEndian.Uint64(sum[:])
}

// sumAES is the last block of AES-256 in counter mode (SP 800-38A section 6.5) with a key
// and counter of zeros over zeros.
func sumAES() uint64 {
	c, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return math.MaxUint64
	}
	b := make([]byte, block)
	cipher.NewCTR(c, make([]byte, aes.BlockSize)).XORKeyStream(b, b)
	return binary.BigEndian.Uint64(b[block-8:])
}

// sumCRC is CRC-32C (RFC 3720 appendix B.4) of a counter.
func sumCRC() uint64 {
	b := make([]byte, block)
	for i := 0; i < block; i += 4 {
		binary.LittleEndian.PutUint32(b[i:], uint32(i))
	}
	return uint64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// countPrimes is the sieve of Eratosthenes below 2^20.
func countPrimes() uint64 {
	composite := make([]bool, 1<<20)
	n := uint64(0)
	for i := 2; i < len(composite); i++ {
		if composite[i] {
			continue
		}
		n++
		for k := i * i; k < len(composite); k += i {
			composite[k] = true
		}
	}
	return n
}

// lucasLehmer is 0: 2^1279-1 is prime.
func lucasLehmer() uint64 {
	const p = 1279
	m := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), p), big.NewInt(1))
	s, two, low, high := big.NewInt(4), big.NewInt(2), new(big.Int), new(big.Int)
	for range p - 2 {
		s.Mul(s, s).Sub(s, two)
		for s.BitLen() > p { // modulo 2^p-1: what is above comes down
			s.Add(low.And(s, m), high.Rsh(s, p))
		}
	}
	if s.Cmp(m) == 0 {
		return 0
	}
	return s.Uint64() | uint64(s.BitLen())
}

// fourier transforms a signal there and back and counts the values that are not what they
// were.
func fourier() uint64 {
	const n = 1 << 13
	signal := make([]complex128, n)
	for i := range signal {
		signal[i] = complex(float64(i*7919%1009)-504, float64(i*104729%997)-498)
	}
	a := append([]complex128(nil), signal...)
	transform(a, -1)
	transform(a, 1)
	wrong := uint64(0)
	for i, v := range a {
		if !(cmplx.Abs(v/n-signal[i]) < 1e-9) {
			wrong++
		}
	}
	return wrong
}

// transform is the Fourier transform of Cooley and Tukey, in place.
func transform(a []complex128, sign float64) {
	n := len(a)
	shift := 64 - bits.Len(uint(n-1))
	for i := range a {
		if k := int(bits.Reverse64(uint64(i)) >> shift); i < k {
			a[i], a[k] = a[k], a[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		for k := range size / 2 {
			w := cmplx.Rect(1, sign*2*math.Pi*float64(k)/float64(size))
			for i := k; i < n; i += size {
				u, v := a[i], a[i+size/2]*w
				a[i], a[i+size/2] = u+v, u-v
			}
		}
	}
}

// matrix multiplies matrices of small whole numbers in floating point, where that is
// exact, and in integers, and counts the differences.
func matrix() uint64 {
	const n = 72
	var a, b, c [n][n]float64
	for i := range n {
		for k := range n {
			a[i][k], b[i][k] = float64((i*31+k*17)%101), float64((i*13+k*29)%103)
		}
	}
	for i := range n {
		for k := range n {
			x := a[i][k]
			for j := range n {
				c[i][j] += x * b[k][j]
			}
		}
	}
	wrong := uint64(0)
	for i := range n {
		for j := range n {
			sum := int64(0)
			for k := range n {
				sum += int64((i*31+k*17)%101) * int64((k*13+j*29)%103)
			}
			if c[i][j] != float64(sum) {
				wrong++
			}
		}
	}
	return wrong
}

// wide multiplies and divides 64 by 64 bits and counts what does not come back.
func wide() uint64 {
	x, wrong := uint64(0x9e3779b97f4a7c15), uint64(0)
	for range 100_000 {
		x = mix(x)
		y := mix(x^0xabcdef) | 1
		hi, lo := bits.Mul64(x, y)
		if back, rest := bits.Div64(hi, lo, y); hi < y && (back != x || rest != 0) {
			wrong++
		}
	}
	return wrong
}

// mix spreads the bits of a number (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
