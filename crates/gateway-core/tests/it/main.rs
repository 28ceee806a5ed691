//! The crate from outside: properties of its parsers on random inputs and on the stored corpora, and its example.

mod corpus;
mod example;
mod properties;
mod random;
