package dhcp

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
)

// netboot adds what a netboot client loads next. An installed system asks with neither
// vendor class nor user class of a loader and gets nothing.
func (t *talk) netboot(r *dhcpv4.DHCPv4) {
	if t.client.ReadsConfig() && !(t.host != nil && t.host.BMC) {
		t.uboot(r)
		return
	}
	file := t.bootFile()
	if file == "" {
		return
	}
	server := t.bootServer().String()
	r.ServerIPAddr = t.bootServer().AsSlice()
	r.UpdateOption(dhcpv4.OptBootFileName(file))
	if len(file) <= 127 {
		r.BootFileName = file // shim looks for its directory here and not in option 67
	}
	switch t.client.Class {
	case boot.PXE:
		if t.asked(dhcpv4.GenericOptionCode(tftpServers)) {
			r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(tftpServers), t.bootServer().AsSlice()))
		}
		r.UpdateOption(dhcpv4.OptTFTPServerName(server))
		r.UpdateOption(dhcpv4.OptClassIdentifier("PXEClient"))
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionVendorSpecificInformation, pxeDiscoveryControl()))
	case boot.HTTP:
		r.UpdateOption(dhcpv4.OptClassIdentifier("HTTPClient")) // UEFI 2.10 section 24.7.3.1: else the offer is passed over
	case boot.IPXE:
		r.UpdateOption(dhcpv4.OptTFTPServerName(server))
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(ipxeOptions), ipxeNoProxy()))
	}
}

// uboot tells U-Boot where it reads pxelinux.cfg/01-MAC by TFTP: it is its own loader.
func (t *talk) uboot(r *dhcpv4.DHCPv4) {
	r.ServerIPAddr = t.bootServer().AsSlice()
	r.UpdateOption(dhcpv4.OptTFTPServerName(t.bootServer().String()))
	if t.asked(dhcpv4.GenericOptionCode(tftpServers)) {
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(tftpServers), t.bootServer().AsSlice()))
	}
}

// bootFile is what the client loads next, "" for nothing.
func (t *talk) bootFile() string {
	if t.host != nil && t.host.BMC {
		return ""
	}
	return t.client.Next(t.view.Base(t.client, t.host, t.bootServer(), t.set.HTTPPort, t.set.HTTPSPort), t.view.LoaderOf(t.host), t.set.Loaders)
}

// bootServer is the host with the boot files: this one, unless the roles are split.
func (t *talk) bootServer() netip.Addr {
	if t.set.BootServer.IsValid() {
		return t.set.BootServer
	}
	return t.at.server
}

// tftpServers is option 150 (RFC 5859).
const tftpServers = 150

// pxeDiscoveryControl is option 43 for PXE clients: PXE_DISCOVERY_CONTROL with bit 3,
// "use the boot file named here and look for no boot server" (PXE 2.1 table 2-1).
func pxeDiscoveryControl() []byte { return []byte{6, 1, 8, 255} }

// ipxeOptions is iPXE's option 175; ipxeNoProxy is its suboption 176 (no-pxedhcp) set,
// so that iPXE does not wait for a proxyDHCP server.
const ipxeOptions = 175

func ipxeNoProxy() []byte { return []byte{176, 1, 1} }
