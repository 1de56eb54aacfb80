package erase

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Commands reaches the drive behind the block device. What a drive or its kernel driver
// does not know is errors.ErrUnsupported.
type Commands interface {
	// NVMe sends an admin command (NVM Express Base Specification 2.0, section 5) and
	// returns dword 0 of its completion.
	NVMe(c NVMe) (uint32, error)
	// Namespace is the id of the namespace that the disk is.
	Namespace() (uint32, error)
	// SCSI sends a command and returns the sense data, if any came (SPC-5, section 4.4).
	SCSI(c SCSI) (Sense, error)
	// Punch makes a range read as zeros by the drive's own doing, without writing zeros.
	Punch(off, n int64) error
}

// NVMe is an admin command. Data is read into, or nil.
type NVMe struct {
	Opcode    byte
	Namespace uint32
	Dwords    [6]uint32 // command dwords 10 to 15
	Data      []byte
	Timeout   time.Duration
}

// NVMeStatus is a completion that is no success: status code type and code.
type NVMeStatus uint16

// Error prints it as the specification writes it (section 3.3.3.2.1).
func (s NVMeStatus) Error() string {
	return fmt.Sprintf("NVMe status type %d code %02xh", s>>8&7, uint16(s&0xff))
}

// SCSI is a command; Out is sent, In is read into.
type SCSI struct {
	CDB     []byte
	In, Out []byte
	Timeout time.Duration
}

// Sense is sense data in descriptor or fixed format (SPC-5, section 4.4.2).
type Sense []byte

// Key returns sense key, additional sense code and its qualifier; zeros without sense.
func (s Sense) Key() (key, asc, ascq byte) {
	switch {
	case len(s) >= 4 && (s[0]&0x7f == 0x72 || s[0]&0x7f == 0x73):
		return s[1] & 0xf, s[2], s[3]
	case len(s) >= 14 && (s[0]&0x7f == 0x70 || s[0]&0x7f == 0x71):
		return s[2] & 0xf, s[12], s[13]
	}
	return 0, 0, 0
}

// descriptor finds one by its type in descriptor format.
func (s Sense) descriptor(kind byte) []byte {
	if len(s) < 8 || s[0]&0x7f != 0x72 && s[0]&0x7f != 0x73 {
		return nil
	}
	for at := 8; at+2 <= len(s); {
		end := at + 2 + int(s[at+1])
		if end > len(s) {
			return nil
		}
		if s[at] == kind {
			return s[at:end]
		}
		at = end
	}
	return nil
}

// progress is the sense-key specific progress indication, 65536ths (SPC-5, section
// 4.4.2.4.4).
func (s Sense) progress() (float64, bool) {
	field := s.descriptor(0x02)
	if len(field) >= 7 {
		field = field[4:7]
	} else if len(s) >= 18 && (s[0]&0x7f == 0x70) {
		field = s[15:18]
	}
	if len(field) < 3 || field[0]&0x80 == 0 {
		return 0, false
	}
	return float64(int(field[1])<<8|int(field[2])) / 65536, true
}

// err is a check condition as an error, nil for sense that reports no trouble.
func (s Sense) err() error {
	key, asc, ascq := s.Key()
	switch {
	case key <= 1:
		return nil
	case key == 5: // illegal request: it does not know the command or a field of it
		return fmt.Errorf("sense %xh/%02xh/%02xh: %w", key, asc, ascq, errors.ErrUnsupported)
	}
	return fmt.Errorf("sense %xh/%02xh/%02xh", key, asc, ascq)
}

// How long a drive is waited for.
const (
	shortly   = 30 * time.Second
	pollEvery = 2 * time.Second
	stallTime = 45 * time.Minute // without any progress of an erase that reports some
	maxSilent = 60               // questions in a row without an answer
)

var errFailed = errors.New("the drive says that it failed")

// follow polls until an erase ends. ask returns how far it is, or that it is done.
func (j *Job) follow(ctx context.Context, tell func(float64), ask func() (part float64, done bool, err error)) error {
	last, moved, silent := -1.0, j.Now(), 0
	for {
		part, done, err := ask()
		switch {
		case done:
			return err
		case err != nil && silent < maxSilent: // a drive that is busy with itself may not answer
			silent++
		case err != nil:
			return err
		default:
			silent = 0
		}
		if err == nil {
			tell(part)
			if part != last {
				last, moved = part, j.Now()
			}
		}
		if j.Now().Sub(moved) > stallTime {
			return fmt.Errorf("the drive makes no progress for %s at %.0f %%; it may need its power cut and given back", stallTime, 100*max(last, 0))
		}
		if err := j.Pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// patiently runs a command that answers only when it is done, and tells meanwhile that the
// agent lives, with the part of the time it is expected to take. It waits for the drive
// whatever ctx says: the command cannot be called back.
func (j *Job) patiently(ctx context.Context, tell func(float64), expected time.Duration, do func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- do() }()
	began := j.Now()
	for {
		select {
		case err := <-ended:
			return err
		default:
		}
		tell(min(0.99, float64(j.Now().Sub(began))/float64(max(expected, time.Second))))
		if j.Pause(ctx, pollEvery) != nil {
			return <-ended
		}
	}
}
