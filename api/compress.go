package api

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// worthCoding is the length from which an answer is compressed, bytes: a shorter one fits
// into one packet as it is.
const worthCoding = 1400

// coders compress answers; they are costly to make and are used again.
type coders struct {
	zstd *zstd.Encoder // EncodeAll may be called by several at once
	gzip sync.Pool
}

func newCoders() *coders {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // only of options that contradict each other
	}
	return &coders{zstd: z, gzip: sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return w
	}}}
}

// codingOf is how a body is coded for what the request accepts (RFC 9110 section 12.5.3);
// "" is as it is.
func codingOf(h http.Header, accept string, body []byte) string {
	if len(body) < worthCoding || h.Get("Content-Encoding") != "" {
		return ""
	}
	h.Add("Vary", "Accept-Encoding")
	return chosenCoding(accept)
}

// compress codes a body and says so in the header.
func (s *server) compress(h http.Header, coding string, body []byte) []byte {
	switch coding {
	case "zstd":
		body = s.coders.zstd.EncodeAll(body, make([]byte, 0, len(body)/4))
	case "gzip":
		out := bytes.NewBuffer(make([]byte, 0, len(body)/4))
		w := s.coders.gzip.Get().(*gzip.Writer)
		w.Reset(out)
		w.Write(body)
		w.Close()
		s.coders.gzip.Put(w)
		body = out.Bytes()
	default:
		return body
	}
	h.Set("Content-Encoding", coding)
	return body
}

// chosenCoding is the coding with the greatest weight that there is here; of equals zstd.
func chosenCoding(accept string) string {
	weight := map[string]float64{}
	for i, part := range strings.Split(accept, ",") {
		if i == 20 {
			break
		}
		name, q := weighted(part)
		weight[strings.ToLower(name)] = q
	}
	best, found := "", 0.0
	for _, coding := range []string{"zstd", "gzip"} {
		q, named := weight[coding]
		if !named {
			q = weight["*"]
		}
		if q > found {
			best, found = coding, q
		}
	}
	return best
}

// weighted reads one element of an Accept header (RFC 9110 section 12.4.2).
func weighted(part string) (name string, q float64) {
	name, rest, _ := strings.Cut(part, ";")
	q = 1
	for p := range strings.SplitSeq(rest, ";") {
		if key, value, ok := strings.Cut(strings.TrimSpace(p), "="); ok && strings.EqualFold(key, "q") {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil || !(v >= 0 && v <= 1) {
				v = 0
			}
			q = v
		}
	}
	return strings.TrimSpace(name), q
}
