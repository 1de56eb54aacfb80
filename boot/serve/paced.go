package serve

import (
	"io"
	"net/http"
	"time"
)

// A file goes out in portions, and each has so long: a machine behind 64 kbit/s gets its
// ramdisk, however long that takes, and one that takes nothing is given up.
const (
	portion  = 256 << 10 // bytes
	patience = time.Minute
)

// paced counts what goes out, gives each portion of it a time, and keeps the way to sendfile
// open.
type paced struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	bytes    int64
	status   int
}

func newPaced(w http.ResponseWriter, patience time.Duration) *paced {
	return &paced{ResponseWriter: w, control: http.NewResponseController(w), patience: patience}
}

// WriteHeader implements http.ResponseWriter.
func (p *paced) WriteHeader(status int) {
	p.status = status
	p.ResponseWriter.WriteHeader(status)
}

func (p *paced) Write(b []byte) (int, error) {
	p.wait()
	n, err := p.ResponseWriter.Write(b)
	p.bytes += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom, which http.ServeContent copies through. A limit within
// a limit would keep the file from sendfile.
func (p *paced) ReadFrom(r io.Reader) (total int64, err error) {
	left, limited := int64(-1), (*io.LimitedReader)(nil)
	if l, ok := r.(*io.LimitedReader); ok {
		r, left, limited = l.R, l.N, l
	}
	for left != 0 && err == nil {
		some := &io.LimitedReader{R: r, N: portion}
		if left > 0 {
			some.N = min(left, portion)
		}
		asked := some.N
		p.wait()
		var n int64
		n, err = io.Copy(p.ResponseWriter, some)
		p.bytes, total = p.bytes+n, total+n
		if left > 0 {
			left -= n
			limited.N = left
		}
		if n < asked {
			break // all there was
		}
	}
	return total, err
}

// wait gives what goes out next its time. A connection without deadlines is a test's.
func (p *paced) wait() { _ = p.control.SetWriteDeadline(time.Now().Add(p.patience)) }

// Unwrap lets http.ResponseController through.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }
