package api

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// answerLimit is how long a reader may take nothing of an answer.
const answerLimit = 30 * time.Second

// oneWrite is how much of an answer a reader has to take within that time, bytes.
const oneWrite = 64 << 10

// paced gives up an answer whose reader takes nothing of it: an answer has no end by the
// clock, only its pieces do. The deadlines of HTTP/1 hold while something is written; that
// of an HTTP/2 stream ends it whenever it comes, so there it stands while a write lasts.
type paced struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	alone    bool // HTTP/1: the connection carries this answer only
	taken    bool // the connection is another's
}

func pace(w http.ResponseWriter, r *http.Request, patience time.Duration) *paced {
	p := &paced{ResponseWriter: w, control: http.NewResponseController(w), patience: patience, alone: r.ProtoMajor < 2}
	if p.alone { // the deadline of the answer before
		p.until(time.Time{})
	}
	return p
}

// Unwrap lets http.ResponseController reach reading deadlines.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// until sets the deadline; not every transport has one.
func (p *paced) until(at time.Time) {
	if !p.taken {
		_ = p.control.SetWriteDeadline(at)
	}
}

func (p *paced) wait() { p.until(time.Now().Add(p.patience)) }

func (p *paced) waited() {
	if !p.alone {
		p.until(time.Time{})
	}
}

func (p *paced) Write(b []byte) (n int, err error) {
	for {
		piece := b[:min(len(b), oneWrite)]
		p.wait()
		m, err := p.ResponseWriter.Write(piece)
		p.waited()
		if n += m; err != nil || len(piece) == len(b) {
			return n, err
		}
		b = b[len(piece):]
	}
}

// FlushError is http.ResponseController's.
func (p *paced) FlushError() error {
	p.wait()
	defer p.waited()
	return p.control.Flush()
}

// Hijack implements http.Hijacker: whoever takes the connection sets its deadlines.
func (p *paced) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rest, err := p.control.Hijack()
	p.taken = err == nil
	return conn, rest, err
}

// end leaves a deadline for what net/http writes when the handler has returned.
func (p *paced) end() { p.wait() }
