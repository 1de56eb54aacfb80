package wire

// ReasonHeader says why something is asked, for the audit; where the body has a reason, that
// counts without it.
const ReasonHeader = "X-Rackwright-Reason"

// Decision is what a second person says of a request.
type Decision struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"For the audit and for who asked"`
}
