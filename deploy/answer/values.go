package answer

// Values lists what a template may use, with one line each. A test compares it with the
// fields themselves.
func Values() [][2]string {
	return [][2]string{
		{".Operation", "id of the operation"},
		{".Image", "name of the image"},
		{".Machine.ID", "id of the machine"},
		{".Machine.Name", "its name, also its host name"},
		{".Machine.Domain", "domain of the network it boots from, may be empty"},
		{".Machine.FQDN", "name and domain"},
		{".Machine.Serial, .Machine.UUID", "of the system, as planned or seen"},
		{".Machine.Vendor, .Machine.Model", "as planned or seen"},
		{".Machine.Arch", "amd64 or arm64"},
		{".Machine.Firmware", "bios or uefi"},
		{".Machine.Rack, .Machine.Slot", "where it stands"},
		{".Machine.Project", "whose it is"},
		{".Machine.Labels.KEY", "a label; one that is not there is an error"},
		{".Boot", "the port it netboots from, with the fields of .NICs"},
		{".NICs", "the ports that the plan gives a network; each has"},
		{"  .Name, .MAC", "the plan's name of the port, and its MAC with colons"},
		{"  .Network, .Domain", "of the network"},
		{"  .Bond, .VLAN, .MTU", "its bond, the network's VLAN id, the network's MTU; empty or 0 without"},
		{"  .Address, .Prefix, .CIDR", "10.0.0.5, 24, 10.0.0.5/24; empty where it asks by DHCP"},
		{"  .Gateway, .Default", "of the network; whether that is the default route"},
		{"  .Address6, .Prefix6, .CIDR6, .Gateway6", "the same for IPv6"},
		{"  .DNS, .NTP", "lists of addresses"},
		{".Disk.Path", "/dev/disk/by-id/... of the disk that root_disk names, or the variable disk"},
		{".Disk.Serial, .Disk.Model, .Disk.WWN", "as last seen"},
		{".Disk.Bytes", "its size"},
		{".SSHKeys", "list of authorized_keys lines"},
		{".UserData", "as it was given"},
		{".Vars", "what was given with --var; better by the function var"},
		{".Answers", "URL of the folder of answer files"},
		{".Done", "URL to fetch when the system is installed"},
		{".Failed", "URL to fetch when it cannot be, with ?why=WORDS"},
		{".PhoneHome", "URL to POST hostname=NAME to, at the first boot"},
		{".NetworkConfig", "the planned network for cloud-init and netplan, version 2, as JSON"},
		{".Networkd", "the same as files of /etc/systemd/network; each has .Name and .Content"},
		{".Keyfiles", "the same as files of /etc/NetworkManager/system-connections"},
	}
}
