//! A pooled connection of either protocol.

use std::sync::{Arc, atomic::AtomicBool};

use crate::{
    connect::{ConnectTimings, Protocol},
    h1::H1,
    h2::H2,
    pool::Poolable,
};

/// A connection, or a handle to a shared one.
pub(crate) enum Conn {
    H1(Box<H1>),
    H2(H2),
}

impl Conn {
    pub(crate) const fn protocol(&self) -> Protocol {
        match self {
            Self::H1(_) => Protocol::Http1,
            Self::H2(_) => Protocol::Http2,
        }
    }

    pub(crate) fn timings(&self) -> ConnectTimings {
        match self {
            Self::H1(h1) => h1.timings,
            Self::H2(h2) => h2.timings,
        }
    }

    /// Where the streams of a shared connection agree who counts its failure.
    pub(crate) fn failure_counted(&self) -> Option<Arc<AtomicBool>> {
        match self {
            Self::H1(_) => None,
            Self::H2(h2) => Some(Arc::clone(&h2.failure_counted)),
        }
    }
}

impl Poolable for Conn {
    fn streams(&self) -> Option<usize> {
        match self {
            Self::H1(_) => None,
            Self::H2(h2) => Some(h2.streams()),
        }
    }

    fn share(&self) -> Option<Self> {
        match self {
            Self::H1(_) => None,
            Self::H2(h2) => Some(Self::H2(h2.clone())),
        }
    }

    fn is_open(&mut self) -> bool {
        match self {
            Self::H1(h1) => h1.is_open(),
            Self::H2(h2) => h2.is_open(),
        }
    }
}
