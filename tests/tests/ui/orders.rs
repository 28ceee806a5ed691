//! What is done on the page, and seen on it, happens to the real gateway.
