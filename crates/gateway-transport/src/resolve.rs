//! Name resolution, as a seam.

use std::{future::Future, io, net::SocketAddr, pin::Pin};

/// The future that a [`Resolver`] returns.
pub type ResolveFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Turns a host name and port into addresses, in the order in which they are to be tried.
pub trait Resolver: Send + Sync + 'static {
    /// Dropping the future gives the lookup up.
    ///
    /// # Errors
    /// The name cannot be resolved now.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> ResolveFuture<'a>;
}

/// Asks the operating system, on tokio's blocking threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> ResolveFuture<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
