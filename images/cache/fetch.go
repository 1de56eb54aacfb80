package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/images"
)

// Bounds of what is asked of the upstream.
const (
	dialLimit   = 3 * time.Second
	answerLimit = 10 * time.Second
	stallLimit  = 10 * time.Second // without a byte
	wholeLimit  = 2 * time.Minute  // of one chunk: some 40 kB/s
	maxManifest = 64 << 20
	piece       = 128 << 10 // bytes that are passed on at a time
)

func newClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: dialLimit}).DialContext, TLSHandshakeTimeout: answerLimit, ResponseHeaderTimeout: answerLimit,
			MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10}}
}

// ask asks the upstream for a path.
func (c *Cache) ask(ctx context.Context, path, ticket string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.Upstream, "/")+path, nil)
	if err != nil {
		return nil, fault.Internalf("upstream %s: %w", c.Upstream, err)
	}
	r.Header.Set("Authorization", "Bearer "+ticket)
	answer, err := c.Client.Do(r)
	if err != nil {
		return nil, fault.Unreachablef("%s does not answer: %w", c.Upstream, err).WithHint("see that the cache reaches it")
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return answer, nil
	case http.StatusNotFound:
		err = fault.NotFoundf("%s has no %s", c.Upstream, path).WithHint("add the image again")
	case http.StatusUnauthorized, http.StatusForbidden:
		err = fault.Deniedf("%s refuses the ticket", c.Upstream).WithHint("do the servers share one key (seal_key_file)?")
	default:
		err = fault.Unreachablef("%s answers %s", c.Upstream, answer.Status)
	}
	answer.Body.Close()
	return nil, err
}

// fetch brings a chunk and ends its flight.
func (c *Cache) fetch(blob, ticket string, f *flight) error {
	err := c.bring(blob, ticket, f)
	if err != nil {
		f.fail(err)
		_ = os.Remove(f.path)
		c.Log.Warn("a chunk was not fetched", "chunk", blob, "upstream", c.Upstream, "error", err)
	}
	return err
}

func (c *Cache) bring(blob, ticket string, f *flight) error {
	ctx, cancel := context.WithTimeout(context.Background(), wholeLimit) // for all who wait: none of them alone ends it
	defer cancel()
	answer, err := c.ask(ctx, "/chunks/"+blob, ticket)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.ContentLength <= 0 || answer.ContentLength > maxFrame {
		return fault.Invalidf("%s offers a chunk of %d bytes", c.Upstream, answer.ContentLength)
	}
	temp, err := os.Create(f.path)
	if err != nil {
		return c.diskFault(err)
	}
	defer temp.Close()
	f.begin(answer.ContentLength)
	sum := sha256.New()
	if err := c.pour(answer.Body, temp, sum, f, cancel); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != blob {
		c.mu.Lock()
		c.counts.Wrong++
		c.mu.Unlock()
		return fault.Invalidf("%s sent other bytes than chunk %s has", c.Upstream, blob)
	}
	return f.land(func(temp string) error { return c.keep(blob, temp, answer.ContentLength) })
}

// pour passes the body on to the file and to who waits.
func (c *Cache) pour(body io.Reader, temp io.Writer, sum hash.Hash, f *flight, cancel func()) error {
	stall := time.AfterFunc(stallLimit, cancel)
	defer stall.Stop()
	buf := make([]byte, min(piece, f.Size()))
	for left := f.Size(); left > 0; {
		n, err := io.ReadFull(body, buf[:min(int64(len(buf)), left)])
		if err != nil {
			return fault.Unreachablef("%s stopped in the middle of a chunk: %w", c.Upstream, err)
		}
		stall.Reset(stallLimit)
		if err := c.write(temp, buf[:n]); err != nil {
			return err
		}
		sum.Write(buf[:n])
		left -= int64(n)
		c.mu.Lock()
		c.counts.Fetched += int64(n)
		c.mu.Unlock()
		f.came(n)
	}
	return nil
}

// write writes to a disk that may be full: then old chunks make room.
func (c *Cache) write(to io.Writer, b []byte) error {
	for {
		n, err := to.Write(b)
		if err == nil {
			return nil
		}
		b = b[n:]
		if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
			return c.diskFault(err)
		}
		if !c.shed(4 * maxFrame) {
			return fault.Conflictf("the disk of the cache %s is full", c.Dir).WithHint("free space there, or give the cache another directory")
		}
	}
}

// Manifest fetches a manifest and proves it. It is not kept: agents have it from the server.
func (c *Cache) Manifest(ctx context.Context, digest, ticket string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wholeLimit)
	defer cancel()
	hexes, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || !isBlob(hexes) {
		return nil, fault.Invalidf("%.80q is not the digest of a manifest", digest)
	}
	answer, err := c.ask(ctx, "/manifests/"+hexes, ticket)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxManifest+1))
	if err != nil || len(b) > maxManifest {
		return nil, fault.Unreachablef("the manifest %s did not come whole: %w", digest, errors.Join(err, ctx.Err()))
	}
	if _, err := images.DecodeManifest(b, digest); err != nil {
		return nil, err
	}
	return b, nil
}
