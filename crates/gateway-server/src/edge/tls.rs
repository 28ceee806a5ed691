//! The TLS side of the listener.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Why the listener's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or holds no PEM of the wanted kind.
    #[error("cannot read {what} from {}: {source}", path.display())]
    File {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: rustls_pki_types::pem::Error,
    },
    /// The certificate and the key do not make a server identity.
    #[error("the certificate and key cannot be used together: {0}")]
    Identity(#[from] rustls::Error),
}

/// Who the listener is. It can become somebody else while it listens: handshakes that begin then see that, connections
/// that were opened before go on.
pub(crate) struct ServerIdentity(ArcSwap<ServerConfig>);

impl ServerIdentity {
    /// With the certificate chain and key in these PEM files.
    ///
    /// # Errors
    /// When a file is missing or is not PEM, or when key and certificate do not match.
    pub(crate) fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let config = read(certificate, key)?;
        Ok(Self(ArcSwap::from_pointee(config)))
    }

    /// Takes the other's place. Sessions of before are not resumed: their clients see the new certificate too.
    pub(crate) fn become_as(&self, other: &Self) {
        self.0.store(other.0.load_full());
    }

    /// For one handshake.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.load_full())
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerIdentity(..)")
    }
}

/// Offers HTTP/2 and HTTP/1.1 on TLS 1.2 and 1.3.
fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { what, path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed("the certificate chain", certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(failed("the private key", key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
