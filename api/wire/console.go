package wire

// ConsoleText is what a machine said on its serial console.
type ConsoleText struct {
	Text   string `json:"text" doc:"Plain text: no escape sequences"`
	Next   int64  `json:"next" doc:"Ask with after=this for what comes then"`
	Open   bool   `json:"open" doc:"It is being read now"`
	Reason string `json:"reason,omitempty" doc:"Why it is not"`
	Hint   string `json:"hint,omitempty"`
}
