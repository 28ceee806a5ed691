//! Reading what was written gives the same.
