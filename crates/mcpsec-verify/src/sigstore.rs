//! Sigstore bundles: signature, certificate, transparency log and time.
