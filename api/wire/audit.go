package wire

// ReasonHeader says why something is asked, for the audit; a reason in the body counts where
// the header is missing.
const ReasonHeader = "X-Rackwright-Reason"

// Decision is what a second person says of a request.
type Decision struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"For the audit and for who asked"`
}
