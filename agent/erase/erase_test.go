package erase

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheStrongestMethodOfADriveIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		drive           func(*drive)
		methods         []string
		method, pattern string
	}{
		"a plain disk":                  {func(*drive) {}, nil, "overwrite", "zeros"},
		"with write-zeroes":             {func(d *drive) { d.punches = true }, nil, "discard", "zeros"},
		"that nobody wants used":        {func(d *drive) { d.punches = true }, []string{Overwrite}, "overwrite", "zeros"},
		"NVMe with all":                 {func(d *drive) { d.nvme, d.sanicap, d.oacs, d.fna = true, 3, 2, 4 }, nil, "nvme-sanitize-crypto", "random"},
		"NVMe without crypto":           {func(d *drive) { d.nvme, d.sanicap, d.oacs = true, 2, 2 }, nil, "nvme-sanitize-block", "zeros"},
		"NVMe without sanitize":         {func(d *drive) { d.nvme, d.oacs, d.fna = true, 2, 4 }, nil, "nvme-format-crypto", "random"},
		"NVMe with a format only":       {func(d *drive) { d.nvme, d.oacs = true, 2 }, nil, "nvme-format", "zeros"},
		"NVMe, only formats are wanted": {func(d *drive) { d.nvme, d.sanicap, d.oacs = true, 3, 2 }, []string{Format}, "nvme-format", "zeros"},
		"NVMe with two namespaces":      {func(d *drive) { d.nvme, d.sanicap, d.oacs, d.namespaces = true, 3, 2, 2 }, nil, "nvme-format", "zeros"},
		"NVMe whose format takes both":  {func(d *drive) { d.nvme, d.sanicap, d.oacs, d.fna, d.namespaces = true, 3, 2, 1, 2 }, nil, "overwrite", "zeros"},
		"ATA with sanitize":             {func(d *drive) { d.ata, d.word59 = true, 1<<12|1<<13|1<<15 }, nil, "ata-sanitize-crypto", "random"},
		"ATA with block sanitize":       {func(d *drive) { d.ata, d.word59 = true, 1<<12|1<<15 }, nil, "ata-sanitize-block", "zeros"},
		"ATA with security":             {func(d *drive) { d.ata, d.security = true, securitySupported|securityEnhanced }, nil, "ata-secure-erase-enhanced", "zeros"},
		"ATA with plain security":       {func(d *drive) { d.ata, d.security = true, securitySupported }, nil, "ata-secure-erase", "zeros"},
		"ATA with our password of a lost try": {func(d *drive) {
			d.ata, d.security, d.password = true, securitySupported|securityEnabled|securityLocked, ourPassword
		}, nil, "ata-secure-erase", "zeros"},
		"SAS with sanitize":       {func(d *drive) { d.scsi = []byte{scsiSanitize} }, nil, "scsi-sanitize-crypto", "zeros"},
		"SAS with a format":       {func(d *drive) { d.scsi = []byte{scsiFormat} }, nil, "scsi-format", "zeros"},
		"one that refuses writes": {func(d *drive) { d.nvme, d.sanicap, d.noWrite = true, 1, true }, nil, "nvme-sanitize-crypto", "random"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDrive()
			before := bytes.Clone(d.bytes)
			c.drive(d)
			e := job(d, c.methods...).Run(t.Context())
			done(t, e, c.method, c.pattern)
			for at := 0; at < len(before); at += 64 << 10 {
				if bytes.Equal(before[at:at+4096], d.bytes[at:at+4096]) {
					t.Fatalf("byte %d is as it was", at)
				}
			}
			if d.password != "" || d.security&securityEnabled != 0 {
				t.Errorf("the drive is left with password %q", d.password)
			}
		})
	}
}

func TestADriveThatLiesIsFoundOutAndTheNextMethodIsTaken(t *testing.T) {
	d := newDrive()
	d.nvme, d.sanicap, d.oacs, d.fna, d.punches = true, 3, 2, 4, true
	for _, lie := range []string{"crypto", "block", "format", "format-crypto", "discard"} {
		d.lies[lie] = true
	}
	e := job(d).Run(t.Context())
	done(t, e, "overwrite", "zeros")
	if len(e.Tried) != 5 || !strings.Contains(e.Tried[0], "nvme-sanitize-crypto: ") || !strings.Contains(e.Tried[0], "still hold the old data") {
		t.Errorf("tried %q", e.Tried)
	}
	d = newDrive()
	d.lies["overwrite"] = true
	e = job(d).Run(t.Context())
	if e.Succeeded || !strings.Contains(e.Reason, "overwrite: ") || !strings.Contains(e.Reason, "old data") {
		t.Errorf("%+v", e)
	}
}

func TestALieAboutAnEmptyDriveIsFoundOutByMarks(t *testing.T) {
	d := newDrive()
	clear(d.bytes)
	d.nvme, d.sanicap = true, 2
	d.lies["block"] = true
	e := job(d).Run(t.Context())
	done(t, e, "overwrite", "zeros")
	if len(e.Tried) != 1 {
		t.Errorf("tried %q", e.Tried)
	}
}

