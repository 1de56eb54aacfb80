package images

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackwright/fault"
)

// ImportState is how far an import has come.
type ImportState string

// The states. An upload is receiving until its last byte is there.
const (
	Receiving ImportState = "receiving"
	Queued    ImportState = "queued"
	Fetching  ImportState = "fetching"
	Checking  ImportState = "checking"
	Done      ImportState = "done"
	Failed    ImportState = "failed"
)

// Ended reports whether nothing more happens.
func (s ImportState) Ended() bool { return s == Done || s == Failed }

// Import is an image on its way into the catalogue.
type Import struct {
	ID      string      `json:"id"`
	Name    string      `json:"name" doc:"Of the image it will be"`
	Kind    Kind        `json:"kind" enum:"disk,rootfs,netboot,iso,part"`
	From    string      `json:"from" doc:"Where the bytes come from: upload, or an address without what is secret in it"`
	State   ImportState `json:"state" enum:"receiving,queued,fetching,checking,done,failed"`
	Bytes   int64       `json:"bytes" doc:"Size of the file; 0 while it is not known"`
	Done    int64       `json:"done_bytes" doc:"Received so far"`
	Digest  string      `json:"digest,omitempty" doc:"When it is done: of the image, or of the part"`
	Error   string      `json:"error,omitempty"`
	Fault   string      `json:"fault,omitempty" enum:"internal,invalid,not-found,conflict,denied,unreachable" doc:"Kind of the error"`
	Hint    string      `json:"hint,omitempty"`
	Actor   string      `json:"actor"`
	Created time.Time   `json:"created_at"`
	Updated time.Time   `json:"updated_at"`

	SHA256          string `json:"sha256,omitempty" doc:"That the file must have; not in lists"`
	SignatureSHA256 string `json:"signature_sha256,omitempty" doc:"Of the signature that was given; not in lists"`

	Order ImportOrder `json:"-"` // what was asked; it may hold secrets
}

// Demands says by which digests the bytes of an order are judged: of the file and of the
// signature, "" for none. An upload goes on only under those it began with.
func (o *ImportOrder) Demands() (file, signature string) {
	if o.Signature != "" {
		sum := sha256.Sum256([]byte(o.Signature))
		signature = hex.EncodeToString(sum[:])
	}
	file, _ = HexSHA256(o.SHA256)
	return file, signature
}

// ImportOrder asks for an import: one place to take the file from, or a list of parts. An
// upload has neither.
type ImportOrder struct {
	Name      string      `json:"name" minLength:"1" maxLength:"63" doc:"Name of the image"`
	Kind      Kind        `json:"kind,omitempty" enum:"disk,rootfs,netboot,iso,part" doc:"Empty is disk; part only for uploads"`
	URL       string      `json:"url,omitempty" maxLength:"2048" doc:"http or https address that the server fetches"`
	OCI       string      `json:"oci,omitempty" maxLength:"512" doc:"Artifact: registry/repository:tag, or @digest; or dir:/path:tag of an OCI layout on the server"`
	Layer     string      `json:"layer,omitempty" maxLength:"256" doc:"Title or media type of the artifact's layer; empty: the largest"`
	Path      string      `json:"path,omitempty" maxLength:"1024" doc:"File on the server, below one of images.import_dirs"`
	SHA256    string      `json:"sha256,omitempty" maxLength:"71" doc:"Of the file; another is refused"`
	Signature string      `json:"signature,omitempty" maxLength:"4096" doc:"Detached signature of the file: minisign, or base64 of cosign sign-blob"`
	Bytes     int64       `json:"bytes,omitempty" minimum:"0" doc:"Size of the file, of uploads; 0 while it is not known"`
	Arch      string      `json:"arch,omitempty" enum:"amd64,arm64" doc:"Of what does not tell it"`
	Parts     []PartOrder `json:"parts,omitempty" nullable:"false" maxItems:"32" doc:"Files of a netboot image; kernel is one of them"`
	Args      string      `json:"args,omitempty" maxLength:"2048" doc:"Template of the kernel's arguments, of netboot"`
	Answers   string      `json:"answers,omitempty" enum:"none,preseed,kickstart,autoinstall,ignition" doc:"What the template answers to, of netboot"`
	Template  string      `json:"template,omitempty" maxLength:"262144" doc:"Template of the answers, of netboot"`
}

// PartOrder is a part of a netboot image: uploaded before, or to be fetched.
type PartOrder struct {
	Name      string `json:"name" minLength:"1" maxLength:"63" doc:"kernel, initrd, or a name of its own"`
	Digest    string `json:"digest,omitempty" maxLength:"71" doc:"Of an uploaded part"`
	URL       string `json:"url,omitempty" maxLength:"2048"`
	Path      string `json:"path,omitempty" maxLength:"1024"`
	SHA256    string `json:"sha256,omitempty" maxLength:"71"`
	Signature string `json:"signature,omitempty" maxLength:"4096"`
}

