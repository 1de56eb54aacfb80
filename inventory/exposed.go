package inventory

// BMCExposed is the condition of a BMC that lets in others than us; subject is what: ipmi,
// or an account. It holds up no gate: a waiver says that it is meant so.
const BMCExposed = "bmc-exposed"
