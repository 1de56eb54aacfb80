package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"rackwright/fault"
	"rackwright/images"
)

// job is one chunk on its way from the chunker to the store.
type job struct {
	chunk images.Chunk
	plain []byte
	frame []byte
}

// pack compresses a chunk, names it and hands it on.
func (j *job) pack(enc *zstd.Encoder, keep func(blob string, frame []byte) error) error {
	j.frame = enc.EncodeAll(j.plain, j.frame[:0])
	sum, name := sha256.Sum256(j.plain), sha256.Sum256(j.frame)
	j.chunk.Bytes, j.chunk.SHA256 = int64(len(j.plain)), hex.EncodeToString(sum[:])
	j.chunk.Packed, j.chunk.Blob = int64(len(j.frame)), hex.EncodeToString(name[:])
	return keep(j.chunk.Blob, j.frame)
}

// chunker decides where chunks begin and end. Nothing but the content from a chunk's first
// block on decides where it ends, so that two images with the same run of blocks, wherever
// it lies, soon cut it at the same places.
type chunker struct {
	ctx        context.Context
	free, full chan *job
	cur        *job  // being filled; nil between chunks
	at         int64 // disk offset of the next block to be put
	zeros      int64 // bytes of zeros after it that are in no chunk yet
	chunks     int
}

// cutAll cuts the parts of an image and returns its size.
func (c *chunker) cutAll(p *parts) (int64, error) {
	for one := range p.ordered {
		var err error
		select {
		case err = <-one.done:
		case <-c.ctx.Done():
			err = c.ctx.Err()
		}
		if err == nil {
			err = c.add(one)
		}
		if err != nil {
			return 0, err
		}
		p.free <- one
	}
	if err := c.ctx.Err(); err != nil { // the parts ended because something failed
		return 0, err
	}
	c.end() // zeros at the end of the image are a hole, however few
	return c.at + c.zeros, nil
}

func (c *chunker) add(p *part) error {
	if p.hole {
		c.zeros += int64(p.n)
		return nil
	}
	for rest := p.buf[:p.n]; len(rest) > 0; {
		block := rest[:min(images.Block, len(rest))]
		rest = rest[len(block):]
		if allZero(block) {
			c.zeros += int64(len(block))
			continue
		}
		if err := c.settle(); err != nil {
			return err
		}
		if err := c.put(block); err != nil {
			return err
		}
	}
	return nil
}

// zeroBlock is a block that few zeros put into a chunk.
var zeroBlock [images.Block]byte

// settle makes the zeros before a block a hole, or part of the chunk when they are few.
func (c *chunker) settle() error {
	if c.zeros >= images.MinHole {
		c.end()
		c.at, c.zeros = c.at+c.zeros, 0
	}
	for ; c.zeros > 0; c.zeros -= images.Block {
		if err := c.put(zeroBlock[:]); err != nil {
			return err
		}
	}
	return nil
}

// put adds a block to the chunk, and ends it after a block whose XXH64 has its low eight
// bits zero: one of 256, which makes chunks of 1 MiB beyond the smallest.
func (c *chunker) put(block []byte) error {
	if c.cur == nil {
		if c.chunks++; c.chunks > images.MaxChunks {
			return fault.Invalidf("the image has more than %d chunks of data", images.MaxChunks).WithHint("shrink the image; a deployment grows the last partition to the disk")
		}
		select {
		case c.cur = <-c.free:
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
		c.cur.chunk, c.cur.plain = images.Chunk{Offset: c.at}, c.cur.plain[:0]
	}
	c.cur.plain = append(c.cur.plain, block...)
	c.at += int64(len(block))
	n := len(c.cur.plain)
	if n >= images.MaxChunk || n >= images.MinChunk && xxhash.Sum64(block)&0xff == 0 {
		c.end()
	}
	return nil
}

// end hands the chunk on, if there is one.
func (c *chunker) end() {
	if c.cur != nil {
		c.full <- c.cur // never blocks: it holds as many as there are
		c.cur = nil
	}
}

// allZero compares b with itself one byte on, which runs at the speed of memory.
func allZero(b []byte) bool {
	return len(b) == 0 || b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1])
}
