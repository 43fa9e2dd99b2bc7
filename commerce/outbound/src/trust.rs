//! Whose certificates a server at the other end of TLS may have.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Whose certificates a server may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Any of the authorities the operating system trusts.
    System,
    /// Those of these certificates only, in PEM.
    Pem(Vec<u8>),
    /// The same, of a file.
    File(PathBuf),
}

impl Trust {
    /// The certificates in PEM, where it is not the operating system that says which.
    ///
    /// # Errors
    ///
    /// If their file cannot be read.
    pub fn pem(self) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::System => Ok(None),
            Self::Pem(pem) => Ok(Some(pem)),
            Self::File(path) => {
                let found = std::fs::read(&path);
                found.map(Some).map_err(|error| format!("{}: {error}", path.display()))
            }
        }
    }

    /// The certificates, or why there are none.
    pub fn roots(self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let certificates = match self {
            // Some of a system's files may be unreadable; those that are not are what it trusts.
            Self::System => rustls_native_certs::load_native_certs().certs,
            Self::Pem(pem) => in_pem(&pem)?,
            Self::File(path) => {
                let found = std::fs::read(&path).map_err(|error| error.to_string());
                found
                    .and_then(|pem| in_pem(&pem))
                    .map_err(|why| format!("{}: {why}", path.display()))?
            }
        };
        let (added, _ignored) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err("no certificate among them".to_owned());
        }
        Ok(roots)
    }
}

fn in_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// How TLS is spoken to a server that proves itself by `roots`.
pub fn client_config(roots: RootCertStore) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
