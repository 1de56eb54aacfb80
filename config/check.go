package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rackwright/fault"
)

// checker collects what is wrong with values.
type checker struct {
	lines  map[string]int
	fields []fault.Field
}

func (k *checker) need(ok bool, path, format string, args ...any) {
	if ok {
		return
	}
	message := fmt.Sprintf(format, args...)
	if n := k.lines[path]; n > 0 {
		message = fmt.Sprintf("line %d: %s", n, message)
	}
	k.fields = append(k.fields, fault.Field{Path: path, Message: message})
}

// check returns every value that cannot work.
func (c *Config) check(lines map[string]int) []fault.Field {
	k := &checker{lines: lines}
	k.need(c.StateDir != "", "state_dir", "must not be empty")
	for _, p := range []struct{ key, path string }{
		{"state_dir", c.StateDir}, {"seal_key_file", c.SealKeyFile}, {"database_password_file", c.DatabasePasswordFile},
		{"api.tls_cert", c.API.TLSCert}, {"api.tls_key", c.API.TLSKey}, {"api.client_ca", c.API.ClientCA}, {"oidc.ca", c.OIDC.CA}, {"oidc.client_secret_file", c.OIDC.ClientSecretFile}, {"boot.ramdisk_dir", c.Boot.RamdiskDir}, {"boot.loader_dir", c.Boot.LoaderDir}, {"images.dir", c.Images.Dir}, {"cache.dir", c.Cache.Dir},
	} {
		k.need(p.path == "" || filepath.IsAbs(p.path), p.key, "must be an absolute path")
	}
	c.checkDatabase(k)
	k.need(c.PublicHost == "" || isHost(c.PublicHost), "public_host", "must be a name or an address, without scheme and port")
	k.need(slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level), "log.level", "must be debug, info, warn or error")
	k.need(slices.Contains([]string{"text", "json"}, c.Log.Format), "log.format", "must be text or json")
	c.checkAPI(k)
	c.checkOIDC(k)
	k.need(c.API.Limits.PerAddress >= 0 && c.API.Limits.PerCaller >= 0 && c.API.Limits.Wrong >= 0 && c.API.Limits.Streams >= 0 && c.API.Limits.Connections >= 0 && c.API.Limits.OfOneAddress >= 0, "api.limits", "must not be negative")
	c.checkListeners(k)
	c.checkDHCP(k)
	k.need(c.Access.TwoPersonsOver >= 0 && c.Access.TwoPersonsOver <= 100_000, "access.two_persons_over", "must be 0 to 100000")
	k.need(c.Worker.Concurrency >= 1 && c.Worker.Concurrency <= 1000, "worker.concurrency", "must be 1 to 1000")
	k.need(c.BMC.Claim == "ask" || c.BMC.Claim == "auto", "bmc.claim", "must be ask or auto")
	c.checkImages(k)
	c.checkCache(k)
	args := c.Boot.KernelArgs
	k.need(len(args) <= 1024 && !strings.ContainsFunc(args, isControl), "boot.kernel_args", "must be one line of at most 1024 bytes")
	return k.fields
}

func (c *Config) checkImages(k *checker) {
	for _, dir := range c.Images.ImportDirs {
		k.need(filepath.IsAbs(dir), "images.import_dirs", "%.80q is not an absolute path", dir)
	}
	for _, file := range c.Images.TrustedKeys {
		k.need(filepath.IsAbs(file), "images.trusted_keys", "%.80q is not an absolute path", file)
	}
	k.need(!c.Images.RequireSignature || len(c.Images.TrustedKeys) > 0, "images.require_signature", "lets nothing in: name a key in images.trusted_keys")
	k.need(c.Images.RegistryAuth == "" || filepath.IsAbs(c.Images.RegistryAuth), "images.registry_auth", "must be an absolute path")
}

func (c *Config) checkCache(k *checker) {
	u, err := url.Parse(c.Cache.Upstream)
	k.need(c.Cache.Upstream == "" || err == nil && u.Scheme == "http" && u.Host != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "",
		"cache.upstream", "must be http://host:port of the other server's [http] listen")
	k.need(c.Cache.MaxGiB >= 1 && c.Cache.MaxGiB <= 1<<20, "cache.max_gib", "must be 1 to 1048576")
	k.need(c.Cache.Upstream == "" || !c.Images.Encrypted, "cache.upstream", "has no use while images.encrypted is set: caches are asked without TLS")
	k.need(c.Cache.Upstream == "" || c.HTTP.Enabled, "cache.upstream", "needs http.enabled: that is where agents fetch")
}

// checkDatabase never quotes the URL: it may hold a password.
func (c *Config) checkDatabase(k *checker) {
	if c.Database == "" {
		k.need(c.DatabasePasswordFile == "", "database_password_file", "is for PostgreSQL: set database to postgres://user@host/name as well")
		return
	}
	u, err := url.Parse(string(c.Database))
	k.need(err == nil && isPostgres(u) && len(u.Path) > 1, "database", "must be postgres://user@host/name, or empty for the embedded database")
	if err == nil && c.DatabasePasswordFile != "" {
		_, has := u.User.Password()
		k.need(!has, "database", "has a password, and so has database_password_file: keep one, better the file")
	}
}

