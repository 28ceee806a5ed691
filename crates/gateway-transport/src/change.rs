//! What changes while a transport runs: its limits, the origins that are used, the files that they were made of.

use std::sync::Arc;

use crate::{
    config::TransportConfig,
    connect::tls::{TlsMaterial, TlsSource},
    error::SpecError,
    generation::RotateReason,
    origin::{Origin, OriginInner, pool_limits},
    rotate::{RotateOptions, Rotated, rotate},
    transport::Transport,
};

/// An origin whose certificates, keys or roots say something else now, read and found usable.
#[derive(Clone)]
pub struct Renewal {
    origin: Origin,
    tls: Arc<TlsMaterial>,
}

impl Transport {
    /// Other limits and periods from now on; what a transport is built on (bounds of handshakes, the period of
    /// maintenance, seams) stays as it is. If something changed that a generation is born with (lifetime, number of
    /// connections, limits of a protocol), all origins rotate.
    ///
    /// Dropping the future before it is done leaves origins that were not reached on their old generation.
    pub async fn configure(&self, config: TransportConfig) -> Vec<Rotated> {
        let before = self.0.env.configure(config);
        let after = self.0.env.config();
        let origins = self.0.origins();
        for origin in &origins {
            for pool in &origin.pools {
                pool.set_limits(pool_limits(&after));
            }
        }
        if is_born_alike(&before, &after) {
            return Vec::new();
        }
        rotate_all(&self.0.registered(), RotateReason::Config).await
    }

    /// Forgets origins that are not among `used`. Their idle connections are closed, what runs on them goes on, and
    /// whoever still holds one can still use it.
    pub async fn retain(&self, used: &[Origin]) -> Vec<Rotated> {
        let is_used = |origin: &Arc<OriginInner>| used.iter().any(|u| Arc::ptr_eq(&u.0, origin));
        let mut unused = self.0.registered();
        unused.retain(|origin| !is_used(origin));
        self.drop_all(&unused).await
    }

    /// Forgets these origins, as [`retain`](Self::retain) does. Others, which somebody made beside a configuration,
    /// are left alone.
    pub async fn forget(&self, unused: &[Origin]) -> Vec<Rotated> {
        let unused: Vec<_> = unused.iter().map(|origin| Arc::clone(&origin.0)).collect();
        self.drop_all(&unused).await
    }

    /// Looks at the files of these origins again, without waiting for maintenance, and changes nothing. Blocking.
    ///
    /// # Errors
    /// A file cannot be read, or what is in it cannot be used.
    pub fn renewals(&self, origins: &[Origin]) -> Result<Vec<Renewal>, SpecError> {
        let mut renewals = Vec::new();
        for origin in origins
            .iter()
            .filter(|origin| origin.spec().tls.has_files())
        {
            let Some(current) = origin.0.current().tls.clone() else {
                continue;
            };
            let source = TlsSource::read(&origin.spec().tls)?;
            if source.fingerprint() == current.fingerprint {
                continue;
            }
            if let Some(tls) = self.0.env.read_tls(origin.spec())? {
                let origin = origin.clone();
                renewals.push(Renewal { origin, tls });
            }
        }
        Ok(renewals)
    }

    /// Rotates origins to what was found in their files.
    pub async fn renew(&self, renewals: Vec<Renewal>) -> Vec<Rotated> {
        let mut done = Vec::new();
        for Renewal { origin, tls } in renewals {
            let current = origin.0.current().tls.clone();
            // Maintenance may have been faster.
            if current.is_none_or(|current| current.fingerprint != tls.fingerprint) {
                let options = RotateOptions::default();
                done.extend(rotate(&origin.0, RotateReason::Identity, &options, Some(tls)).await);
            }
        }
        done
    }

    async fn drop_all(&self, unused: &[Arc<OriginInner>]) -> Vec<Rotated> {
        for origin in unused {
            self.0
                .registry
                .remove_if(&origin.spec, |_, held| Arc::ptr_eq(held, origin));
            self.0.retired().push(Arc::downgrade(origin));
        }
        rotate_all(unused, RotateReason::Config).await
    }
}

impl std::fmt::Debug for Renewal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Renewal({})", self.origin.label())
    }
}

async fn rotate_all(origins: &[Arc<OriginInner>], reason: RotateReason) -> Vec<Rotated> {
    let mut done = Vec::new();
    for origin in origins {
        done.extend(rotate(origin, reason, &RotateOptions::default(), None).await);
    }
    done
}

/// Whether generations of both begin with the same.
fn is_born_alike(one: &TransportConfig, other: &TransportConfig) -> bool {
    let born = |config: &TransportConfig| {
        (
            config.ttl,
            config.ttl_jitter.to_bits(),
            config.max_connections,
            config.http1.clone(),
            config.http2.clone(),
        )
    };
    born(one) == born(other)
}
