package load

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rackwright/fault"
)

// Web is what HTTP clients ask for again and again, each over a connection that it keeps. It
// reads what it must of an answer and no more: the time is to be the server's.
type Web struct {
	Server  string   // address and port
	TLS     bool     // whatever the certificate
	Paths   []string // in turn
	Header  string   // one more line, "" for none
	Size    int64    // bytes of each answer; 0: whatever comes
	Clients int
	For     time.Duration
}

// Fetched is what came of it.
type Fetched struct {
	Requests, Bytes int64
	Took            time.Duration
}

// Bounds of an answer.
const (
	webPatience = 30 * time.Second
	webHeader   = 64 // lines
)

// Run fetches until the time is over. One wrong answer is an error.
func (w Web) Run() (Fetched, error) {
	var wg sync.WaitGroup
	var requests, size atomic.Int64
	errs := make([]error, w.Clients)
	began := time.Now()
	for i := range w.Clients {
		wg.Go(func() { errs[i] = w.client(i, began.Add(w.For), &requests, &size) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return Fetched{}, fault.Internalf("client %d: %w", i, err)
		}
	}
	return Fetched{Requests: requests.Load(), Bytes: size.Load(), Took: time.Since(began)}, nil
}

func (w Web) client(n int, end time.Time, requests, size *atomic.Int64) error {
	var c net.Conn
	c, err := net.DialTimeout("tcp", w.Server, webPatience)
	if err != nil {
		return err
	}
	defer c.Close()
	if w.TLS {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // a load, which keeps nothing
	}
	in, drop := bufio.NewReaderSize(c, 4<<10), make([]byte, 256<<10)
	for i := n; time.Now().Before(end); i++ {
		if err := c.SetDeadline(time.Now().Add(webPatience)); err != nil {
			return err
		}
		if _, err := c.Write(w.request(w.Paths[i*7%len(w.Paths)])); err != nil {
			return err
		}
		got, err := webAnswer(in, drop)
		if err == nil && w.Size > 0 && got != w.Size {
			err = fault.Internalf("%d bytes came of %d", got, w.Size)
		}
		if err != nil {
			return err
		}
		requests.Add(1)
		size.Add(got)
	}
	return nil
}

func (w Web) request(path string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: bench\r\n", path)
	if w.Header != "" {
		b.WriteString(w.Header + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// webAnswer reads an answer of status 200 and returns how long its body was.
func webAnswer(in *bufio.Reader, drop []byte) (int64, error) {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return 0, fault.Internalf("the server says %q", status)
	}
	size := int64(-1)
	for range webHeader {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			return size, skip(in, size, drop)
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); len(name) == 14 && strings.EqualFold(string(name), "content-length") {
			if size, err = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err != nil {
				return 0, err
			}
		}
	}
	return 0, fault.Internalf("an answer has more than %d lines before its body", webHeader)
}

// skip reads a body past the reader's own small buffer.
func skip(in *bufio.Reader, size int64, drop []byte) error {
	if size < 0 {
		return fault.Internalf("an answer does not say how long it is")
	}
	for size > 0 {
		n, err := in.Read(drop[:min(size, int64(len(drop)))])
		if size -= int64(n); err != nil && (err != io.EOF || size > 0) {
			return err
		}
	}
	return nil
}
