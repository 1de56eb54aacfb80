package redfish

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// ntpDialect is where and how a BMC is told the NTP servers.
type ntpDialect struct {
	most  int                         // servers it takes; 0: any number
	at    func(*manager) string       // URI; empty: not here
	read  func(properties) ntpSetting // of the resource there
	write func(servers []string) any  // none: NTP off
}

// ntpSetting is what it reads back.
type ntpSetting struct {
	servers []string
	on      bool
}

// standardNTP is ManagerNetworkProtocol v1.2.
func standardNTP() ntpDialect {
	return ntpDialect{
		at: func(m *manager) string { return m.NetworkProtocol.URI },
		read: func(r properties) ntpSetting {
			var ntp struct {
				ProtocolEnabled bool
				NTPServers      []any // null and objects stand in some lists
			}
			_ = lenient(json.Unmarshal(r["NTP"], &ntp))
			return ntpSetting{texts(ntp.NTPServers), ntp.ProtocolEnabled}
		},
		write: func(servers []string) any {
			ntp := map[string]any{"ProtocolEnabled": len(servers) > 0}
			if len(servers) > 0 {
				ntp["NTPServers"] = servers
			}
			return map[string]any{"NTP": ntp}
		},
	}
}

// dellNTP is the attribute group NTPConfigGroup.
func dellNTP() ntpDialect {
	return ntpDialect{
		most: 3,
		at:   (*manager).ownAttributes,
		read: func(r properties) ntpSetting {
			attributes := map[string]any{}
			_ = lenient(json.Unmarshal(r["Attributes"], &attributes))
			return ntpSetting{texts([]any{attributes["NTPConfigGroup.1.NTP1"], attributes["NTPConfigGroup.1.NTP2"], attributes["NTPConfigGroup.1.NTP3"]}),
				attributes["NTPConfigGroup.1.NTPEnable"] == dellEnabled}
		},
		write: func(servers []string) any {
			attributes := map[string]string{"NTPConfigGroup.1.NTPEnable": dellDisabled}
			if len(servers) > 0 {
				attributes["NTPConfigGroup.1.NTPEnable"] = dellEnabled
				for i := range 3 {
					attributes["NTPConfigGroup.1.NTP"+strconv.Itoa(i+1)] = nth(servers, i)
				}
			}
			return map[string]any{"Attributes": attributes}
		},
	}
}

// hpeNTP is HpeiLODateTime: two servers, on when there is one.
func hpeNTP() ntpDialect {
	return ntpDialect{
		most: 2,
		at: func(m *manager) string {
			return cmp.Or(m.Oem.Hpe.Links.DateTimeService.URI, m.Oem.Hp.Links.DateTimeService.URI)
		},
		read: func(r properties) ntpSetting {
			var servers []any
			_ = lenient(json.Unmarshal(r["StaticNTPServers"], &servers))
			set := texts(servers)
			return ntpSetting{set, len(set) > 0}
		},
		write: func(servers []string) any {
			return map[string]any{"StaticNTPServers": []string{nth(servers, 0), nth(servers, 1)}}
		},
	}
}

// supermicroNTP is the OEM resource of X11 and early X12.
func supermicroNTP() ntpDialect {
	return ntpDialect{
		most: 2,
		at:   func(m *manager) string { return m.Oem.Supermicro.NTP.URI },
		read: func(r properties) ntpSetting {
			var ntp struct {
				NTPEnable                            bool
				PrimaryNTPServer, SecondaryNTPServer any
			}
			for name, into := range map[string]any{"NTPEnable": &ntp.NTPEnable, "PrimaryNTPServer": &ntp.PrimaryNTPServer, "SecondaryNTPServer": &ntp.SecondaryNTPServer} {
				_ = json.Unmarshal(r[name], into) // what it does not have is off
			}
			return ntpSetting{texts([]any{ntp.PrimaryNTPServer, ntp.SecondaryNTPServer}), ntp.NTPEnable}
		},
		write: func(servers []string) any {
			if len(servers) == 0 {
				return map[string]any{"NTPEnable": false}
			}
			return map[string]any{"NTPEnable": true, "PrimaryNTPServer": nth(servers, 0), "SecondaryNTPServer": nth(servers, 1)}
		},
	}
}

// texts keeps the strings that name a server.
func texts(all []any) []string {
	var out []string
	for _, v := range all {
		s, _ := v.(string)
		if s = tidy(s); s != "" && s != "0.0.0.0" && s != "::" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func nth(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return ""
}

// has reports whether NTP is on with the servers asked for, among others perhaps: some
// list what DHCP gave them too.
func (s ntpSetting) has(servers []string) bool {
	return s.on && !slices.ContainsFunc(servers, func(want string) bool {
		return !slices.ContainsFunc(s.servers, func(is string) bool { return strings.EqualFold(is, want) })
	})
}
