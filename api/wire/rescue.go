package wire

// Rescue asks that a person be let into a machine.
type Rescue struct {
	SSHKeys []string `json:"ssh_keys,omitempty" nullable:"false" maxItems:"64" doc:"authorized_keys lines, without options, that may log in this once"`
	Seconds int      `json:"seconds,omitempty" minimum:"60" maximum:"86400" default:"3600" doc:"How long the machine stays so"`
	Serial  bool     `json:"serial,omitempty" doc:"A shell on the serial console as well, which asks for no key"`
	DryRun  bool     `json:"dry_run,omitempty" doc:"Only say which steps it would take"`
}
