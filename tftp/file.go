package tftp

import (
	"bytes"
	"context"
	"io"
	"net/netip"

	"github.com/pin/tftp/v3/netascii"

	"rackwright/boot"
)

// Ask is a question for a file.
type Ask struct {
	Name string
	Peer netip.Addr // who asks
	At   netip.Addr // our address that was asked
}

// File is what can be fetched. Its content is read at any place, by several at once.
type File struct {
	Name    string // as it is journaled: never with a secret
	Size    int64
	Content io.ReaderAt
	Host    *boot.Host     // whose file it is; nil: anybody's
	Detail  map[string]any // more for the journal, may be nil
	Whole   func()         // told once all of it was sent, may be nil
}

// Close gives up what the content holds.
func (f *File) Close() {
	if c, ok := f.Content.(io.Closer); ok {
		_ = c.Close()
	}
}

// Files finds files. A name of no file here is nil without an error; an error that is a
// *Refusal is told to the client in its words, any other as a failure without them.
type Files interface {
	File(ctx context.Context, a Ask) (*File, error)
}

// Text is a file of text in memory.
func Text(name, text string) *File {
	return &File{Name: name, Size: int64(len(text)), Content: bytes.NewReader([]byte(text))}
}

// Shelf is the loaders as files.
type Shelf struct{ Loaders *boot.Loaders }

// File implements Files.
func (s Shelf) File(_ context.Context, a Ask) (*File, error) {
	l := s.Loaders.Get(a.Name)
	if l == nil {
		return nil, nil
	}
	l = l.Over(a.Peer)
	return &File{Name: l.Name, Size: int64(l.Size), Content: bytes.NewReader(l.Bytes())}, nil
}

// Translate is the file in netascii (RFC 764): each end of line two bytes. That is for
// text; a loader must not be changed, and is refused.
func (f *File) Translate() (*File, error) {
	if f.Size > maxNetASCII {
		return nil, refuse(Denied, "mode", "not a text, use octet mode")
	}
	text, err := io.ReadAll(netascii.ToReader(io.NewSectionReader(f.Content, 0, f.Size)))
	if err != nil {
		return nil, err
	}
	out := *f
	out.Size, out.Content = int64(len(text)), bytes.NewReader(text)
	f.Close()
	return &out, nil
}
