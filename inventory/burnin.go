package inventory

// WorseThanSiblings is the condition of a machine whose burn-in has figures that are worse
// than those of its siblings; subject is which.
const WorseThanSiblings = "worse-than-siblings"