func (c *Config) checkAPI(k *checker) {
	k.need((c.API.TLSCert == "") == (c.API.TLSKey == ""), "api.tls_cert", "tls_cert and tls_key belong together: set both or neither")
	if path, ok := strings.CutPrefix(c.API.Listen, "unix:"); ok {
		k.need(filepath.IsAbs(path) && len(path) <= 107, "api.listen", "must be unix: and an absolute path of at most 107 bytes")
		return
	}
	checkListen(k, "api.listen", c.API.Listen)
	k.need(c.API.ClientCA == "" || c.API.TLSCert != "" || c.API.OwnTLS(), "api.client_ca", "needs TLS: set api.tls_cert and api.tls_key, or listen beyond this host")
}

func (c *Config) checkOIDC(k *checker) {
	o := c.OIDC
	if o.Issuer == "" {
		k.need(len(o.Groups) == 0, "oidc.groups", "has no use without oidc.issuer")
		return
	}
	u, err := url.Parse(o.Issuer)
	k.need(err == nil && u.Host != "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(net.JoinHostPort(u.Hostname(), "0"))),
		"oidc.issuer", "must be https://host/path, as the provider calls itself; http only on this host")
	k.need(o.ClientID != "", "oidc.client_id", "must be what the provider calls this server's programs")
	k.need(slices.Contains(o.Scopes, "openid"), "oidc.scopes", "must have openid")
	k.need(o.NameClaim != "" && o.GroupsClaim != "", "oidc.name_claim", "and oidc.groups_claim must not be empty")
	k.need(o.SessionHours >= 1 && o.SessionHours <= 24*30, "oidc.session_hours", "must be 1 to 720")
	k.need(len(o.Groups) > 0, "oidc.groups", "lets nobody in: name a group and its role")
	for _, g := range o.Groups {
		k.need(g.Group != "", "oidc.groups", "has an entry without group")
		k.need(slices.Contains([]string{"viewer", "technician", "operator", "admin"}, g.Role), "oidc.groups", "%.60q: role must be viewer, technician, operator or admin", g.Group)
	}
}

// checkListeners also finds two services on one TCP port; TFTP is UDP.
func (c *Config) checkListeners(k *checker) {
	checkListen(k, "tftp.listen", c.TFTP.Listen)
	tcp := []struct {
		key, listen string
		enabled     bool
	}{{"api.listen", c.API.Listen, c.API.Enabled}, {"http.listen", c.HTTP.Listen, c.HTTP.Enabled}, {"agent.listen", c.Agent.Listen, c.Agent.Enabled},
		{"boot.https_listen", c.Boot.HTTPSListen, c.HTTP.Enabled && c.Boot.HTTPSListen != ""}}
	for i, a := range tcp {
		if i > 0 && (a.enabled || a.listen != "") {
			checkListen(k, a.key, a.listen)
		}
		for _, b := range tcp[:i] {
			k.need(!a.enabled || !b.enabled || !samePort(a.listen, b.listen), a.key, "takes the same port as %s", b.key)
		}
	}
}

func (c *Config) checkDHCP(k *checker) {
	k.need(c.DHCP.TraceMiB >= 0 && c.DHCP.TraceMiB <= 4096, "dhcp.trace_mib", "must be 0 to 4096")
	k.need(c.DHCP.ProbeMS >= 0 && c.DHCP.ProbeMS <= 2000, "dhcp.probe_ms", "must be 0 to 2000: a client waits 4 s for its offer")
	seen := map[string]bool{}
	for _, name := range c.DHCP.Interfaces {
		k.need(name != "" && len(name) <= 15 && !strings.ContainsAny(name, "/ \t\n"), "dhcp.interfaces", "%.20q is no interface name", name)
		k.need(!seen[name], "dhcp.interfaces", "%.20q stands there twice", name)
		seen[name] = true
	}
}

func checkListen(k *checker, key, listen string) bool {
	host, port, err := net.SplitHostPort(listen)
	n, perr := strconv.ParseUint(port, 10, 16)
	ok := err == nil && perr == nil && (host == "" || isHost(host)) && strconv.FormatUint(n, 10) == port
	k.need(ok, key, "must be host:port, like 127.0.0.1:8480 or :8080")
	return ok
}

func isLoopback(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func samePort(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	return errA == nil && errB == nil && portA == portB && portA != "0" && (hostA == hostB || anyHost(hostA) || anyHost(hostB))
}

func anyHost(h string) bool { return h == "" || h == "0.0.0.0" || h == "::" }

// isHost accepts an address or a host name of RFC 1123.
func isHost(h string) bool {
	if _, err := netip.ParseAddr(h); err == nil {
		return true
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(h, "."), ".") {
		bad := strings.ContainsFunc(label, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-')
		})
		if label == "" || len(label) > 63 || bad || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(h) <= 253
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
