//! A test certificate authority: good certificates, and each kind of bad one.
//!
//! Everything lives in memory; [`Identity::write_pem`] and [`TestCa::write_pem`] put PEM files where a
//! program that only reads files can find them. The ring provider is passed explicitly everywhere, so
//! that no process-wide default has to be installed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A certificate authority of its own, with a fresh key.
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a server certificate says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// For `localhost`, `127.0.0.1` and `::1`, valid from 2020 to 2099.
    Valid,
    /// The same names, expired in 2021.
    Expired,
    /// The same names, valid only from 2098.
    NotYetValid,
    /// Valid in time, but for `elsewhere.invalid` only.
    WrongName,
}

/// A certificate with its private key.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key_der: Vec<u8>,
    cert_pem: String,
    key_pem: String,
}

/// How a server of the testkit does TLS.
#[derive(Debug, Clone, Default)]
pub struct ServerTls {
    /// Protocols offered by ALPN, in order of preference. Empty: none.
    pub alpn: Vec<&'static str>,
    /// A client certificate of this authority (DER) is required.
    pub client_ca: Option<CertificateDer<'static>>,
}

/// Where the PEM files of an identity are.
#[derive(Debug, Clone)]
pub struct PemFiles {
    /// Certificate chain.
    pub cert: PathBuf,
    /// Private key, PKCS#8.
    pub key: PathBuf,
}

impl TestCa {
    /// Makes an authority with a new key.
    ///
    /// # Panics
    /// If the key cannot be generated (no randomness).
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a test key can be generated");
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names, none bad");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two authorities of the same name would be one with a bad signature, not two.
        let mark: String = key.public_key_raw()[1..9]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("gateway-testkit CA {mark}"));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2099, 1, 1);
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a CA can sign itself");
        Self { issuer }
    }

    /// The authority's certificate in DER.
    #[must_use]
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// The authority's certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Writes `ca.pem` into `dir` and returns its path.
    ///
    /// # Panics
    /// If the file cannot be written.
    #[must_use]
    pub fn write_pem(&self, dir: &Path) -> PathBuf {
        let path = dir.join("ca.pem");
        std::fs::write(&path, self.pem()).expect("the test directory is writable");
        path
    }

    /// A good server certificate for the names of this machine.
    #[must_use]
    pub fn server(&self) -> Identity {
        self.server_with(Leaf::Valid)
    }

    /// A server certificate of the given kind.
    #[must_use]
    pub fn server_with(&self, leaf: Leaf) -> Identity {
        let names: &[&str] = match leaf {
            Leaf::WrongName => &["elsewhere.invalid"],
            Leaf::Valid | Leaf::Expired | Leaf::NotYetValid => &["localhost", "127.0.0.1", "::1"],
        };
        let (from, to) = match leaf {
            Leaf::Valid | Leaf::WrongName => (2020, 2099),
            Leaf::Expired => (2020, 2021),
            Leaf::NotYetValid => (2098, 2099),
        };
        self.issue(
            names,
            "server",
            ExtendedKeyUsagePurpose::ServerAuth,
            from,
            to,
        )
    }

    /// A good server certificate for the given DNS names or IP addresses.
    #[must_use]
    pub fn server_for(&self, names: &[&str]) -> Identity {
        self.issue(
            names,
            "server",
            ExtendedKeyUsagePurpose::ServerAuth,
            2020,
            2099,
        )
    }

    /// A client certificate whose common name is `name`.
    #[must_use]
    pub fn client(&self, name: &str) -> Identity {
        self.issue(&[], name, ExtendedKeyUsagePurpose::ClientAuth, 2020, 2099)
    }

    /// A rustls client that trusts this authority alone, presents `identity` if there is one, and offers `alpn`.
    #[must_use]
    pub fn client_config(&self, identity: Option<&Identity>, alpn: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificate())
            .expect("our own CA certificate parses");
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions")
            .with_root_certificates(roots);
        let mut config = match identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain(), identity.key())
                .expect("our own identity is usable"),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    fn issue(
        &self,
        names: &[&str],
        common_name: &str,
        usage: ExtendedKeyUsagePurpose,
        from_year: i32,
        to_year: i32,
    ) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("the names of a test are valid");
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![usage];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.not_before = date_time_ymd(from_year, 1, 1);
        params.not_after = date_time_ymd(to_year, 1, 1);
        let key = KeyPair::generate().expect("a test key can be generated");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("the CA signs what a test asks for");
        Identity {
            chain: vec![certificate.der().clone()],
            key_der: key.serialize_der(),
            cert_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

impl Default for TestCa {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for TestCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestCa").finish_non_exhaustive()
    }
}

impl Identity {
    /// The chain, leaf first.
    #[must_use]
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    /// The private key.
    #[must_use]
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()))
    }

    /// The chain in PEM.
    #[must_use]
    pub fn cert_pem(&self) -> &str {
        &self.cert_pem
    }

    /// The private key in PEM.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Writes `<name>.pem` and `<name>.key` into `dir`.
    ///
    /// # Panics
    /// If a file cannot be written.
    #[must_use]
    pub fn write_pem(&self, dir: &Path, name: &str) -> PemFiles {
        let files = PemFiles {
            cert: dir.join(format!("{name}.pem")),
            key: dir.join(format!("{name}.key")),
        };
        std::fs::write(&files.cert, &self.cert_pem).expect("the test directory is writable");
        std::fs::write(&files.key, &self.key_pem).expect("the test directory is writable");
        files
    }

    /// A rustls server with this identity.
    #[must_use]
    pub fn server_config(&self, tls: &ServerTls) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions");
        let builder = match &tls.client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(ca.clone()).expect("the client CA parses");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
                        .build()
                        .expect("one root is enough for a verifier");
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(self.chain(), self.key())
            .expect("our own identity is usable");
        config.alpn_protocols = tls
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Arc::new(config)
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// The ring provider, as every rustls configuration of the testkit uses it.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
