package scripted

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/netip"
	neturl "net/url"
	"time"
)

// Bounds of what is fetched.
const (
	dialTime     = 10 * time.Second
	answerTime   = 45 * time.Second // of headers; an order is polled for 20 s
	stallTime    = 30 * time.Second // of a body that has stopped coming
	transferTime = 15 * time.Minute
	maxScript    = 64 << 10
	maxFile      = 4 << 30
)

// errPin is a server that is not the one pinned.
var errPin = errors.New("the server's certificate is not the one pinned for this boot")

// web returns an HTTP client that speaks from the port's address. pin, if given, is the
// SHA-256 of the only certificate it accepts. Its owner closes idle connections.
func (p port) web(pin *[32]byte) *nethttp.Client {
	dialer := &net.Dialer{Timeout: dialTime}
	if p.local.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: p.local.AsSlice()}
	}
	t := &nethttp.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 2 * dialTime, ResponseHeaderTimeout: answerTime,
		MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, DisableCompression: true, ReadBufferSize: 4 << 10, WriteBufferSize: 2 << 10}
	if pin != nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
			if sum := sha256.Sum256(s.PeerCertificates[0].Raw); subtle.ConstantTimeCompare(sum[:], pin[:]) != 1 {
				return errPin
			}
			return nil
		}}
	}
	return &nethttp.Client{Transport: t, CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }}
}

// get fetches a file by plain HTTP into w and returns how many bytes it has.
func (p port) get(ctx context.Context, url string, w io.Writer, limit int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, transferTime)
	defer cancel()
	request, err := nethttp.NewRequestWithContext(ctx, nethttp.MethodGet, url, nil)
	if err != nil {
		return 0, errors.New("not a URL")
	}
	request.Header.Set("User-Agent", "iPXE/1.21.1+ (racksim)")
	c := p.web(nil)
	defer c.CloseIdleConnections()
	response, err := c.Do(request)
	if err != nil {
		return 0, cause(err)
	}
	defer response.Body.Close()
	if response.StatusCode != nethttp.StatusOK {
		return 0, fmt.Errorf("the server answers %s", response.Status)
	}
	n, err := io.Copy(w, io.LimitReader(&watched{response.Body, cancel}, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	if err == nil && response.ContentLength >= 0 && n != response.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// cause is an error without the URL around it, which may hold a one-time secret.
func cause(err error) error {
	if e, ok := errors.AsType[*neturl.Error](err); ok {
		return e.Err
	}
	return err
}

// watched gives a body up when nothing comes for stallTime.
type watched struct {
	io.Reader
	cancel context.CancelFunc
}

func (w *watched) Read(p []byte) (int, error) {
	t := time.AfterFunc(stallTime, w.cancel)
	defer t.Stop()
	return w.Reader.Read(p)
}

// portAt is the NIC with the address it was given, as far as this host has that address.
func (m *Machine) portAt(o offered) port {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(o.address, 0)))
	if err != nil {
		return port{}
	}
	conn.Close()
	return port{local: o.address}
}
