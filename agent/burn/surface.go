package burn

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"rackwright/agent/direct"
)

// Sizes and bounds of disk work.
const (
	readBlock   = 1 << 20
	batch       = 32 // blocks written before they are read back
	learning    = 16 // reads before any is called slow
	slowTimes   = 20 // a slow read takes so many times the usual
	slowLeast   = 100 * time.Millisecond
	mostFailed  = 1000 // failed accesses after which a disk is left alone
	maxToldSpot = 8
)

// slice works the disk until ctx ends: half of the time in order, half of it at random; a
// disk that is written is written for a third.
func (s *surface) slice(ctx context.Context) {
	buf := direct.Buffer(readBlock, 0)
	parts := []func(context.Context, []byte){s.inOrder, s.atRandom}
	if s.to != nil {
		parts = append(parts, s.rewrite)
	}
	for i, part := range parts {
		share := ctx
		if end, some := ctx.Deadline(); some {
			var cancel context.CancelFunc
			share, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(len(parts)-i))
			defer cancel()
		}
		for share.Err() == nil && !s.given() {
			part(share, buf)
		}
	}
}

// given reports whether the disk was given up.
func (s *surface) given() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed >= mostFailed
}

// inOrder reads the next block; behind the last comes the first.
func (s *surface) inOrder(_ context.Context, buf []byte) {
	n := s.at
	s.at = (s.at + 1) % s.blocks
	s.read(n, buf, &s.linear)
}

// atRandom reads a block anywhere; each once before any comes again.
func (s *surface) atRandom(_ context.Context, buf []byte) {
	s.read(s.scatter(s.turn), buf, &s.random)
	s.turn++
}

// scatter is the nth block in random order: n times a number that has no divisor in common
// with the number of blocks passes through all of them.
func (s *surface) scatter(n int64) int64 {
	step := s.blocks*618/1000 | 1
	for gcd(step, s.blocks) != 1 {
		step += 2
	}
	return int64(uint64(n%s.blocks) * uint64(step) % uint64(s.blocks))
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// read reads a block, and again when it took unusually long: a spot that is slow twice is
// told.
func (s *surface) read(n int64, buf []byte, into *rate) {
	took, err := s.timed(n, buf)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.fail("read", n, err)
		return
	}
	into.add(int64(len(buf)), took)
	slow := s.reads >= learning && took > slowLeast && took > slowTimes*s.usual
	if !slow {
		s.reads++
		s.usual += (took - s.usual) / time.Duration(min(s.reads, 64))
		return
	}
	usual := s.usual
	s.mu.Unlock()
	again, err := s.timed(n, buf)
	s.mu.Lock()
	if err == nil && again > slowLeast && again > slowTimes*usual {
		s.slow++
		if s.slow <= maxToldSpot {
			s.found.note(fmt.Sprintf("slow %s %d", s.name, n), "disk %s is slow at %d MiB: %s and %s, usually %s", s.name, n, took.Round(time.Millisecond), again.Round(time.Millisecond), usual.Round(time.Microsecond))
		}
	}
}

func (s *surface) timed(n int64, buf []byte) (time.Duration, error) {
	begin := s.now()
	got, err := s.from.ReadAt(buf, n*readBlock)
	if got < len(buf) && (err == nil || err == io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if got == len(buf) {
		err = nil
	}
	return s.now().Sub(begin), err
}

// fail counts an access that failed; the lock is held.
func (s *surface) fail(what string, n int64, err error) {
	s.failed++
	s.found.wrong("disk "+s.name+" "+what, "disk %s: %s failed at %d MiB: %v; %s so far", s.name, what, n, err, times(s.failed))
	if s.failed == mostFailed {
		s.found.wrong("disk "+s.name, "disk %s failed so often that it is left alone", s.name)
	}
}

// rewrite writes a batch of blocks, each with noise of its own, and reads them back.
func (s *surface) rewrite(ctx context.Context, buf []byte) {
	first := s.pass * batch
	s.pass++
	count := min(int64(batch), s.blocks)
	begin := s.now()
	wrote := int64(0)
	for ; wrote < count && ctx.Err() == nil; wrote++ {
		n := s.scatter(int64(first) + wrote)
		fillBlock(buf, s.seed(n))
		if got, err := s.to.WriteAt(buf, n*readBlock); err != nil || got < len(buf) {
			s.mu.Lock()
			s.fail("write", n, errOr(err, io.ErrShortWrite))
			s.mu.Unlock()
		}
	}
	if err := s.to.Flush(); err != nil {
		s.found.wrong("flush "+s.name, "disk %s: its write cache cannot be emptied: %v", s.name, err)
	}
	s.mu.Lock()
	s.written.add(wrote*readBlock, s.now().Sub(begin))
	s.mu.Unlock()
	for i := range wrote { // what was written is read back, however late
		s.prove(s.scatter(int64(first)+i), buf)
	}
}

// seed is what a block is filled from in this pass. The ends are filled with zeros: noise
// there could look like a signature, and the disk as if it held somebody's data.
func (s *surface) seed(n int64) uint64 {
	if n == 0 || n == s.blocks-1 {
		return 0
	}
	return mix(uint64(n)<<20 ^ s.pass)
}

// next is the word behind x; zero is followed by zeros.
func next(x uint64) uint64 {
	if x == 0 {
		return 0
	}
	return mix(x)
}

func (s *surface) prove(n int64, buf []byte) {
	_, err := s.timed(n, buf)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.fail("read", n, err)
		return
	}
	x := s.seed(n)
	for i := 0; i < len(buf); i += 8 {
		if x = next(x); binary.LittleEndian.Uint64(buf[i:]) != x {
			s.wrong++
			s.found.wrong("wrong "+s.name, "disk %s: what was written at %d MiB reads otherwise at byte %d of it; %d such blocks so far", s.name, n, i, s.wrong)
			return
		}
	}
}

func fillBlock(buf []byte, x uint64) {
	for i := 0; i < len(buf); i += 8 {
		x = next(x)
		binary.LittleEndian.PutUint64(buf[i:], x)
	}
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
