package redfish

import (
	"cmp"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// uri is where a resource stands in the recording.
func (m *mask) uri(s string) string {
	if m.named {
		return s
	}
	s = m.all.Replace(s)
	segments := strings.Split(s, "/")
	for i, segment := range segments {
		if plain, err := url.PathUnescape(segment); i > 0 && err == nil && segments[i-1] == "Accounts" && m.users[plain] != "" {
			segments[i] = m.users[plain]
		}
	}
	return strings.Join(segments, "/")
}

// object is a resource as it is recorded.
func (m *mask) object(uri string, body map[string]any) map[string]any {
	out, _ := m.value("", body, 0).(map[string]any)
	if id, ok := out["Id"].(string); ok && strings.Contains(uri, "/Accounts/") && m.users[id] != "" {
		out["Id"] = m.users[id]
	}
	return out
}

func (m *mask) value(key string, v any, depth int) any {
	if depth > maxRecordNumber {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if secretProperty(k) {
				e = m.blank(k, e)
			}
			out[k] = m.value(k, e, depth+1)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = m.value(key, e, depth+1)
		}
		return out
	case string:
		return m.text(key, v)
	}
	return v
}

// secretProperty reports whether a property holds a secret, by its name. Policies about
// passwords are none.
func secretProperty(name string) bool {
	plain := strings.ToLower(name)
	if strings.Contains(plain, "@") {
		return false
	}
	for _, end := range []string{"policy", "type", "types", "protocol", "expiration", "requirements"} {
		if strings.HasSuffix(plain, end) {
			return false
		}
	}
	for _, part := range []string{"password", "passphrase", "passwd", "secret", "token", "credential", "communitystring", "licensestring", "licensekey", "activationkey",
		"privatekey", "encryptionkey", "authenticationkey", "preshared", "keystring", "sshkey", "publickey", "httpheaders"} {
		if strings.Contains(plain, part) {
			return true
		}
	}
	return plain == "psk" || plain == "community" || plain == "pin"
}

// blank empties a secret and keeps its shape.
func (m *mask) blank(key string, v any) any {
	switch v := v.(type) {
	case string:
		if v == "" {
			return v
		}
	case []any:
		if len(v) == 0 {
			return v
		}
		m.told(key)
		return []any{}
	default:
		return v // an object is looked into, a number or flag is none
	}
	m.told(key)
	return ""
}

func (m *mask) told(key string) {
	m.secrets[key]++
	if m.secrets[key] == 1 {
		m.left = append(m.left, "property "+tidy(key)+": a secret")
	}
}

// text is a string as it is recorded.
func (m *mask) text(key, s string) string {
	plain := strings.ToLower(key)
	s = m.wire.scrub(s)
	if strings.Contains(s, "PRIVATE KEY") {
		m.told(key)
		s = pemSecret.ReplaceAllString(s, "")
	}
	s = sshKey.ReplaceAllString(s, "")
	s = userInfo.ReplaceAllString(s, "://")
	if u, err := url.Parse(s); err == nil && u.Host != "" && (plain == "destination" || plain == "image" || plain == "imageuri") {
		s = u.Scheme + "://host.example.com/" // the path may be the secret
		m.told(key)
	}
	if plain == "context" && s != "" { // of a subscription: whatever the subscriber likes
		s = "left-out"
	}
	switch {
	case m.named || strings.HasPrefix(key, "@odata.") && key != "@odata.id" || plain == "messageid":
		return s
	case plain == "certificatestring":
		m.told(key)
		return ""
	case strings.HasPrefix(s, "/redfish/"):
		return m.uri(s)
	}
	trimmed := strings.TrimSpace(s)
	if plain == "username" || plain == "loginname" || plain == "createdby" {
		return cmp.Or(m.users[trimmed], s)
	}
	if made := m.made[trimmed]; made != "" && m.direct(plain, trimmed) {
		return strings.Replace(s, trimmed, made, 1)
	}
	s = m.all.Replace(s)
	if plain == "message" || plain == "messageargs" || plain == "description" {
		s = m.prose(s)
	}
	return s
}

// direct reports whether a text that is all of a string may be replaced: where it was
// learned from, or where it is long enough to be nothing else.
func (m *mask) direct(key, s string) bool {
	return isSerial(key, s) || isHost(key) || isOurs(key) || len(s) >= 6 && strings.ContainsAny(s, "0123456789")
}

// prose replaces user names and addresses in what a log says.
func (m *mask) prose(s string) string {
	s = ipv4Text.ReplaceAllStringFunc(s, func(found string) string {
		a, err := netip.ParseAddr(found)
		if err != nil || strings.HasPrefix(found, "192.0.2.") || strings.HasPrefix(found, "198.18.") {
			return found
		}
		if m.made[found] == "" {
			m.address(found, a)
		}
		return cmp.Or(m.made[found], found)
	})
	for _, name := range slices.SortedFunc(maps.Keys(m.users), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }) {
		s = replaceWord(s, name, m.users[name])
	}
	return s
}

// replaceWord replaces a name where it stands as a word.
func replaceWord(s, name, by string) string {
	var out strings.Builder
	for {
		i := strings.Index(s, name)
		if i < 0 || name == "" {
			out.WriteString(s)
			return out.String()
		}
		end := i + len(name)
		if (i > 0 && wordy(s[i-1])) || (end < len(s) && wordy(s[end])) {
			out.WriteString(s[:end])
		} else {
			out.WriteString(s[:i] + by)
		}
		s = s[end:]
	}
}

func wordy(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}
