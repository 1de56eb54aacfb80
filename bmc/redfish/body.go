package redfish

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// errTooLarge is an answer beyond maxBody.
var errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)

// swallow replaces the body by its bytes, at most maxBody. Some services compress what they
// were asked to send as it is.
func swallow(resp *http.Response) error {
	defer resp.Body.Close()
	from := io.Reader(resp.Body)
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && resp.Request.Method != http.MethodHead && resp.ContentLength != 0 {
		plain, err := gzip.NewReader(from)
		if err != nil {
			return fmt.Errorf("the answer is not compressed as it says: %w", err)
		}
		from = plain
		resp.Header.Del("Content-Encoding")
	}
	body, err := io.ReadAll(io.LimitReader(from, maxBody+1))
	if err != nil {
		return fmt.Errorf("the answer breaks off: %w", err)
	}
	if len(body) > maxBody {
		return errTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return nil
}

// absolute finds links that are full URLs of the service itself, with our port or without.
// DSP0266 9.2 has them as paths; frameworks that make URLs of the request's Host write them
// in full.
func absolute(base *url.URL) *regexp.Regexp {
	host := base.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port := cmp.Or(base.Port(), map[string]string{"http": "80", "https": "443"}[base.Scheme])
	return regexp.MustCompile(`(?i)("(?:@odata\.id|[a-z]*@odata\.nextLink|target|@Redfish\.ActionInfo)"\s*:\s*")https?:(?:\\?/){2}` +
		regexp.QuoteMeta(host) + `(?::` + port + `)?(\\?/)`)
}

// shorten makes paths of such links. Links to another host stay as they are, for guard.
func (w *wire) shorten(resp *http.Response) {
	body := peek(resp)
	if !bytes.Contains(body, []byte(w.base.Hostname())) {
		return
	}
	body = w.full.ReplaceAll(body, []byte("$1$2"))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}
