package boot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// program is what an EFI program says of itself (Microsoft PE format, UEFI 2.10 section 2.1.1).
type program struct {
	machine string // processor as kernels name it, or the format's number for it
	signed  bool   // it carries a signature, of whomever
}

// Values of the format.
const (
	pe32        = 0x10b
	pe32plus    = 0x20b
	application = 10 // subsystem of what firmware starts
	pkcs7       = 2  // type of certificate (WIN_CERT_TYPE_PKCS_SIGNED_DATA)
)

// machineOf names a processor of the format.
func machineOf(n uint16) string {
	switch n {
	case 0x14c:
		return "386"
	case 0x8664:
		return "amd64"
	case 0xaa64:
		return "arm64"
	}
	return fmt.Sprintf("processor %#x", n)
}

// readProgram reads the head of an EFI program; wrong says in words what is wrong with it, ""
// for nothing.
func readProgram(b []byte) (p program, wrong string) {
	le := binary.LittleEndian
	start := piece(b, 0x3c, 4)
	if !bytes.HasPrefix(b, []byte("MZ")) || start == nil {
		return p, "it is no EFI program"
	}
	at := uint64(le.Uint32(start))
	head, option := piece(b, at, 24), piece(b, at+24, 112)
	if head == nil || option == nil || !bytes.HasPrefix(head, []byte("PE\x00\x00")) {
		return p, "it is no EFI program"
	}
	p.machine = machineOf(le.Uint16(head[4:]))
	tables := uint64(112)
	switch magic := le.Uint16(option); {
	case magic == pe32:
		tables = 96
	case magic != pe32plus:
		return p, "it is no EFI program"
	}
	if le.Uint16(option[68:]) != application {
		return p, "it is a program, and none that firmware starts"
	}
	if le.Uint32(option[tables-4:]) > 4 { // the fifth table is that of certificates
		p.signed, wrong = signature(b, piece(b, at+24+tables+4*8, 8))
	}
	return p, wrong
}

// signature reports whether the file has the certificate that its table names.
func signature(b, table []byte) (ok bool, wrong string) {
	le := binary.LittleEndian
	if table == nil {
		return false, "it is cut short"
	}
	at, size := uint64(le.Uint32(table)), uint64(le.Uint32(table[4:]))
	if size == 0 {
		return false, ""
	}
	certificate := piece(b, at, size)
	if certificate == nil || size < 8 {
		return false, "it is cut short: its signature is not in it"
	}
	return le.Uint16(certificate[6:]) == pkcs7, ""
}

// piece is so many bytes from a place on, nil where there are not so many.
func piece(b []byte, at, n uint64) []byte {
	if at > uint64(len(b)) || n > uint64(len(b))-at {
		return nil
	}
	return b[at : at+n]
}

// suffixed is the processor that the name of a loader stands for, "" when it says none: the
// suffixes are those of the removable-media paths (UEFI 2.10 section 3.5.1.1).
func suffixed(file string) string {
	for suffix, machine := range map[string]string{"x64.efi": "amd64", "aa64.efi": "arm64", "ia32.efi": "386"} {
		if strings.HasSuffix(strings.ToLower(file), suffix) {
			return machine
		}
	}
	return ""
}
