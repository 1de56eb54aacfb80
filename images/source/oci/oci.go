// Package oci fetches a layer of an OCI artifact, from a registry or from an image layout in
// a directory (OCI image and distribution specifications 1.1). It judges nothing of what
// the layer is, but its digest goes with it.
package oci

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"rackwright/fault"
	"rackwright/images/source"
)

// maxManifest bounds a manifest or index, bytes: what registries accept.
const maxManifest = 4 << 20

// Fetcher fetches layers.
type Fetcher struct {
	Client      *http.Client
	Credentials string                                        // a docker config.json with what registries want to see; "" for none
	Layout      func(dir string) (fs.FS, error)               // opens the directory of an image layout, as far as that is allowed
	Backoff     func(ctx context.Context, failures int) error // nil: source.Backoff
}

// Layer is a file of an artifact.
type Layer struct {
	io.ReadCloser
	Bytes  int64
	SHA256 string // hexadecimal, as the artifact's manifest says; whoever reads compares
	Title  string // may be empty
}

// Fetch returns the layer of that title or media type, "" for the largest. Reference is
// registry/repository:tag, with @sha256:... instead of the tag, or dir:/path:tag.
func (f *Fetcher) Fetch(ctx context.Context, reference, layer, arch string) (*Layer, error) {
	target, tag, err := f.target(ctx, reference)
	if err != nil {
		return nil, err
	}
	manifest, err := manifestOf(ctx, target, tag, arch)
	if err != nil {
		return nil, explain(reference, err)
	}
	d, err := pick(manifest.Layers, layer)
	if err != nil {
		return nil, err
	}
	open := func(ctx context.Context, off int64) (io.ReadCloser, error) {
		return openAt(ctx, target, d, off, reference)
	}
	return &Layer{ReadCloser: source.NewReader(ctx, d.Size, open, f.Backoff), Bytes: d.Size,
		SHA256: d.Digest.Encoded(), Title: d.Annotations[ocispec.AnnotationTitle]}, nil
}

// target finds where the artifact is.
func (f *Fetcher) target(ctx context.Context, reference string) (oras.ReadOnlyTarget, string, error) {
	if dir, ok := strings.CutPrefix(reference, "dir:"); ok {
		return f.layout(ctx, dir)
	}
	ref, err := registry.ParseReference(reference)
	if err != nil || ref.Reference == "" {
		return nil, "", fault.Invalidf("%.200q is not the reference of an artifact", reference).
			WithHint("write registry/repository:tag, registry/repository@sha256:..., or dir:/path:tag")
	}
	repository, err := remote.NewRepository(ref.Registry + "/" + ref.Repository)
	if err != nil {
		return nil, "", fault.Invalidf("%.200q is not the reference of an artifact: %w", reference, err)
	}
	client := &auth.Client{Client: f.Client, Cache: auth.NewCache()}
	if f.Credentials != "" {
		known, err := credentials.NewFileStore(f.Credentials)
		if err != nil {
			return nil, "", fault.Invalidf("credentials of registries: %w", err).WithHint("correct images.registry_auth in the configuration")
		}
		client.Credential = credentials.Credential(known)
	}
	repository.Client, repository.PlainHTTP, repository.MaxMetadataBytes = client, isLoopback(ref.Host()), maxManifest
	return repository, ref.Reference, nil
}

