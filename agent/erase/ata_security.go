package erase

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ourPassword is set only for the time of an erase. It is no secret: it is fixed so that a
// drive whose erase was cut short by a power failure can be unlocked again.
const ourPassword = "rackwright erases this drive"

// Bits of IDENTIFY word 128, security status (ACS-4, section 7.13.6.41).
const (
	securitySupported = 1 << 0
	securityEnabled   = 1 << 1
	securityLocked    = 1 << 2
	securityFrozen    = 1 << 3
	securityExpired   = 1 << 4
	securityEnhanced  = 1 << 5
)

// security lists the security feature set's methods (ACS-4, section 4.18).
func (j *Job) security(id identity) []method {
	erase := func(name string, enhanced bool, word uint16, misses ...string) method {
		return method{name: name, class: SecureErase, misses: misses, able: func() error {
			return securityAble(id[128], enhanced)
		}, do: func(ctx context.Context, tell func(float64)) error {
			return j.secureErase(ctx, enhanced, eraseTime(word), tell)
		}}
	}
	return []method{
		erase("ata-secure-erase-enhanced", true, id[90]),
		erase("ata-secure-erase", false, id[89], "sectors that the drive took out of use before"),
	}
}

// securityAble says why a drive in this state cannot.
func securityAble(state uint16, enhanced bool) error {
	switch {
	case state&securitySupported == 0, enhanced && state&securityEnhanced == 0:
		return errors.ErrUnsupported
	case state&securityFrozen != 0:
		return errors.New("the firmware froze the drive's security: cut and give back its power, or switch the freeze off in the firmware's set-up")
	case state&securityExpired != 0:
		return errors.New("too many wrong passwords: cut the drive's power")
	}
	return nil
}

// eraseTime reads the time an erase takes (words 89 and 90): bits 14:0 in units of two
// minutes when bit 15 is set, bits 7:0 otherwise; 255 and more is longer than that.
func eraseTime(word uint16) time.Duration {
	units := word & 0xff
	if word&0x8000 != 0 {
		units = word & 0x7fff
	}
	if units == 0 {
		return 6 * time.Hour
	}
	return time.Duration(units) * 2 * time.Minute
}

// secureErase sets a password, erases, and never leaves the drive locked: a successful
// erase takes the password off, and so do we after one that failed.
func (j *Job) secureErase(ctx context.Context, enhanced bool, expected time.Duration, tell func(float64)) error {
	if err := j.unlock(); err != nil {
		return err
	}
	if err := j.sendPassword(ataPassword, 0, shortly); err != nil {
		return fmt.Errorf("set the password: %w", err)
	}
	err := j.eraseUnit(ctx, enhanced, expected, tell)
	if left := j.unlock(); left != nil {
		return errors.Join(err, fmt.Errorf("the drive is left with the password %q: %w", ourPassword, left))
	}
	return err
}

func (j *Job) eraseUnit(ctx context.Context, enhanced bool, expected time.Duration, tell func(float64)) error {
	if _, err := j.sendATA(registers{command: ataPrepare}, nil, nil, shortly); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	var control uint16
	if enhanced {
		control = 1 << 1
	}
	return j.patiently(ctx, tell, expected, func() error { return j.sendPassword(ataErase, control, 2*expected+time.Hour) })
}

// unlock takes our password off a drive that has it. A password of somebody else's stays,
// and is an error.
func (j *Job) unlock() error {
	id, err := j.identify()
	if err != nil {
		return err
	}
	if id[128]&securityEnabled == 0 {
		return nil
	}
	if id[128]&securityLocked != 0 {
		if err := j.sendPassword(ataUnlock, 0, shortly); err != nil {
			return fmt.Errorf("the drive is locked with a password that is not ours: %w", err)
		}
	}
	if err := j.sendPassword(ataNoPassword, 0, shortly); err != nil {
		return fmt.Errorf("the drive has a password that is not ours: %w", err)
	}
	return nil
}

// sendPassword sends a block with our password as the user's: word 0 says which and how,
// words 1 to 16 are the password (ACS-4, section 7.43.2).
func (j *Job) sendPassword(command byte, control uint16, timeout time.Duration) error {
	block := make([]byte, 512)
	block[0], block[1] = byte(control), byte(control>>8)
	copy(block[2:34], ourPassword)
	_, err := j.sendATA(registers{command: command}, nil, block, timeout)
	return err
}
