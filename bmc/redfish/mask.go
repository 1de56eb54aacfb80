package redfish

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"rackwright/inventory"
)

// mask takes out of a recording what is secret, and makes up what tells whose machine it
// is. The same thing becomes the same everywhere, in links too; the key that decides what
// it becomes is thrown away with the mask.
type mask struct {
	named   bool
	wire    *wire // knows the passwords
	key     []byte
	made    map[string]string // what was found, by what it becomes
	taken   map[string]bool
	users   map[string]string
	hosts   int
	v4, v6  int
	all     *strings.Replacer
	left    []string
	secrets map[string]int // how often, by property
}

func newMask(w *wire, named bool) *mask {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return &mask{named: named, wire: w, key: key, made: map[string]string{}, taken: map[string]bool{}, users: map[string]string{}, secrets: map[string]int{}}
}

var (
	macText   = regexp.MustCompile(`^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$`)
	uuidText  = regexp.MustCompile(`^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$`)
	ipv4Text  = regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	wwnText   = regexp.MustCompile(`^(0x|eui\.|naa\.)?([0-9A-Fa-f]{16}|[0-9A-Fa-f]{32}|([0-9A-Fa-f]{2}:){7}[0-9A-Fa-f]{2})$`)
	pemSecret = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)`)
	sshKey    = regexp.MustCompile(`(ssh-(rsa|ed25519|dss)|ecdsa-sha2-\S+) [A-Za-z0-9+/=]+( \S+)?`)
	userInfo  = regexp.MustCompile(`://[^/@\s]+@`)
)

// learn notes what a resource tells of the machine.
func (m *mask) learn(uri string, body map[string]any) {
	if !m.named {
		m.look("", body, 0)
	}
}

func (m *mask) look(key string, v any, depth int) {
	if depth > maxRecordNumber {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			m.look(k, e, depth+1)
		}
	case []any:
		for _, e := range v {
			m.look(key, e, depth+1)
		}
	case string:
		m.note(strings.ToLower(key), strings.TrimSpace(v))
	}
}

// note decides what one text is, by its shape and by the property it stands in.
func (m *mask) note(key, s string) {
	if s == "" || m.made[s] != "" || strings.HasPrefix(key, "@") {
		return
	}
	address, err := netip.ParseAddr(s)
	switch {
	case macText.MatchString(s):
		m.mac(s)
	case uuidText.MatchString(s):
		if !inventory.JunkUUID(s) {
			m.made[s] = m.shape(s)
		}
	case err == nil && !strings.Contains(key, "version") && !strings.Contains(key, "mask"):
		m.address(s, address)
	case isSerial(key, s):
		if !inventory.JunkSerial(s) {
			m.made[s] = m.shape(s)
		}
	case strings.Contains(key, "wwn") || strings.Contains(key, "wwpn") || key == "durablename":
		if wwnText.MatchString(s) {
			m.made[s] = m.shape(s)
		}
	case isHost(key):
		m.host(s)
	case key == "username" || key == "loginname":
		if m.users[s] == "" {
			m.users[s] = fmt.Sprintf("user-%d", len(m.users)+1)
		}
	case isOurs(key):
		if !inventory.JunkSerial(s) {
			m.made[s] = m.shape(s)
		}
	}
}

func isSerial(key, s string) bool {
	for _, end := range []string{"serialnumber", "serialno", "servicetag", "expressservicecode", "uniqueidentifier"} {
		if strings.HasSuffix(key, end) {
			return true
		}
	}
	return key == "sku" && len(s) == 7 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" // Dell's service tag
}

