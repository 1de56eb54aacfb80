package wire

// DHCPExplained is what a DHCP message would be answered.
type DHCPExplained struct {
	Answered  bool   `json:"answered"`
	Rule      string `json:"rule" doc:"Stable code of what decided"`
	Why       string `json:"why" doc:"In a sentence"`
	Reply     string `json:"reply,omitempty" doc:"OFFER, ACK, NAK or BOOTP; by IPv6 ADVERTISE or REPLY"`
	Address   string `json:"address,omitempty"`
	Lent      bool   `json:"lent,omitempty" doc:"From the pool: the address that is free now"`
	Lease     int64  `json:"lease_seconds,omitempty"`
	Network   string `json:"network,omitempty"`
	Machine   string `json:"machine,omitempty" doc:"Whose MAC it is; absent: in no plan"`
	Client    string `json:"client" doc:"As what it is taken: os, pxe, http or ipxe"`
	Arch      string `json:"arch,omitempty"`
	File      string `json:"file,omitempty" doc:"What it is told to load: a file by TFTP, or a URL"`
	To        string `json:"to,omitempty" doc:"Where the reply goes"`
	ReplyText string `json:"reply_text,omitempty" doc:"The whole reply, as a dissector shows it"`
}

// BootExplained is what a loader would be answered that asks for its script.
type BootExplained struct {
	Status    int    `json:"status" doc:"Of HTTP"`
	Rule      string `json:"rule" doc:"local-disk, agent, system, stranger or retry; of a refusal its kind"`
	Why       string `json:"why" doc:"In a sentence"`
	Machine   string `json:"machine,omitempty" doc:"Whose MAC it is; absent: in no plan"`
	Operation string `json:"operation,omitempty" doc:"Id of the operation that wants it"`
	Loader    string `json:"loader,omitempty" enum:"built-in,snponly,ipxe-signed,shim" doc:"Kind of loader that its firmware is told of; absent: a stranger"`
	LoaderWhy string `json:"loader_why,omitempty" doc:"Why that one: the plan names it, it is remembered, or tried"`
	Script    string `json:"script" doc:"The script; NONCE stands where its one-time key would"`
}
