package images_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/images"
)

func TestAnOrderNamesAllThatIsWrongWithIt(t *testing.T) {
	sum := strings.Repeat("AB", 32)
	parts := func(p ...images.PartOrder) images.ImportOrder {
		return images.ImportOrder{Name: "x", Kind: images.KindNetboot, Parts: p}
	}
	kernel := images.PartOrder{Name: "kernel", Digest: sum}
	for name, c := range map[string]struct {
		order  images.ImportOrder
		upload bool
		bad    []string
	}{
		"a web address":      {images.ImportOrder{Name: "x", URL: "https://mirror/x", SHA256: "sha256:" + sum}, false, nil},
		"an upload":          {images.ImportOrder{Name: "x", Kind: images.KindISO}, true, nil},
		"a part":             {images.ImportOrder{Name: "Image-6.1", Kind: images.KindPart}, true, nil},
		"parts":              {parts(kernel, images.PartOrder{Name: "initrd", URL: "http://mirror/i"}), false, nil},
		"nowhere":            {images.ImportOrder{Name: "x"}, false, []string{"url"}},
		"two places":         {images.ImportOrder{Name: "x", URL: "https://mirror/x", Path: "/x"}, false, []string{"url"}},
		"a name and a sum":   {images.ImportOrder{Name: "No", URL: "https://mirror/x", SHA256: "12"}, false, []string{"name", "sha256"}},
		"a password":         {images.ImportOrder{Name: "x", URL: "https://me:pw@mirror/x"}, false, []string{"url"}},
		"another scheme":     {images.ImportOrder{Name: "x", URL: "file:///etc/passwd"}, false, []string{"url"}},
		"a part not sent":    {images.ImportOrder{Name: "x", Kind: images.KindPart, URL: "https://mirror/x"}, false, []string{"kind"}},
		"a kind of its own":  {images.ImportOrder{Name: "x", Kind: "cloud", Path: "/x"}, false, []string{"kind"}},
		"an upload from far": {images.ImportOrder{Name: "x", URL: "https://mirror/x"}, true, []string{"kind"}},
		"no kernel":          {parts(images.PartOrder{Name: "initrd", Digest: sum}), false, []string{"parts"}},
		"a part twice":       {parts(kernel, kernel), false, []string{"parts[1].name"}},
		"a part from two":    {parts(images.PartOrder{Name: "kernel", Digest: sum, URL: "https://mirror/x"}), false, []string{"parts[0].url"}},
		"a part with a path": {parts(kernel, images.PartOrder{Name: "../x", Digest: sum}), false, []string{"parts[1].name"}},
		"a template":         {images.ImportOrder{Name: "x", Path: "/x", Template: "t"}, false, []string{"parts"}},
		"to nothing":         {images.ImportOrder{Name: "x", Kind: images.KindNetboot, Parts: []images.PartOrder{kernel}, Template: "t"}, false, []string{"answers"}},
	} {
		err := c.order.Check(c.upload)
		var bad []string
		if f, ok := errors.AsType[*fault.Error](err); ok {
			for _, field := range f.Fields {
				bad = append(bad, field.Path)
			}
		}
		if !slices.Equal(bad, c.bad) || strings.Contains(errText(err), "pw") {
			t.Errorf("%s: %v, want %v", name, err, c.bad)
		}
	}
	o := images.ImportOrder{Name: "x", Path: "/x", SHA256: "SHA256:" + sum}
	if err := o.Check(false); err != nil || o.SHA256 != strings.ToLower(sum) || o.Kind != images.KindDisk {
		t.Errorf("%+v, %v", o, err)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWhatIsSaidOfAnAddressIsNoSecret(t *testing.T) {
	for address, want := range map[string]string{
		"https://mirror/disk.raw":                    "https://mirror/disk.raw",
		"https://me:pw@mirror/disk.raw?sig=secret#x": "https://mirror/disk.raw?...",
		"http://bad host/":                           "an address",
	} {
		if got := images.WithoutSecrets(address); got != want {
			t.Errorf("%s is called %s", address, got)
		}
	}
}