// isLoopback: a registry of this very host speaks plain HTTP, as everywhere in this trade.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// splitLayout splits dir:/path:tag, without the dir:, into path and tag.
func splitLayout(s string) (dir, tag string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if at := strings.LastIndex(s, "@sha256:"); at >= 0 {
		return s[:at], s[at+1:], at > 0
	}
	if i <= 0 || i == len(s)-1 || strings.ContainsRune(s[i:], '/') {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

func (f *Fetcher) layout(ctx context.Context, where string) (oras.ReadOnlyTarget, string, error) {
	dir, tag, ok := splitLayout(where)
	if !ok {
		return nil, "", fault.Invalidf("%.200q names no artifact of a layout", "dir:"+where).WithHint("write dir:/path:tag or dir:/path@sha256:...")
	}
	fsys, err := f.Layout(dir)
	if err != nil {
		return nil, "", err
	}
	store, err := oci.NewFromFS(ctx, fsys)
	if err != nil {
		return nil, "", fault.Invalidf("%.200s is no OCI image layout: %w", dir, err).WithHint("name a directory that has oci-layout and index.json")
	}
	return store, tag, nil
}

// manifestOf reads the manifest; of an index, the one for the architecture, or its only.
func manifestOf(ctx context.Context, target oras.ReadOnlyTarget, tag, arch string) (*ocispec.Manifest, error) {
	for range 3 { // an index may name an index
		d, b, err := oras.FetchBytes(ctx, target, tag, oras.FetchBytesOptions{MaxBytes: maxManifest})
		if err != nil {
			return nil, err
		}
		var read struct {
			ocispec.Manifest
			Manifests []ocispec.Descriptor `json:"manifests"`
		}
		if err := json.Unmarshal(b, &read); err != nil {
			return nil, fault.Invalidf("the manifest %s is not JSON: %w", d.Digest, err)
		}
		if len(read.Manifests) == 0 {
			return &read.Manifest, nil
		}
		next := read.Manifests[0]
		for _, m := range read.Manifests {
			if m.Platform != nil && m.Platform.Architecture == cmp.Or(arch, "amd64") {
				next = m
				break
			}
		}
		tag = next.Digest.String()
	}
	return nil, fault.Invalidf("the artifact is an index of indexes without end")
}

// pick chooses a layer by title or media type, or the largest.
func pick(layers []ocispec.Descriptor, want string) (ocispec.Descriptor, error) {
	var best ocispec.Descriptor
	for _, d := range layers {
		named := want == "" || d.Annotations[ocispec.AnnotationTitle] == want || d.MediaType == want
		if named && d.Size > best.Size {
			best = d
		}
	}
	switch {
	case best.Size == 0 && want != "":
		return best, fault.NotFoundf("the artifact has no layer %.200q", want).WithHint("name the title or the media type of one of its layers")
	case best.Size == 0:
		return best, fault.Invalidf("the artifact has no layers")
	case best.Digest.Validate() != nil || best.Digest.Algorithm().String() != "sha256":
		return best, fault.Invalidf("the layer's digest %.100q is not a SHA-256", best.Digest)
	}
	return best, nil
}

// openAt opens a layer from off on.
func openAt(ctx context.Context, target content.Fetcher, d ocispec.Descriptor, off int64, reference string) (io.ReadCloser, error) {
	body, err := target.Fetch(ctx, d)
	if err != nil {
		return nil, explain(reference, err)
	}
	if off == 0 {
		return body, nil
	}
	if s, ok := body.(io.Seeker); ok {
		_, err = s.Seek(off, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, body, off)
	}
	if err != nil {
		return nil, errors.Join(fault.Unreachablef("the connection broke: %w", err), body.Close())
	}
	return body, nil
}

// explain gives an error of a registry its kind.
func explain(reference string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if e, ok := errors.AsType[*errcode.ErrorResponse](err); ok {
		switch e.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fault.Deniedf("the registry does not give %.200s out to this server", reference).WithHint("put its credentials into the file that images.registry_auth names")
		case http.StatusNotFound:
			return fault.NotFoundf("the registry has no %.200s", reference).WithHint("correct the reference")
		}
	}
	switch {
	case errors.Is(err, errdef.ErrNotFound) || errors.Is(err, fs.ErrNotExist):
		return fault.NotFoundf("there is no artifact %.200s", reference).WithHint("correct the reference")
	case errors.Is(err, errdef.ErrSizeExceedsLimit) || errors.Is(err, errdef.ErrInvalidDigest) || errors.Is(err, content.ErrMismatchedDigest):
		return fault.Invalidf("the artifact %.200s is damaged: %w", reference, err)
	}
	return fault.Unreachablef("the artifact %.200s cannot be fetched: %w", reference, err).WithHint("see whether the server reaches the registry")
}
