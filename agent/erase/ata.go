package erase

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Commands of ATA (ACS-4, section 7; the two of HPA and DCO are of ACS-2) and the way they
// go through SCSI (SAT-4, section 12.2.2: ATA PASS-THROUGH (16)).
const (
	passThrough = 0x85

	ataIdentify   = 0xec
	ataSanitize   = 0xb4
	ataNativeMax  = 0x27 // READ NATIVE MAX ADDRESS EXT
	ataDCO        = 0xb1 // DEVICE CONFIGURATION, feature C2h: identify
	ataPassword   = 0xf1 // SECURITY SET PASSWORD
	ataUnlock     = 0xf2
	ataPrepare    = 0xf3
	ataErase      = 0xf4
	ataNoPassword = 0xf6 // SECURITY DISABLE PASSWORD
)

// registers are what an ATA command takes and returns.
type registers struct {
	command          byte
	feature, count   uint16
	lba              uint64 // 48 bits
	status, errorReg byte
}

// identity is what IDENTIFY DEVICE says (ACS-4, section 7.13.6), words of 16 bits.
type identity [256]uint16

// ata lists the methods of an ATA disk, nil for another.
func (j *Job) ata(ctx context.Context) []method {
	id, err := j.identify()
	if err != nil {
		return nil
	}
	if part, busy, err := j.sanitizingATA(); err == nil && busy {
		j.say("%s: a sanitize is under way (%.0f %%), waiting for it", j.Disk.Label(), 100*part)
		_ = j.awaitATA(ctx, j.tell) // another follows and is proven
	}
	sanitize := func(name string, bit, feature uint16, key uint64) method {
		return method{name: name, class: Sanitize, able: func() error {
			if id[59]&(1<<12) == 0 || id[59]&bit == 0 {
				return errors.ErrUnsupported
			}
			return nil
		}, do: func(ctx context.Context, tell func(float64)) error {
			if _, err := j.sendATA(registers{command: ataSanitize, feature: feature, lba: key}, nil, nil, 2*time.Minute); err != nil {
				return err
			}
			return j.awaitATA(ctx, tell)
		}}
	}
	all := []method{
		sanitize("ata-sanitize-crypto", 1<<13, 0x11, 0x43727970), // section 7.36.2: the key spells Cryp
		sanitize("ata-sanitize-block", 1<<15, 0x12, 0x426b4572),  // section 7.36.3: BkEr
	}
	return append(all, j.security(id)...)
}

func (j *Job) identify() (id identity, err error) {
	data := make([]byte, 512)
	if _, err := j.sendATA(registers{command: ataIdentify, count: 1}, data, nil, shortly); err != nil {
		return id, err
	}
	for i := range id {
		id[i] = binary.LittleEndian.Uint16(data[2*i:])
	}
	if id[0]&0x8000 != 0 { // no ATA device
		return id, errors.ErrUnsupported
	}
	return id, nil
}

func (j *Job) awaitATA(ctx context.Context, tell func(float64)) error {
	return j.follow(ctx, tell, func() (float64, bool, error) {
		part, busy, err := j.sanitizingATA()
		return part, !busy && err == nil || errors.Is(err, errFailed), err
	})
}

// sanitizingATA asks with SANITIZE STATUS EXT (section 7.36.6): count has bit 15 when the
// last one completed without error, bit 14 while one is under way; LBA its progress.
func (j *Job) sanitizingATA() (part float64, busy bool, err error) {
	got, err := j.sendATA(registers{command: ataSanitize}, nil, nil, shortly)
	switch {
	case err != nil && got.errorReg != 0 && got.lba&0xff == 1: // sanitize device error: the last one failed
		return 0, false, errFailed
	case err != nil:
		return 0, false, err
	case got.count&(1<<14) != 0:
		return float64(got.lba&0xffff) / 65536, true, nil
	}
	return 1, false, nil
}

// sendATA sends a command and returns the registers. in is read into, out is sent.
func (j *Job) sendATA(r registers, in, out []byte, timeout time.Duration) (registers, error) {
	protocol, transfer := byte(3), byte(0) // non-data
	switch {
	case in != nil:
		protocol, transfer = 4, 0x0e // PIO data-in; from the device, in blocks, counted in the count field
	case out != nil:
		protocol, transfer = 5, 0x06 // PIO data-out
	}
	count := r.count
	if in != nil || out != nil {
		count = 1
	}
	cdb := []byte{passThrough, protocol<<1 | 1, transfer | 1<<5, byte(r.feature >> 8), byte(r.feature), byte(count >> 8), byte(count),
		byte(r.lba >> 24), byte(r.lba), byte(r.lba >> 32), byte(r.lba >> 8), byte(r.lba >> 40), byte(r.lba >> 16), 1 << 6, r.command, 0}
	sense, err := j.Commands.SCSI(SCSI{CDB: cdb, In: in, Out: out, Timeout: timeout})
	if err != nil {
		return registers{}, err
	}
	return returned(sense)
}

// returned reads the ATA Status Return descriptor (SAT-4, section 12.2.2.7), which comes
// because the command asked for it (CK_COND).
func returned(sense Sense) (registers, error) {
	d := sense.descriptor(0x09)
	if len(d) < 14 {
		return registers{}, sense.err()
	}
	r := registers{errorReg: d[3], count: uint16(d[4])<<8 | uint16(d[5]), status: d[13],
		lba: uint64(d[10])<<40 | uint64(d[8])<<32 | uint64(d[6])<<24 | uint64(d[11])<<16 | uint64(d[9])<<8 | uint64(d[7])}
	switch {
	case r.status&0x21 == 0: // neither ERROR nor DEVICE FAULT
		return r, nil
	case r.errorReg&0x04 != 0: // ABORT: it does not know the command, or not now
		return r, fmt.Errorf("the drive aborted the command (status %02xh, error %02xh): %w", r.status, r.errorReg, errors.ErrUnsupported)
	}
	return r, fmt.Errorf("the drive failed (status %02xh, error %02xh)", r.status, r.errorReg)
}

// hiddenATA says which areas the block device does not show: a host protected area, or a
// capacity that a device configuration overlay made smaller.
func (j *Job) hiddenATA() (found []string) {
	id, err := j.identify()
	if err != nil {
		return nil
	}
	shown := uint64(id[100]) | uint64(id[101])<<16 | uint64(id[102])<<32
	if got, err := j.sendATA(registers{command: ataNativeMax}, nil, nil, shortly); err == nil && got.lba+1 > shown && shown > 0 && got.lba != 0 {
		found = append(found, fmt.Sprintf("a host protected area of %d sectors", got.lba+1-shown))
		shown = got.lba + 1
	}
	overlay := make([]byte, 512)
	if _, err := j.sendATA(registers{command: ataDCO, feature: 0xc2, count: 1}, overlay, nil, shortly); err == nil {
		most := binary.LittleEndian.Uint64(overlay[6:]) & (1<<48 - 1) // words 3 to 6: the highest address there can be
		if most+1 > shown && shown > 0 && most != 0 {
			found = append(found, fmt.Sprintf("%d sectors that a device configuration overlay hides", most+1-shown))
		}
	}
	return found
}
