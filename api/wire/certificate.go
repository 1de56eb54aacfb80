package wire

// Erase asks to empty a machine's disks.
type Erase struct {
	Disks   []string `json:"disks,omitempty" nullable:"false" maxItems:"512" doc:"Serial numbers or WWNs; none: every disk of the machine"`
	Methods []string `json:"methods,omitempty" nullable:"false" maxItems:"8" doc:"Ways that are allowed: sanitize, format, secure-erase, discard, overwrite; none: the strongest that each disk has"`
	DryRun  bool     `json:"dry_run,omitempty" doc:"Only say which steps it would take"`
}

// CertificateKey is what certificates are verified with.
type CertificateKey struct {
	ID  string `json:"id" doc:"As certificates name it"`
	Key string `json:"key" doc:"Ed25519 public key"`
}
