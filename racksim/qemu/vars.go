package qemu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf16"

	"github.com/google/uuid"
)

// A UEFI variable store in flash: a firmware volume header (PI 1.7 vol. 3, 3.2.1),
// a variable store header, then records. Layout of the authenticated format as in
// EDK II MdeModulePkg/Include/Guid/VariableFormat.h.
const (
	volumeLength  = 48 // offset of EFI_FIRMWARE_VOLUME_HEADER.HeaderLength
	storeHeader   = 28 // sizeof VARIABLE_STORE_HEADER
	recordHeader  = 60 // sizeof AUTHENTICATED_VARIABLE_HEADER
	startID       = 0x55aa
	stateAdded    = 0x3f
	stateReplaced = 0x3e     // added, and about to be replaced: good unless a newer one is added
	maxStore      = 64 << 20 // what arm64 machines have for it
)

var (
	// authenticatedStore is gEfiAuthenticatedVariableGuid, globalVariable EFI_GLOBAL_VARIABLE.
	authenticatedStore = guid("aaf32c78-947b-439a-a180-2e144ec37792")
	globalVariable     = guid("8be4df61-93ca-11d2-aa0d-00e098032b8c")
)

// guid encodes text as EFI_GUID: the first three fields little-endian.
func guid(text string) [16]byte {
	g := [16]byte(uuid.MustParse(text))
	g[0], g[1], g[2], g[3] = g[3], g[2], g[1], g[0]
	g[4], g[5], g[6], g[7] = g[5], g[4], g[7], g[6]
	return g
}

// store is the content of a variable store file. The guest writes the file, so
// nothing in it is trusted.
type store struct {
	image      []byte // the whole flash file
	start, end int    // of the records
	variables  []variable
}

type variable struct {
	header []byte // recordHeader bytes, kept as the firmware wrote them
	name   string // its UTF-16LE bytes, as the firmware wrote them
	data   []byte
}

func (v variable) guid() [16]byte { return [16]byte(v.header[44:60]) }

func (v variable) isGlobal(name string) bool {
	return v.guid() == globalVariable && v.name == string(encodeUTF16(name))
}

func parseStore(image []byte) (*store, error) {
	if len(image) > maxStore || len(image) < volumeLength+2 {
		return nil, fmt.Errorf("variable store: %d bytes is no flash image", len(image))
	}
	at := int(binary.LittleEndian.Uint16(image[volumeLength:]))
	if at < volumeLength+2 || at+storeHeader > len(image) || [16]byte(image[at:at+16]) != authenticatedStore {
		return nil, fmt.Errorf("variable store: not in the authenticated format")
	}
	size := int(binary.LittleEndian.Uint32(image[at+16:]))
	if size < storeHeader || at+size > len(image) {
		return nil, fmt.Errorf("variable store: size %d is outside the file", size)
	}
	s := &store{image: image, start: at + storeHeader, end: at + size}
	s.read()
	return s, nil
}

// read walks the records and keeps the live ones; a broken record ends the walk, as
// it does in the firmware.
func (s *store) read() {
	for o := s.start; o+recordHeader <= s.end; {
		h := s.image[o : o+recordHeader]
		nameLen, dataLen := int(binary.LittleEndian.Uint32(h[36:])), int(binary.LittleEndian.Uint32(h[40:]))
		if binary.LittleEndian.Uint16(h) != startID || nameLen > s.end-o || dataLen > s.end-o || o+recordHeader+nameLen+dataLen > s.end {
			return
		}
		name := o + recordHeader
		if state := h[2]; state == stateAdded || state == stateReplaced {
			s.keep(variable{
				header: bytes.Clone(h),
				name:   string(s.image[name : name+nameLen]),
				data:   bytes.Clone(s.image[name+nameLen : name+nameLen+dataLen]),
			})
		}
		o = align4(name + nameLen + dataLen)
	}
}

// keep adds v, in place of an older record of the same variable; a record about to be
// replaced loses against one that is added.
func (s *store) keep(v variable) {
	for i, old := range s.variables {
		if old.name == v.name && old.guid() == v.guid() {
			if v.header[2] == stateAdded || old.header[2] != stateAdded {
				s.variables[i] = v
			}
			return
		}
	}
	s.variables = append(s.variables, v)
}

// get returns a global variable's data, nil when there is none.
func (s *store) get(name string) []byte {
	for _, v := range s.variables {
		if v.isGlobal(name) {
			return v.data
		}
	}
	return nil
}

func (s *store) remove(name string) {
	kept := s.variables[:0]
	for _, v := range s.variables {
		if !v.isGlobal(name) {
			kept = append(kept, v)
		}
	}
	s.variables = kept
}

// set replaces a global variable: non-volatile, boot and runtime access (UEFI 2.10, 8.2).
func (s *store) set(name string, data []byte) {
	s.remove(name)
	h := make([]byte, recordHeader)
	binary.LittleEndian.PutUint16(h, startID)
	h[2] = stateAdded
	binary.LittleEndian.PutUint32(h[4:], 7)
	g := globalVariable
	copy(h[44:], g[:])
	s.variables = append(s.variables, variable{header: h, name: string(encodeUTF16(name)), data: data})
}

// encode writes the live variables back one after the other, erased flash behind them.
func (s *store) encode() ([]byte, error) {
	image := bytes.Clone(s.image)
	for i := s.start; i < s.end; i++ {
		image[i] = 0xff
	}
	o := s.start
	for _, v := range s.variables {
		if o+recordHeader+len(v.name)+len(v.data) > s.end {
			return nil, fmt.Errorf("variable store: full")
		}
		h := bytes.Clone(v.header)
		h[2] = stateAdded
		binary.LittleEndian.PutUint32(h[36:], uint32(len(v.name)))
		binary.LittleEndian.PutUint32(h[40:], uint32(len(v.data)))
		o += copy(image[o:], h)
		o += copy(image[o:], v.name)
		o = align4(o + copy(image[o:], v.data))
	}
	return image, nil
}

func align4(n int) int { return (n + 3) &^ 3 }

// encodeUTF16 writes UTF-16LE with a final NUL.
func encodeUTF16(s string) []byte {
	var b []byte
	for _, u := range append(utf16.Encode([]rune(s)), 0) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}
