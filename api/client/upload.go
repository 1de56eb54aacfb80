package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"rackwright/images"
)

// Upload is an image file on its way to the server.
type Upload struct {
	Name     string
	SHA256   string // of the file, hexadecimal; "" when not known
	File     io.Reader
	Bytes    int64            // size of the file, -1 when not known
	Progress func(sent int64) // called as bytes leave; may be nil
}

// AddImage streams a file to the server as an image. The server reads all of it before
// it answers.
func (c *Client) AddImage(ctx context.Context, u Upload) (images.Image, error) {
	query := url.Values{"name": {u.Name}}
	if u.SHA256 != "" {
		query.Set("sha256", u.SHA256)
	}
	return send[images.Image](ctx, c, "/images", query, u)
}

// send streams a file to a path and returns what the server made of it.
func send[T any](ctx context.Context, c *Client, path string, query url.Values, u Upload) (made T, err error) {
	r, err := c.request(ctx, http.MethodPost, path, query, &counted{r: u.File, tell: u.Progress})
	if err != nil {
		return made, err
	}
	r.ContentLength = u.Bytes
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("Expect", "100-continue") // a refusal comes before the bytes go
	answer, err := c.do(r)
	if err != nil {
		return made, err
	}
	defer answer.Body.Close()
	return decode[T](c, answer)
}

// counted tells how many bytes were read.
type counted struct {
	r    io.Reader
	n    int64
	tell func(int64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	if c.tell != nil && n > 0 {
		c.tell(c.n)
	}
	return n, err
}
