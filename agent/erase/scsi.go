package erase

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Commands of SCSI (SPC-5, SBC-4).
const (
	scsiTestReady = 0x00 // TEST UNIT READY
	scsiFormat    = 0x04 // FORMAT UNIT
	scsiSanitize  = 0x48
	scsiReport    = 0xa3 // REPORT SUPPORTED OPERATION CODES, service action 0Ch
)

// Service actions of SANITIZE (SBC-4, section 5.35).
const (
	scsiSanitizeBlock  = 2
	scsiSanitizeCrypto = 3
	scsiSanitizeExit   = 0x1f
)

// immediate has the drive answer at once and work on; loose (AUSE) lets it leave a failure.
const (
	immediate = 1 << 7
	loose     = 1 << 5
)

// scsi lists the methods of a SAS or SCSI disk.
func (j *Job) scsi(ctx context.Context) []method {
	if part, busy, err := j.workingSCSI(); err == nil && busy {
		j.say("%s: the drive is erasing (%.0f %%), waiting for it", j.Disk.Label(), 100*part)
		_ = j.awaitSCSI(ctx, j.tell) // another follows and is proven
	}
	sanitize := func(name string, action byte) method {
		return method{name: name, class: Sanitize, able: func() error { return j.knows(scsiSanitize, action) },
			do: func(ctx context.Context, tell func(float64)) error {
				err := j.sendSCSI([]byte{scsiSanitize, immediate | loose | action, 0, 0, 0, 0, 0, 0, 0, 0}, nil)
				if err == nil {
					err = j.awaitSCSI(ctx, tell)
				}
				if err != nil && ctx.Err() == nil {
					_ = j.sendSCSI([]byte{scsiSanitize, scsiSanitizeExit, 0, 0, 0, 0, 0, 0, 0, 0}, nil)
				}
				return err
			}}
	}
	return []method{
		sanitize("scsi-sanitize-crypto", scsiSanitizeCrypto),
		sanitize("scsi-sanitize-block", scsiSanitizeBlock),
		{name: "scsi-format", class: Format, able: func() error { return j.knows(scsiFormat, 0) }, do: j.formatSCSI,
			misses: []string{"sectors that the drive took out of use before"}},
	}
}

// knows asks for one command (SPC-5, section 6.35): support 011b is as the standard says.
func (j *Job) knows(opcode, action byte) error {
	options := byte(1) // one command, no service action
	if opcode == scsiSanitize {
		options = 3 // one command, with its service action if it has some
	}
	data := make([]byte, 64)
	cdb := []byte{scsiReport, 0x0c, options, opcode, 0, action, 0, 0, 0, byte(len(data)), 0, 0}
	sense, err := j.Commands.SCSI(SCSI{CDB: cdb, In: data, Timeout: shortly})
	if err != nil {
		return err
	}
	if sense.err() != nil || data[1]&7 != 3 {
		return errors.ErrUnsupported
	}
	return nil
}

// formatSCSI formats with the short parameter list, IMMED set and the block size there is
// (SBC-4, section 5.4): certification is left to the samples.
func (j *Job) formatSCSI(ctx context.Context, tell func(float64)) error {
	if err := j.sendSCSI([]byte{scsiFormat, 0x10, 0, 0, 0, 0}, []byte{0, 0x02, 0, 0}); err != nil {
		return err
	}
	return j.awaitSCSI(ctx, tell)
}

func (j *Job) sendSCSI(cdb, out []byte) error {
	sense, err := j.Commands.SCSI(SCSI{CDB: cdb, Out: out, Timeout: 2 * time.Minute})
	if err != nil {
		return err
	}
	return sense.err()
}

func (j *Job) awaitSCSI(ctx context.Context, tell func(float64)) error {
	return j.follow(ctx, tell, func() (float64, bool, error) {
		part, busy, err := j.workingSCSI()
		return part, !busy && (err == nil || errors.Is(err, errFailed)), err
	})
}

// workingSCSI asks whether the drive is busy with itself: not ready, format (04h/04h) or
// sanitize (04h/1Bh) in progress; a failed one is a medium error (31h/03h, 31h/01h).
func (j *Job) workingSCSI() (part float64, busy bool, err error) {
	sense, err := j.Commands.SCSI(SCSI{CDB: []byte{scsiTestReady, 0, 0, 0, 0, 0}, Timeout: shortly})
	if err != nil {
		return 0, false, err
	}
	key, asc, ascq := sense.Key()
	switch {
	case key == 2 && asc == 0x04 && (ascq == 0x04 || ascq == 0x1b):
		part, _ = sense.progress()
		return part, true, nil
	case asc == 0x31:
		return 0, false, errFailed
	case key == 6: // unit attention: it tells of the end once
		return 1, false, nil
	case key > 1:
		return 0, false, fmt.Errorf("sense %xh/%02xh/%02xh", key, asc, ascq)
	}
	return 1, false, nil
}
