package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// stream moves bytes between the server and one port at a time, for the network test of a
// burn-in.
type stream struct {
	params        Params
	session, path string

	mu    sync.Mutex
	ports map[string]*http.Client
}

func newStream(p Params, session, path string) *stream {
	return &stream{params: p, session: session, path: path, ports: map[string]*http.Client{}}
}

// Receive reads bytes from the server through a port.
func (s *stream) Receive(ctx context.Context, port string, n int64) error {
	response, err := s.do(ctx, port, http.MethodGet, "?bytes="+strconv.FormatInt(n, 10), nil, 0)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got, err := io.Copy(io.Discard, io.LimitReader(response.Body, n+1))
	if err == nil && got != n {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fault.Unreachablef("%d of %d bytes came: %w", got, n, err)
	}
	return nil
}

// Send writes bytes to the server through a port.
func (s *stream) Send(ctx context.Context, port string, n int64) error {
	response, err := s.do(ctx, port, http.MethodPost, "", io.LimitReader(noise{}, n), n)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// noise is bytes without end.
type noise struct{}

func (noise) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i * 7)
	}
	return len(p), nil
}

func (s *stream) do(ctx context.Context, port, method, query string, body io.Reader, size int64) (*http.Response, error) {
	client, err := s.through(port)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, s.params.Server.Scheme+"://"+s.params.Server.Host+s.path+query, body)
	if err != nil {
		return nil, fault.Internalf("stream: %w", err)
	}
	request.ContentLength = size
	request.Header.Set("Authorization", "Bearer "+s.session)
	response, err := client.Do(request)
	if err != nil {
		return nil, fault.Unreachablef("%w", err)
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	_ = response.Body.Close()
	if response.StatusCode == http.StatusTooManyRequests {
		return nil, fault.Conflictf("the server serves other machines")
	}
	return nil, fault.Unreachablef("the server answers %s", response.Status)
}

// through is a client whose connections leave by a port and by no other.
func (s *stream) through(port string) (*http.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.ports[port]; c != nil {
		return c, nil
	}
	address, err := addressOf(port)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTime, LocalAddr: &net.TCPAddr{IP: address}, Control: func(_, _ string, c syscall.RawConn) error {
		var bound error
		err := c.Control(func(fd uintptr) { bound = unix.BindToDevice(int(fd), port) })
		return errors.Join(err, bound)
	}}
	c := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: pinned(s.params.Pin), TLSHandshakeTimeout: 2 * dialTime, ResponseHeaderTimeout: answerTime,
			MaxResponseHeaderBytes: 64 << 10, WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10, DisableCompression: true, IdleConnTimeout: time.Minute}}
	s.ports[port] = c
	return c, nil
}

// close ends the connections.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.ports {
		c.CloseIdleConnections()
	}
}
