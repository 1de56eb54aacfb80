package racksim

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"

	"rackwright/fault"
)

// Firmware is the first line of a firmware file for a simulated machine: the word
// racksim-firmware, then name=value pairs with a space between. Any bytes follow, whose
// SHA-256 the line tells.
type Firmware struct {
	Component string // id in the firmware inventory; bios and bmc are the system's and the BMC's own
	Version   string
	Model     string // of the machines it is for; empty: all
	SHA256    string // of the bytes behind the line, hexadecimal
}

// firmwareWord begins every firmware file.
const firmwareWord = "racksim-firmware"

// maxFirmwareLine bounds the first line of a firmware file, bytes.
const maxFirmwareLine = 1024

// ReadFirmware reads a firmware file to its end and proves its digest. fault.Invalid: it
// is no firmware file, or a damaged one.
func ReadFirmware(r io.Reader) (Firmware, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	line, err := firmwareLine(in)
	if err != nil {
		return Firmware{}, err
	}
	f, err := parseFirmwareLine(line)
	if err != nil {
		return f, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return f, fault.Internalf("firmware file: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return f, fault.Invalidf("firmware file is damaged: SHA-256 of its content is %s, its first line says %s", got, f.SHA256)
	}
	return f, nil
}

func firmwareLine(in *bufio.Reader) (string, error) {
	var line []byte
	for len(line) < maxFirmwareLine {
		c, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fault.Internalf("firmware file: %w", err)
		}
		if c == '\n' {
			return string(line), nil
		}
		line = append(line, c)
	}
	return "", fault.Invalidf("not a firmware file for this machine: it does not begin with a line %q", firmwareWord)
}

func parseFirmwareLine(line string) (Firmware, error) {
	words := strings.Split(line, " ")
	if words[0] != firmwareWord {
		return Firmware{}, fault.Invalidf("not a firmware file for this machine: it does not begin with %q", firmwareWord)
	}
	var f Firmware
	fields := map[string]*string{"component": &f.Component, "version": &f.Version, "model": &f.Model, "sha256": &f.SHA256}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		to := fields[name]
		if to == nil || *to != "" {
			return f, fault.Invalidf("firmware file: %.64q in its first line is not known, or stands twice", name)
		}
		*to = strings.ReplaceAll(value, "_", " ")
		if name != "model" {
			*to = value
		}
	}
	return f, f.check()
}

// check refuses what could not stand in the line.
func (f Firmware) check() error {
	sum, err := hex.DecodeString(f.SHA256)
	switch {
	case !firmwareID(f.Component) || strings.ContainsAny(f.Component, "/?#%"):
		return fault.Invalidf("firmware file: component %.64q is not an id of the firmware inventory", f.Component)
	case !firmwareID(f.Version):
		return fault.Invalidf("firmware file: version %.64q is empty, longer than 64 characters or holds a space", f.Version)
	case f.Model != "" && (!printable(f.Model) || len(f.Model) > 64):
		return fault.Invalidf("firmware file: model %.64q is not one", f.Model)
	case err != nil || len(sum) != sha256.Size:
		return fault.Invalidf("firmware file: sha256 %.64q is not 64 hexadecimal digits", f.SHA256)
	}
	return nil
}

func firmwareID(text string) bool {
	return text != "" && len(text) <= 64 && printable(text) && !strings.Contains(text, " ")
}

// WriteFirmware writes a firmware file with size bytes behind its first line. The same
// arguments make the same file. SHA256 is filled in.
func WriteFirmware(w io.Writer, f Firmware, size Size) error {
	sum := sha256.New()
	if err := filler(sum, f, size); err != nil {
		return err
	}
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if err := f.check(); err != nil {
		return err
	}
	line := firmwareWord + " component=" + f.Component + " version=" + f.Version
	if f.Model != "" {
		line += " model=" + strings.ReplaceAll(f.Model, " ", "_")
	}
	if _, err := io.WriteString(w, line+" sha256="+f.SHA256+"\n"); err != nil {
		return fault.Internalf("firmware file: %w", err)
	}
	return filler(w, f, size)
}

// filler writes bytes that do not compress and depend on the file only.
func filler(w io.Writer, f Firmware, size Size) error {
	source := rand.NewChaCha8(sha256.Sum256([]byte(f.Component + " " + f.Version)))
	block := make([]byte, 64<<10)
	for left := int64(size); left > 0; left -= int64(len(block)) {
		for i := 0; i < len(block); i += 8 {
			binary.LittleEndian.PutUint64(block[i:], source.Uint64())
		}
		if _, err := io.Copy(w, bytes.NewReader(block[:min(left, int64(len(block)))])); err != nil {
			return fault.Internalf("firmware file: %w", err)
		}
	}
	return nil
}
