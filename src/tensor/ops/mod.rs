//! Operations on tensors, one file per family.
