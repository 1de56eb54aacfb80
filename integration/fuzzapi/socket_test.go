package fuzzapi

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// served is `rackwright serve` behind a real socket, with TLS.
type served struct {
	addr, token string
	trust       *x509.CertPool
	pid         int
	log         *buffer
}

// patience is how long anything may take before a test gives up.
const patience = 90 * time.Second

func newServed(t *testing.T) *served {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "rackwright")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "rackwright/cmd/rackwright").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	want(t, err)
	s := &served{addr: l.Addr().String(), log: &buffer{}, trust: x509.NewCertPool()}
	l.Close()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	s.certify(t, cert, key)
	state, config := filepath.Join(dir, "state"), filepath.Join(dir, "rackwright.toml")
	off := "enabled = false\n"
	want(t, os.WriteFile(config, fmt.Appendf(nil, "state_dir = %q\n[api]\nlisten = %q\ntls_cert = %q\ntls_key = %q\n[dhcp]\n%s[tftp]\n%s[http]\n%s[agent]\n%s", state, s.addr, cert, key, off, off, off, off), 0o600))
	cmd := exec.CommandContext(t.Context(), bin, "serve", "--config", config)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	want(t, cmd.Start())
	s.pid = cmd.Process.Pid
	t.Cleanup(func() { _ = cmd.Wait() })
	s.until(t, "the server is up", func() bool {
		text, err := os.ReadFile(filepath.Join(state, "admin.token"))
		s.token = strings.TrimSpace(string(text))
		return err == nil && s.health() == nil
	})
	return s
}

// certify makes a certificate for 127.0.0.1.
func (s *served) certify(t *testing.T, cert, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	want(t, err)
	is := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, is, is, &private.PublicKey, private)
	want(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.trust.AppendCertsFromPEM(text)
	want(t, os.WriteFile(cert, text, 0o600))
	der, err = x509.MarshalPKCS8PrivateKey(private)
	want(t, err)
	want(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

// until waits for what comes by itself.
func (s *served) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	over, tick := time.After(patience), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("%s: it never came; the log: %.2000s", what, s.log.take())
		}
	}
}

// health asks as any other client does.
func (s *served) health() error {
	c := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.trust}, DisableKeepAlives: true, ForceAttemptHTTP2: true}}
	answer, err := c.Get("https://" + s.addr + "/api/v1/health")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s", answer.Status)
	}
	return nil
}

// dial opens a connection that speaks a protocol.
func (s *served) dial(t *testing.T, protocol string) net.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: s.trust, NextProtos: []string{protocol}})
	want(t, err)
	t.Cleanup(func() { c.Close() })
	want(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// sockets is how many the server has open. Its files are not counted: the database keeps some
// more connections, each with its own, after many have asked at once.
func (s *served) sockets(t *testing.T) (n int) {
	dir := fmt.Sprintf("/proc/%d/fd", s.pid)
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Skip("without /proc nobody can count the server's connections")
	}
	for _, e := range list {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

func TestConnectionsThatBehaveBadlyHarmNobodyElse(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts a server")
	}
	s := newServed(t)
	before := s.sockets(t)
	t.Run("each alone", func(t *testing.T) {
		for name, f := range map[string]func(*testing.T){
			"slow headers": s.slowHeaders, "slow bodies": s.slowBodies, "great headers": s.greatHeaders, "garbage behind a request": s.garbage,
			"streams that are reset at once": s.rapidReset, "headers that never end": s.continuations, "bent requests": s.bent,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f(t)
				if err := s.health(); err != nil {
					t.Errorf("others are not answered: %v", err)
				}
			})
		}
	})
	s.until(t, "the connections are given back", func() bool { return s.sockets(t) <= before })
	if log := s.log.take(); strings.Contains(log, "panic") {
		t.Errorf("the log has %.3000s", log)
	}
}

// ended reads until the server ends a connection, and returns what it said.
func ended(t *testing.T, c net.Conn) string {
	t.Helper()
	text, err := io.ReadAll(io.LimitReader(c, 1<<20))
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Errorf("the server holds the connection: %.100q", text)
	}
	return string(text)
}

func (s *served) slowHeaders(t *testing.T) {
	var all []net.Conn
	for range 100 {
		c := s.dial(t, "http/1.1")
		_, err := io.WriteString(c, "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		want(t, err)
		all = append(all, c)
	}
	want(t, s.health())
	for _, c := range all {
		ended(t, c)
	}
}

func (s *served) slowBodies(t *testing.T) {
	var all []net.Conn
	for range 20 {
		c := s.dial(t, "http/1.1")
		_, err := fmt.Fprintf(c, "POST /api/v1/plans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", s.token)
		want(t, err)
		all = append(all, c)
	}
	want(t, s.health())
	for _, c := range all {
		if text := ended(t, c); text != "" && !strings.HasPrefix(text, "HTTP/1.1 4") {
			t.Errorf("%.200q", text)
		}
	}
}

func (s *served) greatHeaders(t *testing.T) {
	for name, header := range map[string]string{"one": "X-Great: " + strings.Repeat("x", 1<<20) + "\r\n", "many": strings.Repeat("a: b\r\n", 100_000), "the target": ""} {
		c, path := s.dial(t, "http/1.1"), "/api/v1/health"
		if header == "" {
			path += "?" + strings.Repeat("x", 200_000)
		}
		go fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, header) // it may end before all is sent
		if text := ended(t, c); text != "" && !strings.HasPrefix(text, "HTTP/1.1 431") && !strings.HasPrefix(text, "HTTP/1.1 414") {
			t.Errorf("%s: %.200q", name, text)
		}
	}
}

