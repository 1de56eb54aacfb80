package erase

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/inventory"
)

// drive is one in memory that knows as much as a test wants.
type drive struct {
	mu      sync.Mutex
	bytes   []byte
	noWrite bool // it refuses writes

	// NVMe
	nvme       bool
	sanicap    uint32
	oacs, fna  uint16
	namespaces int
	action     uint32 // of a sanitize under way
	polls      int    // answers until it is done
	stalls     bool   // it never gets further
	fails      bool   // it ends badly
	broken     bool   // failure mode: it takes nothing but sanitize commands

	// ATA
	ata       bool
	word59    uint16
	security  uint16
	password  string
	native    uint64 // sectors beyond what it shows
	badErase  bool   // SECURITY ERASE UNIT fails
	powerCut  bool   // it loses power in the erase: locked
	unlocking int    // how often it was unlocked

	// SCSI
	scsi []byte // opcodes it knows, with the service action of sanitize

	punches bool // it has write-zeroes
	lies    map[string]bool
	saw     []string
}

const driveBytes = 16 << 20

func newDrive() *drive {
	d := &drive{bytes: make([]byte, driveBytes), lies: map[string]bool{}}
	_, _ = rand.NewChaCha8([32]byte{1}).Read(d.bytes)
	return d
}

func (d *drive) Size() int64  { return int64(len(d.bytes)) }
func (d *drive) Flush() error { return nil }

var errIO = errors.New("input/output error")

func (d *drive) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken || d.action != 0 {
		return 0, errIO
	}
	return copy(p, d.bytes[off:]), nil
}

func (d *drive) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken || d.action != 0 || d.noWrite {
		return 0, errIO
	}
	if d.lies["overwrite"] {
		return len(p), nil
	}
	return copy(d.bytes[off:], p), nil
}

// empty does what a command promises, unless it lies.
func (d *drive) empty(what string, fill func([]byte)) {
	d.saw = append(d.saw, what)
	if !d.lies[what] {
		fill(d.bytes)
	}
}

func zeros(b []byte) { clear(b) }
func noise(b []byte) { _, _ = rand.NewChaCha8([32]byte{2}).Read(b) }

func (d *drive) Namespace() (uint32, error) { return 1, nil }

func (d *drive) NVMe(c NVMe) (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.nvme {
		return 0, errors.ErrUnsupported
	}
	le := binary.LittleEndian
	switch c.Opcode {
	case nvmeIdentify:
		switch c.Dwords[0] {
		case 1:
			le.PutUint16(c.Data[256:], d.oacs)
			le.PutUint32(c.Data[328:], d.sanicap)
			c.Data[524] = byte(d.fna)
		case 2:
			for i := range max(d.namespaces, 1) {
				le.PutUint32(c.Data[4*i:], uint32(i+1))
			}
		}
	case nvmeSanitize:
		d.action = c.Dwords[0] & 7
		if d.action == sanitizeExit {
			d.action, d.broken = 0, false
		}
		d.polls = 3
	case nvmeGetLog:
		d.sanitizeLog(c.Data)
	case nvmeFormat:
		if c.Dwords[0]>>9&7 == 2 {
			d.empty("format-crypto", noise)
		} else {
			d.empty("format", zeros)
		}
	}
	return 0, nil
}

func (d *drive) sanitizeLog(data []byte) {
	status := uint16(1)
	if d.broken {
		status = 3
	}
	if d.action != 0 {
		status = 2
		if !d.stalls {
			d.polls--
		}
		binary.LittleEndian.PutUint16(data, uint16(65536-d.polls*20000))
		if d.polls == 0 {
			action := d.action
			d.action, status = 0, 1
			switch {
			case d.fails:
				d.broken, status = true, 3
			case action == sanitizeCrypto:
				d.empty("crypto", noise)
			default:
				d.empty("block", zeros)
			}
		}
	}
	binary.LittleEndian.PutUint16(data[2:], status)
}

func (d *drive) Punch(off, n int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.punches {
		return errors.ErrUnsupported
	}
	if !d.lies["discard"] {
		clear(d.bytes[off : off+n])
	}
	return nil
}

func (d *drive) SCSI(c SCSI) (Sense, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.CDB[0] == passThrough {
		if !d.ata {
			return illegal(), nil
		}
		return d.command(c), nil
	}
	return d.scsiCommand(c), nil
}

