package erase

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Admin commands (NVM Express Base Specification 2.0, figure 138).
const (
	nvmeGetLog   = 0x02 // section 5.16
	nvmeIdentify = 0x06 // section 5.17
	nvmeFormat   = 0x80 // section 5.14
	nvmeSanitize = 0x84 // section 5.24
)

// Sanitize actions (section 5.24, figure 303).
const (
	sanitizeExit   = 1
	sanitizeBlock  = 2
	sanitizeCrypto = 4
	sanitizeLoose  = 1 << 3 // AUSE: a failure can be left by an exit, not only by another sanitize
)

// nvme lists the methods of an NVMe drive, nil for another.
func (j *Job) nvme(ctx context.Context) []method {
	controller := make([]byte, 4096)
	if _, err := j.Commands.NVMe(NVMe{Opcode: nvmeIdentify, Dwords: [6]uint32{1}, Data: controller, Timeout: shortly}); err != nil {
		return nil
	}
	le := binary.LittleEndian
	oacs, sanicap, fna := le.Uint16(controller[256:]), le.Uint32(controller[328:]), controller[524]
	alone := j.alone()
	sanitize := func(name string, bit, action uint32, misses ...string) method {
		return method{name: name, class: Sanitize, misses: misses, able: func() error {
			if sanicap&bit == 0 {
				return errors.ErrUnsupported
			}
			return alone // it takes all namespaces of the drive
		}, do: func(ctx context.Context, tell func(float64)) error { return j.sanitizeNVMe(ctx, action, tell) }}
	}
	format := func(name string, crypto bool, settings uint32, misses ...string) method {
		return method{name: name, class: Format, misses: misses, able: func() error {
			switch {
			case oacs&2 == 0, crypto && fna&4 == 0:
				return errors.ErrUnsupported
			case fna&3 != 0:
				return alone // here a format takes all namespaces
			}
			return nil
		}, do: func(ctx context.Context, tell func(float64)) error { return j.formatNVMe(ctx, settings, tell) }}
	}
	if part, busy, _, err := j.sanitizing(); err == nil && busy {
		j.say("%s: a sanitize is under way (%.0f %%), waiting for it", j.Disk.Label(), 100*part)
		_ = j.awaitSanitize(ctx, j.tell) // another follows and is proven
	}
	return []method{
		sanitize("nvme-sanitize-crypto", 1, sanitizeCrypto),
		sanitize("nvme-sanitize-block", 2, sanitizeBlock),
		format("nvme-format-crypto", true, 2, "the drive's caches and blocks in reserve, as far as its key was not over them"),
		format("nvme-format", false, 1, "blocks that the drive keeps in reserve"),
	}
}

// alone is an error when the drive has other namespaces: they are disks of their own, and
// nobody gave those up.
func (j *Job) alone() error {
	list := make([]byte, 4096) // identify, active namespace list
	if _, err := j.Commands.NVMe(NVMe{Opcode: nvmeIdentify, Dwords: [6]uint32{2}, Data: list, Timeout: shortly}); err != nil {
		return fmt.Errorf("the drive does not list its namespaces: %w", err)
	}
	if second := binary.LittleEndian.Uint32(list[4:]); second != 0 {
		return errors.New("the drive has other namespaces, which it would erase too")
	}
	return nil
}

func (j *Job) sanitizeNVMe(ctx context.Context, action uint32, tell func(float64)) error {
	if _, err := j.Commands.NVMe(NVMe{Opcode: nvmeSanitize, Dwords: [6]uint32{action | sanitizeLoose}, Timeout: 2 * time.Minute}); err != nil {
		return err
	}
	err := j.awaitSanitize(ctx, tell)
	if err != nil && ctx.Err() == nil { // out of failure mode, so that the next method may write
		_, _ = j.Commands.NVMe(NVMe{Opcode: nvmeSanitize, Dwords: [6]uint32{sanitizeExit}, Timeout: 2 * time.Minute})
	}
	return err
}

func (j *Job) awaitSanitize(ctx context.Context, tell func(float64)) error {
	return j.follow(ctx, tell, func() (float64, bool, error) {
		part, busy, failed, err := j.sanitizing()
		if err == nil && failed {
			return part, true, errFailed
		}
		return part, err == nil && !busy, err
	})
}

// sanitizing reads the sanitize status log, page 81h (section 5.16.1.23).
func (j *Job) sanitizing() (part float64, busy, failed bool, err error) {
	log := make([]byte, 512)
	words := uint32(len(log)/4 - 1)
	if _, err := j.Commands.NVMe(NVMe{Opcode: nvmeGetLog, Namespace: 0xffffffff, Dwords: [6]uint32{0x81 | words<<16}, Data: log, Timeout: shortly}); err != nil {
		return 0, false, false, err
	}
	status := binary.LittleEndian.Uint16(log[2:]) & 7
	return float64(binary.LittleEndian.Uint16(log)) / 65536, status == 2, status == 3, nil
}

// formatNVMe keeps the block format there is. The drive answers when it is done.
func (j *Job) formatNVMe(ctx context.Context, settings uint32, tell func(float64)) error {
	id, err := j.Commands.Namespace()
	if err != nil {
		return err
	}
	space := make([]byte, 4096)
	if _, err := j.Commands.NVMe(NVMe{Opcode: nvmeIdentify, Namespace: id, Data: space, Timeout: shortly}); err != nil {
		return err
	}
	flbas, protection := uint32(space[26]), uint32(space[29])
	layout := flbas&0xf | flbas>>4&1<<4 | protection&7<<5 | protection>>3&1<<8 | flbas>>5&3<<12 // LBAFL, MSET, PI, PIL, LBAFU (figure 189)
	return j.patiently(ctx, tell, 10*time.Minute, func() error {
		_, err := j.Commands.NVMe(NVMe{Opcode: nvmeFormat, Namespace: id, Dwords: [6]uint32{layout | settings<<9}, Timeout: 12 * time.Hour})
		return err
	})
}
