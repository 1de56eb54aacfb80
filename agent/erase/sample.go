package erase

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"rackwright/agent/direct"
)

// sampleBytes are read at each place; no disk in use has larger blocks.
const sampleBytes = 4096

// Bounds of the random places.
const (
	minSamples = 16
	maxSamples = 4096
)

// sample is a place of the disk and what it held before.
type sample struct {
	at    int64
	sum   [sha256.Size]byte
	blank bool // one byte all over: finding the same again says nothing
}

// sample reads what the disk holds at fixed places, where tables and superblocks are, and
// at random ones. Half of the random places are marked with noise first, so that an empty
// disk, or one that lies, has something to lose as well.
func (j *Job) sample() ([]sample, error) {
	b := direct.Buffer(sampleBytes, 0)
	var out []sample
	for i, at := range j.places() {
		if i%2 == 1 { // a fixed place in front is never marked: see places
			if err := j.mark(b, at); err != nil {
				return nil, err
			}
		}
		if err := j.read(b, at); err != nil {
			continue // a place that was bad before is not held against the method
		}
		out = append(out, sample{at, sha256.Sum256(b), blank(b)})
	}
	if len(out) == 0 {
		return nil, errors.New("no place of the disk can be read")
	}
	return out, j.Drive.Flush()
}

func (j *Job) mark(b []byte, at int64) error {
	if _, err := io.ReadFull(j.Random, b); err != nil {
		return err
	}
	_, err := j.Drive.WriteAt(b, at)
	if err != nil {
		j.say("%s: byte %d cannot be marked: %v", j.Disk.Label(), at, err)
	}
	return nil // the drive may refuse writes and still be able to erase itself
}

// places alternates the fixed places with random ones, then random ones follow.
func (j *Job) places() []int64 {
	size := j.Drive.Size() / sampleBytes * sampleBytes
	random := func() int64 {
		var n [8]byte
		_, _ = io.ReadFull(j.Random, n[:])
		return int64(binary.LittleEndian.Uint64(n[:])%uint64(max(size/sampleBytes, 1))) * sampleBytes
	}
	fixed := []int64{0, 4 << 10, 8 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20, 2 << 20,
		size - 4<<10, size - 8<<10, size - 12<<10, size - 64<<10, size - 128<<10, size - 256<<10, size - 512<<10, size - 1<<20, size - 2<<20}
	var out []int64
	for _, at := range fixed {
		if at >= 0 && at+sampleBytes <= size && !slices.Contains(out, at) {
			out = append(out, at, random())
		}
	}
	for range min(max(j.Samples, minSamples), maxSamples) {
		out = append(out, random())
	}
	return out
}

// prove reads the samples again: none holds what it held before, and all are zeros where
// the method promises that. It names what is there instead.
func (j *Job) prove(samples []sample, zeros bool) (pattern string, err error) {
	b := direct.Buffer(sampleBytes, 0)
	old, firstOld, others := 0, int64(0), map[string]int{}
	for _, s := range samples {
		if err := j.read(b, s.at); err != nil {
			return "", fmt.Errorf("byte %d cannot be read back: %w", s.at, err)
		}
		if !s.blank && sha256.Sum256(b) == s.sum {
			if old++; old == 1 {
				firstOld = s.at
			}
		}
		others[patternOf(b)]++
	}
	if old > 0 {
		return "", fmt.Errorf("%d of %d samples still hold the old data, the first at byte %d", old, len(samples), firstOld)
	}
	for name, n := range others {
		if n == len(samples) {
			pattern = name
		}
	}
	if zeros && pattern != "zeros" {
		return "", fmt.Errorf("only %d of %d samples read as zeros", others["zeros"], len(samples))
	}
	if pattern == "" {
		pattern = "changed"
	}
	return pattern, nil
}

func (j *Job) read(b []byte, at int64) error {
	n, err := j.Drive.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}

// patternOf names what a sample reads as. Noise has nearly all byte values, none of them
// often: of 4096 random bytes each value comes 16 times, and above 64 times never.
func patternOf(b []byte) string {
	if blank(b) {
		return cmp.Or(map[byte]string{0: "zeros", 0xff: "ones"}[b[0]], "changed")
	}
	var count [256]int
	for _, c := range b {
		count[c]++
	}
	if slices.Max(count[:]) <= 64 {
		return "random"
	}
	return "changed"
}