func illegal() Sense { return Sense{0x72, 5, 0x20, 0, 0, 0, 0, 0} }

// ended is the sense of an ATA command that ended, with its registers.
func ended(status, errorReg byte, count uint16, lba uint64) Sense {
	return Sense{0x72, 1, 0, 0x1d, 0, 0, 0, 14, 0x09, 12, 0, errorReg, byte(count >> 8), byte(count), byte(lba >> 24), byte(lba), byte(lba >> 32), byte(lba >> 8),
		byte(lba >> 40), byte(lba >> 16), 0, status}
}

func (d *drive) command(c SCSI) Sense {
	le := binary.LittleEndian
	good, abort := ended(0x50, 0, 0, 0), ended(0x51, 4, 0, 0)
	feature := c.CDB[4]
	given := ""
	if c.Out != nil {
		given = string(c.Out[2 : 2+len(ourPassword)])
	}
	switch c.CDB[14] {
	case ataIdentify:
		le.PutUint16(c.In[2*59:], d.word59)
		le.PutUint16(c.In[2*89:], 2)
		le.PutUint16(c.In[2*90:], 1)
		le.PutUint32(c.In[200:], uint32(len(d.bytes)/512))
		le.PutUint16(c.In[256:], d.security)
	case ataNativeMax:
		if d.native == 0 {
			return abort
		}
		return ended(0x50, 0, 0, uint64(len(d.bytes)/512)+d.native-1)
	case ataSanitize:
		switch {
		case d.word59&(1<<12) == 0:
			return abort
		case feature == 0x11:
			d.empty("crypto", noise)
		case feature == 0x12:
			d.empty("block", zeros)
		}
		return ended(0x50, 0, 1<<15, 0)
	case ataPassword:
		if d.security&securityFrozen != 0 {
			return abort
		}
		d.password, d.security = given, d.security|securityEnabled
	case ataUnlock:
		if given != d.password {
			return abort
		}
		d.security &^= securityLocked
		d.unlocking++
	case ataNoPassword:
		if given != d.password || d.security&securityLocked != 0 {
			return abort
		}
		d.password, d.security = "", d.security&^securityEnabled
	case ataErase:
		switch {
		case d.powerCut:
			d.security |= securityLocked
			return ended(0x51, 0x40, 0, 0)
		case d.badErase:
			return ended(0x51, 0x40, 0, 0)
		}
		d.empty("secure-erase", zeros)
		d.password, d.security = "", d.security&^(securityEnabled|securityLocked)
	case ataPrepare:
	default:
		return abort
	}
	return good
}

func (d *drive) scsiCommand(c SCSI) Sense {
	switch c.CDB[0] {
	case scsiTestReady:
		if d.action != 0 && !d.stalls {
			if d.polls--; d.polls == 0 {
				d.action = 0
				d.empty("scsi", zeros)
			}
		}
		if d.action != 0 {
			return Sense{0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 4, 0x1b, 0, 0x80, byte(10 * (4 - d.polls)), 0}
		}
	case scsiReport:
		if !slices.Contains(d.scsi, c.CDB[3]) {
			return illegal()
		}
		c.In[1] = 3
	case scsiSanitize, scsiFormat:
		if !slices.Contains(d.scsi, c.CDB[0]) {
			return illegal()
		}
		d.action, d.polls = 1, 3
	default:
		return illegal()
	}
	return nil
}

// job is an erase of a drive with a clock that runs as fast as the test.
func job(d *drive, methods ...string) *Job {
	var mu sync.Mutex
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	return &Job{Disk: inventory.Disk{Path: "/dev/sda", Serial: "S1", Bytes: d.Size()}, Drive: d, Commands: d, Methods: methods, Samples: 32,
		Random: rand.NewChaCha8([32]byte{3}), Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now },
		Pause: func(ctx context.Context, long time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(long)
			return ctx.Err()
		}}
}

func done(t *testing.T, e wire.Erased, method, pattern string) {
	t.Helper()
	if !e.Succeeded || e.Method != method || e.Pattern != pattern || e.Reason != "" || e.Samples < 32 {
		t.Errorf("%+v, want %s with %s", e, method, pattern)
	}
}
