//! TLS of our own: the certificate and its key are files, which are read anew when they change.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(2);

/// The files of a certificate and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// When each of the files was last changed, and how long it is.
type Seen = [Option<(SystemTime, u64)>; 2];

impl Files {
    fn seen(&self) -> Seen {
        let of = |path: &Path| {
            let known = std::fs::metadata(path).ok()?;
            Some((known.modified().ok()?, known.len()))
        };
        [of(&self.certificate), of(&self.key)]
    }

    /// Whether they are a certificate and its key.
    ///
    /// # Errors
    /// What is wrong with which of them.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.load().map(|_| ())
    }

    fn load(&self) -> io::Result<CertifiedKey> {
        let named = |path: &Path, why: &dyn std::fmt::Display| {
            io::Error::other(format!("{}: {why}", path.display()))
        };
        let of_certificate = |why: &dyn std::fmt::Display| named(&self.certificate, why);
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|why| of_certificate(&why))?;
        if chain.is_empty() {
            return Err(of_certificate(&"there is no certificate in it (PEM)"));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|why| named(&self.key, &why))?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        // Where the two do not belong together it is said now, and not to each client.
        CertifiedKey::from_der(chain, key, &provider).map_err(|why| named(&self.key, &why))
    }
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Takes TLS connections with the certificate of some files. Later ones get the certificate that is in them then; one that
/// cannot be used is told to the log, and the last good one stays.
///
/// # Errors
/// Files that cannot be used.
pub(super) fn acceptor(files: Files) -> io::Result<TlsAcceptor> {
    let mut seen = files.seen();
    let current = Arc::new(Current(RwLock::new(Arc::new(files.load()?))));
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::clone(&current) as _);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let shown = Arc::downgrade(&current);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK).await;
            let Some(shown) = shown.upgrade() else { return };
            let now = files.seen();
            if now == seen {
                continue;
            }
            seen = now;
            match files.load() {
                Ok(key) => {
                    *shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                    tracing::info!(file = %files.certificate.display(), "another certificate is shown from now on");
                }
                Err(why) => tracing::error!(
                    error = %why,
                    "the certificate has changed and cannot be used: the last one is still shown"
                ),
            }
        }
    });
    Ok(TlsAcceptor::from(Arc::new(config)))
}
