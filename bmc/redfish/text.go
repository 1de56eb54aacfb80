package redfish

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// maxText bounds one string that a BMC says.
const maxText = 200

// tidy makes a BMC's string safe to store and to print: one line, printable, bounded.
func tidy(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > maxText {
		s = string(runes[:maxText])
	}
	return s
}

// first is the first of the strings that says something.
func first(all ...string) string {
	for _, s := range all {
		if s = tidy(s); s != "" {
			return s
		}
	}
	return ""
}

// tidyAll tidies a list; what says nothing is left out.
func tidyAll(all []string) []string {
	var out []string
	for _, s := range all {
		if s = tidy(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// orNothing is a list for a sentence.
func orNothing(all []string) string {
	if len(all) == 0 {
		return "nothing"
	}
	return tidy(strings.Join(all, ", "))
}

// said is a BMC's text fit to keep: tidy, without our password and without what stands in
// URLs behind the host: a one-time URL or the path that events are sent to is a secret.
func (c *Controller) said(s string) string { return tidy(withoutPaths(c.wire.scrub(s))) }

func withoutPaths(s string) string {
	var out strings.Builder
	for {
		at := strings.Index(s, "://")
		if at < 0 {
			out.WriteString(s)
			return out.String()
		}
		at += len("://")
		end := at + strings.IndexFunc(s[at:]+" ", func(r rune) bool { return strings.ContainsRune(" \"'<>,;)]}", r) })
		host := s[at:end]
		if cut := strings.IndexAny(host, "/?#"); cut >= 0 {
			host = host[:cut] + "/" + "(hidden)"
		}
		if user := strings.LastIndexByte(host, '@'); user >= 0 {
			host = host[user+1:]
		}
		out.WriteString(s[:at] + host)
		s = s[end:]
	}
}

// tidyURL makes a BMC's URL safe to show: one line, bounded, without user information.
// What is no URL is nothing.
func tidyURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxBootURI {
		return ""
	}
	u.User = nil
	return u.String()
}

// lastOf is the last segment of a resource's path: what an id in Redfish is.
func lastOf(uri string) string {
	path, _, _ := strings.Cut(uri, "?")
	path = strings.TrimRight(path, "/")
	name := path[strings.LastIndexByte(path, '/')+1:]
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return tidy(name)
}

// pathOf is the path of a link or a Location header, which some BMCs give as a full URL;
// with its query. Empty when it is none.
func pathOf(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || u.Host != "" && u.Scheme == "" {
		return ""
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}

// trailingNumber is the number an id ends in.
func trailingNumber(id string) (uint64, bool) {
	n, err := strconv.ParseUint(id[len(strings.TrimRight(id, "0123456789")):], 10, 64)
	return n, err == nil
}
