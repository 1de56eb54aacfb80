package redfish

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"

	"rackwright/fault"
)

// source is a file that this BMC fetches by itself.
type source struct {
	uri, user, password string
	anchors             *x509.CertPool // who may have signed the server's certificate; nil: it is not judged, as on most BMCs
	limit               int64          // bytes
	progress            func(percent int)
}

// download streams it into a new file of dir, whose name it returns.
func download(ctx context.Context, dir, pattern string, from source) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from.uri, nil)
	if err != nil {
		return "", fault.Invalidf("the URL is wrong")
	}
	if from.user != "" {
		request.SetBasicAuth(from.user, from.password)
	}
	transport := &http.Transport{
		TLSClientConfig:       &tls.Config{InsecureSkipVerify: from.anchors == nil, RootCAs: from.anchors},
		ResponseHeaderTimeout: answerTimeout, DisableCompression: true,
	}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return "", fault.Unreachablef("file server: %w", bare(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fault.Unreachablef("file server answers %s", answer.Status)
	}
	body := io.Reader(answer.Body)
	if from.progress != nil && answer.ContentLength > 0 {
		body = &counted{Reader: body, total: answer.ContentLength, tell: from.progress}
	}
	return save(dir, pattern, body, from.limit)
}

// bare leaves the URL out of a client's error: it may be a secret.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// counted tells how much of a download has come, once a percent.
type counted struct {
	io.Reader
	done, total int64
	told        int
	tell        func(percent int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.done += int64(n)
	if percent := int(c.done * 100 / c.total); percent > c.told {
		c.told = percent
		c.tell(min(percent, 100))
	}
	return n, err
}

// save streams into a new file of dir, at most limit bytes.
func save(dir, pattern string, from io.Reader, limit int64) (string, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", fault.Internalf("file of the BMC: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(from, limit+1))
	if closing := f.Close(); err == nil {
		err = closing
	}
	switch {
	case err != nil:
		err = fault.Unreachablef("transfer: %w", err)
	case n == 0:
		err = fault.Invalidf("the file is empty")
	case n > limit:
		err = fault.Invalidf("the file is larger than %d bytes", limit)
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
