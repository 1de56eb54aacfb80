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
	Name      string
	Kind      images.Kind // "" is disk
	SHA256    string      // of the file, hexadecimal; "" when not known
	Signature string      // detached, "" for none
	Arch      string      // of what does not tell it
	File      io.Reader
	Bytes     int64            // size of the file, -1 when not known
	Progress  func(sent int64) // called as bytes leave; may be nil
	Resume    bool             // go on with an upload of that name and size that was begun before
}

// AddImage sends a file to the server as an image and waits until it is one. A file that
// can be read at any place is sent in as many requests as it takes; another in one.
func (c *Client) AddImage(ctx context.Context, u Upload) (images.Image, error) {
	file, _ := u.File.(io.ReaderAt)
	if u.Bytes <= 0 {
		file = nil
	}
	if file != nil || u.Signature != "" {
		if _, err := c.sendUpload(ctx, u, file); err != nil {
			return images.Image{}, err
		}
		return c.Image(ctx, u.Name)
	}
	query := url.Values{"name": {u.Name}}
	for key, value := range map[string]string{"sha256": u.SHA256, "kind": string(u.Kind), "arch": u.Arch} {
		if value != "" {
			query.Set(key, value)
		}
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
