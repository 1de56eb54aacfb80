package wire

// Ladder is which loader the machines of a model are told of where the plan says nothing.
type Ladder struct {
	Model  string `json:"model"`
	Loader string `json:"loader" enum:"built-in,snponly,ipxe-signed,shim"`
	Worked bool   `json:"worked" doc:"A machine came with it to ask for its script, or somebody said that it works; else it is tried next"`
}

// LadderSet says which loader the machines of a model are told of from now on.
type LadderSet struct {
	Loader string `json:"loader" enum:"built-in,snponly,ipxe-signed,shim"`
	Worked bool   `json:"worked,omitempty" doc:"It is known to work, and left only after six failures in a row; else after two, for the next"`
}