func TestADriveThatStallsOrFailsIsNotWaitedForWithoutEnd(t *testing.T) {
	d := newDrive()
	d.nvme, d.sanicap, d.stalls = true, 2, true
	e := job(d, Sanitize).Run(t.Context())
	if e.Succeeded || !strings.Contains(e.Reason, "no progress") || !strings.Contains(e.Reason, "power") {
		t.Errorf("%+v", e)
	}
	d = newDrive()
	d.nvme, d.sanicap, d.fails = true, 3, true
	e = job(d).Run(t.Context())
	done(t, e, "overwrite", "zeros") // out of failure mode
	if len(e.Tried) != 2 || !strings.Contains(e.Tried[1], "failed") {
		t.Errorf("tried %q", e.Tried)
	}
}

func TestASanitizeUnderWayIsWaitedForAndDoneAgain(t *testing.T) {
	d := newDrive()
	d.nvme, d.sanicap, d.action, d.polls = true, 2, sanitizeBlock, 3
	e := job(d).Run(t.Context())
	done(t, e, "nvme-sanitize-block", "zeros")
	if !slices.Equal(d.saw, []string{"block", "block"}) {
		t.Errorf("the drive saw %v", d.saw)
	}
}

func TestADriveIsNeverLeftLocked(t *testing.T) {
	for name, set := range map[string]func(*drive){
		"when the erase fails":    func(d *drive) { d.badErase = true },
		"when it loses its power": func(d *drive) { d.powerCut = true },
	} {
		d := newDrive()
		d.ata, d.security = true, securitySupported
		set(d)
		e := job(d).Run(t.Context())
		done(t, e, "overwrite", "zeros")
		if d.password != "" || d.security&(securityEnabled|securityLocked) != 0 || len(e.Tried) != 1 {
			t.Errorf("%s: password %q, security %x, tried %q", name, d.password, d.security, e.Tried)
		}
	}
}

func TestWhatFirmwareOrSomebodyElseLockedIsNamedAndNotTouched(t *testing.T) {
	d := newDrive()
	d.ata, d.security = true, securitySupported|securityFrozen
	e := job(d).Run(t.Context())
	done(t, e, "overwrite", "zeros")
	if len(e.Tried) == 0 || !strings.Contains(e.Tried[0], "froze") {
		t.Errorf("tried %q", e.Tried)
	}
	d = newDrive()
	d.ata, d.security, d.password = true, securitySupported|securityEnabled, "somebody else's"
	e = job(d).Run(t.Context())
	if len(e.Tried) == 0 || !strings.Contains(e.Tried[0], "not ours") || d.password != "somebody else's" {
		t.Errorf("%+v", e)
	}
}

func TestAreasThatAMethodDoesNotReachAreNamed(t *testing.T) {
	d := newDrive()
	d.ata, d.native = true, 2048
	e := job(d).Run(t.Context())
	done(t, e, "overwrite", "zeros")
	if !slices.ContainsFunc(e.Residual, func(s string) bool { return strings.Contains(s, "host protected area of 2048 sectors") }) {
		t.Errorf("residual %q", e.Residual)
	}
}

func TestNoMethodThatIsAllowedIsSaid(t *testing.T) {
	if e := job(newDrive(), Sanitize).Run(t.Context()); e.Succeeded || !strings.Contains(e.Reason, "none of the methods that are allowed: sanitize") {
		t.Errorf("%+v", e)
	}
}

func TestAnEraseThatIsInterruptedSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	j := job(newDrive())
	j.Progress = func(done, _ int64) { cancel() }
	if e := j.Run(ctx); e.Succeeded || e.Reason != "interrupted" {
		t.Errorf("%+v", e)
	}
}

// file is a drive that is a file.
type file struct{ *os.File }

func (f file) Flush() error { return f.Sync() }
func (f file) Size() int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

func TestAFileIsEmptiedByHolesOrZeros(t *testing.T) {
	for _, methods := range [][]string{nil, {Overwrite}} {
		noise := make([]byte, 8<<20+4096)
		_, _ = rand.NewChaCha8([32]byte{9}).Read(noise)
		path := filepath.Join(t.TempDir(), "disk")
		if err := os.WriteFile(path, noise, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		conn, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		j := job(newDrive(), methods...)
		j.Drive, j.Commands = file{f}, Control{conn}
		e := j.Run(t.Context())
		if !e.Succeeded || e.Pattern != "zeros" || !slices.Contains([]string{"discard", "overwrite"}, e.Method) {
			t.Errorf("%+v", e)
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, make([]byte, len(noise))) {
			t.Errorf("%s left data", e.Method)
		}
	}
}

func FuzzSenseDataHarmsNobody(f *testing.F) {
	f.Add([]byte(ended(0x50, 0, 1<<15, 7)))
	f.Add([]byte{0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 4, 4, 0, 0x80, 1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Sense(b)
		_, _, _ = s.Key()
		if part, ok := s.progress(); ok && (part < 0 || part > 1) {
			t.Errorf("%f", part)
		}
		_, _ = returned(s)
	})
}
