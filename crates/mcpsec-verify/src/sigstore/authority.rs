//! Certificate chains of signatures that are no Sigstore bundle: whether a certificate is one of a trusted authority at all. The
//! same rules as `sigstore-verify` has, at a time that nobody witnessed: the certificate's own first second.
use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use sigstore_crypto::WEBPKI_VERIFICATION_ALGS;
use sigstore_trust_root::TrustedRoot;
use sigstore_types::TimeRange;
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use super::error::{CertificateFault, shown};

/// Code signing, 1.3.6.1.5.5.7.3.3, as the content of its DER.
const CODE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];

/// The authorities of a trust root, prepared.
pub(crate) struct Authorities(Vec<(TrustAnchor<'static>, Option<TimeRange>)>);

/// What is known about where a certificate comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Chain {
    /// A trusted authority issued it.
    Trusted,
    /// It names an issuer that is not trusted.
    Foreign,
}

impl Authorities {
    /// Every certificate of every authority's chain is an anchor, with the window of the authority.
    pub(super) fn of(root: &TrustedRoot) -> Result<Self, String> {
        let mut out = Vec::new();
        for authority in &root.certificate_authorities {
            for certificate in &authority.cert_chain.certificates {
                let der = CertificateDer::from(certificate.raw_bytes.as_bytes());
                let anchor = anchor_from_trusted_cert(&der).map_err(shown)?;
                out.push((anchor.to_owned(), authority.valid_for));
            }
        }
        Ok(Self(out))
    }

    /// Whether `leaf` (DER) chains to an authority that was in use at `at`. A certificate that names a trusted issuer and does
    /// not hold is an error, not foreign: somebody forged it, or it is not for signing.
    pub(crate) fn chain(&self, leaf: &[u8], others: &[&[u8]], at: Timestamp) -> Result<Chain, CertificateFault> {
        let in_use: Vec<TrustAnchor<'static>> = self
            .0
            .iter()
            .filter(|(_, window)| window.is_none_or(|window| window.contains(at)))
            .map(|(anchor, _)| anchor.clone())
            .collect();
        let der = CertificateDer::from(leaf);
        let others: Vec<CertificateDer<'_>> = others.iter().map(|&other| CertificateDer::from(other)).collect();
        let seconds = u64::try_from(at.as_second()).map_err(|_| CertificateFault::NoAuthority { time: at })?;
        let usage = KeyUsage::required(CODE_SIGNING);
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let result = EndEntityCert::try_from(&der).and_then(|leaf| {
            leaf.verify_for_usage(WEBPKI_VERIFICATION_ALGS, &in_use, &others, time, usage, None, None).map(drop)
        });
        match result {
            Ok(()) => Ok(Chain::Trusted),
            Err(Error::UnknownIssuer) if in_use.len() < self.0.len() && self.names(leaf) => {
                Err(CertificateFault::NoAuthority { time: at })
            }
            Err(error) if self.names(leaf) => Err(CertificateFault::Chain(shown(error))),
            Err(_) => Ok(Chain::Foreign),
        }
    }

    /// Whether the certificate says that one of the authorities issued it.
    fn names(&self, leaf: &[u8]) -> bool {
        use der::{Decode as _, Encode as _};
        let issuer = x509_cert::Certificate::from_der(leaf).and_then(|leaf| leaf.tbs_certificate.issuer.to_der());
        // An anchor's subject is kept without the outermost header.
        issuer.is_ok_and(|issuer| {
            self.0.iter().any(|(anchor, _)| {
                let subject: &[u8] = &anchor.subject;
                !subject.is_empty() && issuer.ends_with(subject) && issuer.len() - subject.len() <= 4
            })
        })
    }
}
