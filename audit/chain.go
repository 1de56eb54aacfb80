package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"rackwright/fault"
)

// Genesis is the hash that stands before the first entry.
const Genesis = "0000000000000000000000000000000000000000000000000000000000000000"

// Head is where a chain ends. Kept elsewhere, it tells whether the chain was cut or written
// anew since.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Start is the head of an empty chain.
func Start() Head { return Head{Hash: Genesis} }

// String writes a head as ParseHead reads it.
func (h Head) String() string { return strconv.FormatInt(h.Seq, 10) + ":" + h.Hash }

// ParseHead reads SEQ:HASH.
func ParseHead(s string) (Head, error) {
	seq, hash, _ := strings.Cut(strings.TrimSpace(s), ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	raw, bad := hex.DecodeString(hash)
	if err != nil || n < 0 || bad != nil || len(raw) != sha256.Size {
		return Head{}, fault.Invalidf("%q is no head of a chain", s).WithHint("write it as 'rackwright audit head' prints it, SEQ:HASH")
	}
	return Head{n, strings.ToLower(hash)}, nil
}

// Follow puts an entry behind a head: it gets its number and its hashes.
func (h Head) Follow(e Record) (Record, Head, error) {
	e.Tidy()
	e.Seq, e.Prev = h.Seq+1, h.Hash
	sum, err := e.sum()
	if err != nil {
		return e, h, err
	}
	e.Hash = sum
	return e, Head{e.Seq, e.Hash}, nil
}

// sum is the hash of an entry: SHA-256 over its canonical form without the member hash.
func (e Record) sum() (string, error) {
	e.Hash = ""
	text, err := Canonical(e)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Check reads a chain entry by entry. The first may be any: what came before it is not
// looked at.
type Check struct {
	From, At Head // before the first entry, and the last
	Entries  int64
	Expect   *Head // that the chain must pass through; nil: none
}

// Next checks that an entry is the one that follows, and unchanged. The error says what is
// wrong with which.
func (c *Check) Next(e Record) error {
	switch {
	case c.Entries == 0:
		if e.Seq < 1 {
			return fault.Invalidf("entry %d: the first entry of an audit is 1", e.Seq)
		}
		if e.Seq == 1 && e.Prev != Genesis {
			return fault.Invalidf("entry 1 is not the first of a chain")
		}
		c.From = Head{e.Seq - 1, e.Prev}
	case e.Seq <= c.At.Seq:
		return fault.Invalidf("entry %d stands behind entry %d: entries were put in another order, or twice", e.Seq, c.At.Seq)
	case e.Seq == c.At.Seq+2:
		return fault.Invalidf("entry %d is missing", c.At.Seq+1)
	case e.Seq > c.At.Seq+1:
		return fault.Invalidf("entries %d to %d are missing", c.At.Seq+1, e.Seq-1)
	}
	sum, err := e.sum()
	if err != nil {
		return err
	}
	if sum != e.Hash {
		return fault.Invalidf("entry %d was changed: its hash is %.12s, and it says %.12s", e.Seq, sum, e.Hash)
	}
	if c.Entries > 0 && e.Prev != c.At.Hash {
		return fault.Invalidf("entry %d does not follow entry %d: the chain before it was written anew", e.Seq, c.At.Seq)
	}
	c.At = Head{e.Seq, e.Hash}
	c.Entries++
	return c.met(c.At)
}

// met compares a place of the chain with the expected one.
func (c *Check) met(at Head) error {
	if c.Expect != nil && at.Seq == c.Expect.Seq && at.Hash != c.Expect.Hash {
		return fault.Invalidf("entry %d is not the one whose head was kept: the chain was written anew", at.Seq)
	}
	return nil
}

// End says whether anything is missing at the end.
func (c *Check) End() error {
	if c.Expect == nil {
		return nil
	}
	if c.Entries > 0 && c.Expect.Seq < c.From.Seq {
		return fault.Invalidf("the entries begin at %d, behind the kept head %d: they say nothing of it", c.From.Seq+1, c.Expect.Seq)
	}
	if err := c.met(c.From); err != nil {
		return err
	}
	if c.At.Seq < c.Expect.Seq {
		return fault.Invalidf("the chain ends at entry %d, and entry %d was there when its head was kept: its end was cut off", c.At.Seq, c.Expect.Seq)
	}
	return nil
}

// maxLine bounds one line of an export, bytes.
const maxLine = 64 << 10

// Read checks an export, one entry a line.
func (c *Check) Read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		e, err := ParseLine(lines.Bytes())
		if err != nil {
			return fault.Invalidf("line %d: %w", n, err)
		}
		if err := c.Next(e); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fault.Invalidf("a line is longer than %d bytes: this is no export of an audit", maxLine)
	} else if err != nil {
		return fault.New(fault.Unreachable, "the entries cannot be read to their end: %w", err)
	}
	return c.End()
}

// Line writes an entry as a line of an export, in its canonical form with the hash.
func (e Record) Line() ([]byte, error) {
	text, err := Canonical(e)
	return append(text, '\n'), err
}

// ParseLine reads a line of an export. A line that is not in canonical form is Invalid: it
// was not written by Line, and could say one thing to people and another to the hash.
func ParseLine(line []byte) (e Record, err error) {
	line = bytes.TrimSpace(line)
	if len(line) > maxLine {
		return e, fault.Invalidf("the line is longer than %d bytes", maxLine)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, fault.Invalidf("this is no entry of an audit: %w", err)
	}
	back, err := Canonical(e)
	if err != nil || !bytes.Equal(back, line) {
		return e, fault.Invalidf("entry %d is not as it was written", e.Seq)
	}
	return e, nil
}
