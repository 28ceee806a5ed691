//! TLS material: one rustls configuration per identity, so that new handshakes resume old sessions.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::Path,
    sync::Arc,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    error::SpecError,
    spec::{ClientIdentity, ConnectSpec, Http2Mode, Roots, TlsSpec, Verify},
};

/// What a generation shows and trusts, and the fingerprint of the files that it came from.
pub(crate) struct TlsMaterial {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    pub(crate) fingerprint: u64,
}

impl TlsMaterial {
    /// Performs the handshake. Dropping the future closes the stream.
    pub(crate) async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.config))
            .connect(self.server_name.clone(), stream)
            .await
    }

    pub(crate) fn new(
        spec: &ConnectSpec,
        config: Arc<ClientConfig>,
        fingerprint: u64,
    ) -> Result<Arc<Self>, SpecError> {
        let name = spec.tls.server_name.as_ref().unwrap_or(&spec.host);
        let server_name =
            ServerName::try_from(name.clone()).map_err(|_| SpecError::ServerName(name.clone()))?;
        Ok(Arc::new(Self {
            config,
            server_name,
            fingerprint,
        }))
    }
}

/// The bytes that a [`TlsSpec`] stands for, read once.
pub(crate) struct TlsSource {
    roots: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TlsSource {
    /// Reads the files that `spec` names. Blocking, and small; called when an origin is made and by maintenance.
    pub(crate) fn read(spec: &TlsSpec) -> Result<Self, SpecError> {
        let roots = match &spec.roots {
            Roots::System | Roots::Bundled => None,
            Roots::File(path) => Some(read(path)?),
            Roots::Pem(pem) => Some(pem.as_bytes().to_vec()),
        };
        let identity = match &spec.client_identity {
            None => None,
            Some(ClientIdentity::Files { certificate, key }) => {
                Some((read(certificate)?, read(key)?))
            }
            Some(ClientIdentity::Pem { certificate, key }) => {
                Some((certificate.as_bytes().to_vec(), key.as_bytes().to_vec()))
            }
        };
        Ok(Self { roots, identity })
    }

    /// Equal for equal contents within one process.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.roots.hash(&mut hasher);
        self.identity.hash(&mut hasher);
        hasher.finish()
    }

    pub(crate) fn build(
        &self,
        spec: &TlsSpec,
        http2: Http2Mode,
    ) -> Result<Arc<ClientConfig>, SpecError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| unusable("the TLS provider", &e))?;
        let builder = match spec.verify {
            Verify::Full => builder.with_root_certificates(self.root_store(&spec.roots)?),
            Verify::DangerouslyOff => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(TrustAnybody(provider))),
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
                let chain = chain.map_err(|e| unusable("the client certificate", &e))?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|e| unusable("the client key", &e))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|e| unusable("the client identity", &e))?
            }
        };
        config.alpn_protocols = match http2 {
            Http2Mode::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Http2Mode::Never => vec![b"http/1.1".to_vec()],
            Http2Mode::PriorKnowledge => vec![b"h2".to_vec()],
        };
        Ok(Arc::new(config))
    }

    fn root_store(&self, roots: &Roots) -> Result<RootCertStore, SpecError> {
        let mut store = RootCertStore::empty();
        match roots {
            Roots::Bundled => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Roots::System => {
                // Single unreadable or odd certificates are usual in system stores; only an empty store is an error.
                let (added, _) =
                    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if added == 0 {
                    return Err(unusable("the system's roots", &"none found"));
                }
            }
            Roots::File(_) | Roots::Pem(_) => {
                for certificate in
                    CertificateDer::pem_slice_iter(self.roots.as_deref().unwrap_or_default())
                {
                    let certificate = certificate.map_err(|e| unusable("the roots", &e))?;
                    store
                        .add(certificate)
                        .map_err(|e| unusable("the roots", &e))?;
                }
                if store.is_empty() {
                    return Err(unusable("the roots", &"no certificate in it"));
                }
            }
        }
        Ok(store)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SpecError> {
    fs::read(path).map_err(|source| SpecError::File {
        path: path.to_owned(),
        source,
    })
}

fn unusable(what: &'static str, reason: &dyn ToString) -> SpecError {
    SpecError::Certificate {
        what,
        reason: reason.to_string(),
    }
}

/// The verifier of [`Verify::DangerouslyOff`]: any certificate will do, as long as its key signs the handshake.
#[derive(Debug)]
struct TrustAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