var (
	imageName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	partName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// badName says what is wrong with the name of an image, "" for nothing.
func badName(name string) string {
	if name == "imports" {
		return "is not an image name: the imports of all images are called so"
	}
	if imageName.MatchString(name) {
		return ""
	}
	return "is not an image name: 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit"
}

// HexSHA256 brings a digest to 64 hexadecimal digits; false: it is none.
func HexSHA256(s string) (string, bool) {
	s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "sha256:")
	return s, sha256Hex.MatchString(s)
}

// Check brings an order to its usual form and returns all that is wrong with it, each with
// the path of its field.
func (o *ImportOrder) Check(upload bool) error {
	if o.Kind == "" {
		o.Kind = KindDisk
	}
	c := orderCheck{err: &fault.Error{Kind: fault.Invalid, Message: "the import is wrong as written", Hint: "see 'rackwright image add --help'"}}
	message := badName(o.Name)
	if o.Kind == KindPart && partName.MatchString(o.Name) {
		message = ""
	}
	c.need(message == "", "name", message)
	c.need(slices.Contains([]Kind{KindDisk, KindRootFS, KindNetboot, KindISO}, o.Kind) || upload && o.Kind == KindPart, "kind", "is not disk, rootfs, netboot or iso")
	c.sum("sha256", &o.SHA256)
	given := 0
	for _, s := range []string{o.URL, o.OCI, o.Path} {
		if s != "" {
			given++
		}
	}
	switch {
	case upload:
		c.need(given == 0 && len(o.Parts) == 0 && o.Kind != KindNetboot, "kind", "is uploaded part by part")
	case o.Kind == KindNetboot:
		c.need(given == 0, "parts", "name the files of a netboot image, not url, oci or path")
	default:
		c.need(given == 1, "url", "give exactly one of url, oci and path")
	}
	c.url("url", o.URL)
	if o.Kind == KindNetboot {
		c.parts(o)
	} else {
		c.need(len(o.Parts) == 0 && o.Args == "" && o.Answers == "" && o.Template == "", "parts", "parts, args, answers and template are of netboot images only")
	}
	if len(c.err.Fields) > 0 {
		return c.err
	}
	return nil
}

type orderCheck struct{ err *fault.Error }

func (c *orderCheck) need(ok bool, path, message string) {
	if !ok {
		c.err.Fields = append(c.err.Fields, fault.Field{Path: path, Message: message})
	}
}

func (c *orderCheck) sum(path string, s *string) {
	if *s != "" {
		hex, ok := HexSHA256(*s)
		c.need(ok, path, "is not 64 hexadecimal digits")
		*s = hex
	}
}

func (c *orderCheck) url(path, s string) {
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	c.need(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", path, "is not an http or https address")
	c.need(err != nil || u.User == nil, path, "has a name or password in it: let the server fetch without, or upload the file")
}

func (c *orderCheck) parts(o *ImportOrder) {
	names := map[string]bool{}
	for i := range o.Parts {
		p, at := &o.Parts[i], "parts["+strconv.Itoa(i)+"]."
		c.need(partName.MatchString(p.Name), at+"name", "is not 1 to 63 of letters, digits, '.', '_' and '-'")
		c.need(!names[p.Name], at+"name", "stands there twice")
		names[p.Name] = true
		given := 0
		for _, s := range []string{p.Digest, p.URL, p.Path} {
			if s != "" {
				given++
			}
		}
		c.need(given == 1, at+"url", "give exactly one of digest, url and path")
		c.url(at+"url", p.URL)
		c.sum(at+"sha256", &p.SHA256)
		c.sum(at+"digest", &p.Digest)
	}
	c.need(names[PartKernel], "parts", "there is no part named kernel")
	if o.Answers == "" {
		o.Answers = "none"
	}
	c.need(slices.Contains(answerKinds(), o.Answers), "answers", "is not none, preseed, kickstart, autoinstall or ignition")
	c.need(o.Template == "" || o.Answers != "none", "answers", "say what the template answers to")
}

// Origin says where an order's bytes come from, without what may be secret in it.
func (o *ImportOrder) Origin() string {
	switch {
	case o.URL != "":
		return WithoutSecrets(o.URL)
	case o.OCI != "":
		return "oci:" + o.OCI
	case o.Path != "":
		return o.Path
	case len(o.Parts) > 0:
		return "parts"
	}
	return "upload"
}

// WithoutSecrets is an address without password and query: a signed address is a secret.
func WithoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address"
	}
	u.User, u.Fragment = nil, ""
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	return u.String()
}