func (s *served) garbage(t *testing.T) {
	get := "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, behind := range []string{"\x00\x01\x02\x03\r\n\r\n", "GARBAGE\r\n\r\n", "GET /api/v1/health HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", strings.Repeat("\xff", 10_000) + "\r\n\r\n",
		"POST /api/v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "POST /api/v1/plans HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET /api/v1/health HTTP/1.1\r\n Host: x\r\n\r\n"} {
		c := s.dial(t, "http/1.1")
		_, err := io.WriteString(c, get+behind+get)
		want(t, err)
		text := ended(t, c)
		if !strings.HasPrefix(text, "HTTP/1.1 200") || strings.Count(text, "HTTP/1.1 200") != 1 {
			t.Errorf("%.60q: the answers are %.600q", behind, text)
		}
	}
}

// second begins to speak HTTP/2 (RFC 9113 section 3.4).
func (s *served) second(t *testing.T) (net.Conn, *http2.Framer) {
	c := s.dial(t, "h2")
	_, err := io.WriteString(c, http2.ClientPreface)
	want(t, err)
	f := http2.NewFramer(c, c)
	want(t, f.WriteSettings())
	return c, f
}

func (s *served) head(token string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", s.addr}, {":path", "/api/v1/machines"}, {"authorization", "Bearer " + token}} {
		_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	return b.Bytes()
}

// rapidReset is CVE-2023-44487.
func (s *served) rapidReset(t *testing.T) {
	c, f := s.second(t)
	go func() { _, _ = io.Copy(io.Discard, c) }()
	head := s.head(s.token)
	for i := range 20_000 {
		id := uint32(2*i + 1)
		if f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head, EndStream: true, EndHeaders: true}) != nil || f.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
			break // the server has had enough
		}
	}
	want(t, s.health())
}

// continuations is CVE-2024-27316 and its like.
func (s *served) continuations(t *testing.T) {
	_, f := s.second(t)
	part := bytes.Repeat([]byte{0x00, 0x01, 'a', 0x01, 'b'}, 3000) // literal fields a: b
	err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: s.head(s.token)})
	sent := 0
	for ; err == nil && sent < 4000; sent++ {
		err = f.WriteContinuation(1, false, part)
	}
	if err == nil {
		t.Errorf("the server took %d MB of headers", sent*len(part)>>20)
	}
}

// bent sends requests as the handler is sent them in process.
func (s *served) bent(t *testing.T) {
	doc := readDocument(t)
	m := &maker{Rand: mathrand.New(mathrand.NewPCG(fromEnv("RACKWRIGHT_FUZZ_SEED", 1), 7)), doc: doc, pool: &pool{words: map[string][]string{"machine": {"m1"}, "rack": {"r1"}}}}
	known, counts := examples(), map[int]int{}
	for i := range 400 {
		o := doc.ops[i%len(doc.ops)]
		q := m.whole(o, known[o.id], i)
		m.bend(q)
		if o.body != nil && len(q.body) > 1<<20 || strings.HasPrefix(o.id, "stream") && q.bent != "path" || q.header.Get("Content-Length") != "" || q.header.Get("Transfer-Encoding") != "" {
			continue
		}
		counts[s.raw(t, q)/100]++
	}
	t.Logf("by hundreds of the status %v", counts)
}

// raw writes a request byte by byte as it is, and returns the status of the answer.
func (s *served) raw(t *testing.T, q *request) int {
	c := s.dial(t, "http/1.1")
	defer c.Close()
	target := strings.NewReplacer(" ", "%20").Replace(q.path)
	if q.query != "" {
		target += "?" + q.query
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\nAuthorization: Bearer %s\r\n", q.method, target, len(q.body), s.token)
	if q.header.Get("Host") == "" {
		b.WriteString("Host: x\r\n")
	}
	for name, values := range q.header {
		if name != "Authorization" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, values[0])
		}
	}
	b.WriteString("\r\n")
	b.Write(q.body)
	go c.Write(b.Bytes())
	answer, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: q.method})
	if err != nil {
		t.Errorf("%s %.200s (%s): %v", q.method, target, q.bent, err)
		return 0
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if answer.StatusCode >= 500 && !(answer.StatusCode == 501 && q.unknown) && answer.StatusCode != 503 && answer.StatusCode != 505 {
		t.Errorf("%s %.200s (%s): %s %.300s", q.method, target, q.bent, answer.Status, text)
	}
	if q.wrong && answer.StatusCode < 300 && q.method != "HEAD" && q.method != "OPTIONS" {
		t.Errorf("%s %.200s (%s): let through: %.300s", q.method, target, q.bent, text)
	}
	return answer.StatusCode
}
