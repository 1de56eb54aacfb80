package scripted

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func newLoader(fetch func(string) error) (*loader, *[]string) {
	said := &[]string{}
	return &loader{say: func(_ string, args ...any) { *said = append(*said, args[0].(string)) }, settings: map[string]string{"platform": "pcbios"},
		fetch: func(_ context.Context, url string) error { return fetch(url) }}, said
}

func TestScriptsEndAsIPXEWouldEndThem(t *testing.T) {
	fine := func(string) error { return nil }
	for _, c := range []struct {
		script string
		want   verdict
		bad    bool
	}{
		{"#!ipxe\nexit 1\n", leave, false},
		{"#!ipxe\niseq ${platform} efi && exit 1 ||\nsanboot --no-describe --drive 0x80 || exit 1\n", sanboot, false},
		{"#!ipxe\niseq ${platform} pcbios && reboot ||\nexit\n", reboot, false},
		{"#!ipxe\nkernel --name k http://x/k a=1 b=2 || goto no\ninitrd http://x/i || goto no\nboot || goto no\n:no\nexit\n", boots, false},
		{"#!ipxe\nboot || reboot\n", reboot, false},
		{"#!ipxe\nset n 0\n:top\ninc n\niseq ${n} 5 && goto out ||\ngoto top\n:out\nreboot\n", reboot, false},
		{"#!ipxe\nchain --autofree --replace http://x/y || reboot\n", chain, false},
		{"#!ipxe\ngoto nowhere\n", leave, true},
		{"#!ipxe\nlogin\n", leave, true},
		{"#!ipxe\nlogin || exit\n", leave, false},
		{"#!ipxe\n:top\ngoto top\n", leave, true},
		{"<html>", leave, true},
		{"#!ipxe\n", leave, false},
	} {
		l, _ := newLoader(fine)
		got, err := l.run(t.Context(), c.script)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%q ended %d, %v", c.script, got, err)
		}
	}
}

func TestAKernelsArgumentsAreItsCommandLine(t *testing.T) {
	var urls []string
	l, _ := newLoader(func(url string) error {
		urls = append(urls, url)
		if len(urls) == 1 {
			return errors.New("lost")
		}
		return nil
	})
	v, err := l.run(t.Context(), "#!ipxe\n:load\nkernel --name vmlinuz http://x/k console=ttyS0 a=b || goto load\nboot\n")
	if err != nil || v != boots || l.cmdline != "console=ttyS0 a=b" || strings.Join(urls, " ") != "http://x/k http://x/k" {
		t.Errorf("%d, %v, %q, %v", v, err, l.cmdline, urls)
	}
}

func FuzzScript(f *testing.F) {
	f.Add("#!ipxe\nset tries:int32 0\n:load\nkernel --name k http://x/k a || goto again\nboot || goto again\n:again\ninc tries\niseq ${tries} 5 && goto end ||\ngoto load\n:end\nreboot\n")
	f.Add("#!ipxe\n&& || ${} ${a:b} exit || &&\n")
	f.Fuzz(func(t *testing.T, script string) {
		if strings.Contains(script, "sleep") {
			return
		}
		l, _ := newLoader(func(string) error { return errors.New("no") })
		l.say = func(string, ...any) {}
		_, _ = l.run(t.Context(), script)
	})
}

func FuzzTFTPOptions(f *testing.F) {
	f.Add([]byte("blksize\x001456\x00tsize\x005\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := agreed(b); err == nil && (n < 8 || n > tftpBlock) {
			t.Errorf("blocks of %d bytes", n)
		}
	})
}