func isHost(key string) bool {
	for _, part := range []string{"hostname", "fqdn", "dnsname", "domainname", "ntpserver", "nameserver", "syslogserver", "serviceaddress", "servername"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

// isOurs reports whether a property holds words of the owner's.
func isOurs(key string) bool {
	return strings.HasSuffix(key, "assettag") || strings.Contains(key, "email") || strings.Contains(key, "phone") || strings.Contains(key, "contact") ||
		slices.Contains([]string{"adminname", "adminotherinfo", "serverotherinfo", "servicename", "building", "room", "rack", "row", "street", "city", "territory", "postalcode"}, key)
}

// shape makes something up that looks the same: a digit for a digit, a letter for a
// letter, hexadecimal where all of it is.
func (m *mask) shape(s string) string {
	hexadecimal := strings.Trim(s, "0123456789abcdefABCDEF-:.") == ""
	for round := 0; ; round++ {
		h := hmac.New(sha256.New, m.key)
		fmt.Fprintf(h, "%d %s", round, strings.ToLower(s))
		sum := h.Sum(nil)
		out := []rune(s)
		for i, r := range out {
			n := int(sum[i%len(sum)]) + i/len(sum)
			switch {
			case hexadecimal && strings.ContainsRune("0123456789abcdef", r):
				out[i] = rune("0123456789abcdef"[n%16])
			case hexadecimal && strings.ContainsRune("ABCDEF", r):
				out[i] = rune("ABCDEF"[n%6])
			case r >= '0' && r <= '9':
				out[i] = '0' + rune(n%10)
			case r >= 'A' && r <= 'Z':
				out[i] = 'A' + rune(n%26)
			case r >= 'a' && r <= 'z':
				out[i] = 'a' + rune(n%26)
			}
		}
		if made := string(out); round == 99 || !m.taken[made] && made != s {
			m.taken[made] = true
			return made
		}
	}
}

// mac keeps the vendor's half, and knows the address in every way it is written.
func (m *mask) mac(s string) {
	digits := strings.ToLower(strings.NewReplacer(":", "", "-", "").Replace(s))
	if strings.Trim(digits, "0") == "" || strings.Trim(digits, "f") == "" || m.made[digits] != "" {
		return
	}
	made := digits[:6] + m.shape(digits)[6:]
	for _, separator := range []string{"", ":", "-"} {
		from, to := spread(digits, separator), spread(made, separator)
		m.made[from], m.made[strings.ToUpper(from)] = to, strings.ToUpper(to)
	}
	m.made[s] = cmp.Or(m.made[s], spread(made, s[2:3]))
}

func spread(digits, separator string) string {
	var pairs []string
	for i := 0; i+2 <= len(digits); i += 2 {
		pairs = append(pairs, digits[i:i+2])
	}
	return strings.Join(pairs, separator)
}

// address becomes one of the ranges for documentation and benchmarks (RFC 5737, RFC 3849,
// RFC 2544); those that are the same everywhere stay.
func (m *mask) address(s string, a netip.Addr) {
	switch {
	case a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || strings.HasPrefix(s, "255."):
	case a.Is4():
		m.v4++
		if m.v4 < 255 {
			m.made[s] = fmt.Sprintf("192.0.2.%d", m.v4)
			return
		}
		m.made[s] = fmt.Sprintf("198.18.%d.%d", m.v4/256%256, m.v4%256)
	case a.IsLinkLocalUnicast():
		m.v6++
		m.made[s] = fmt.Sprintf("fe80::%x", m.v6)
	default:
		m.v6++
		m.made[s] = fmt.Sprintf("2001:db8::%x", m.v6)
	}
}

func (m *mask) host(s string) {
	m.hosts++
	m.made[s] = fmt.Sprintf("host-%d", m.hosts)
	if strings.Contains(s, ".") {
		m.made[s] += ".example.com"
	}
}

// ready makes one replacer of all that was learned. Short things, and words that could
// mean something else, are replaced where they stand alone only.
func (m *mask) ready() {
	var found []string
	for s := range m.made {
		if len(s) >= 6 && strings.ContainsAny(s, "0123456789") {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, s := range found {
		pairs = append(pairs, s, m.made[s])
	}
	m.all = strings.NewReplacer(pairs...)
}
