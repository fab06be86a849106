//! Public keys out of an armored block, whole: a block that is cut off or garbled may have lost a revocation at its end.
use std::io::{BufRead as _, Cursor};

use pgp::{
    composed::{Deserializable as _, SignedPublicKey},
    errors::Error,
    packet::PacketParser,
};

use crate::git::armor::{self, Style};

/// The keys of one block, or what is wrong with it. Packets of kinds and versions that are not known are passed over, as RFC 9580
/// section 4.3 asks for; what cannot be read to its end is not.
pub(in crate::git) fn read(block: &str) -> Result<Vec<SignedPublicKey>, &'static str> {
    let bytes = armor::bytes("PGP PUBLIC KEY BLOCK", Style::OpenPgp, block.as_bytes())?;
    let mut parser = PacketParser::new(Cursor::new(bytes.as_slice()));
    for packet in parser.by_ref() {
        match packet {
            Ok(_) | Err(Error::Unsupported { .. }) => {}
            Err(Error::InvalidPacketContent { source }) if is_unknown(&source) => {}
            Err(_) => return Err("an OpenPGP packet that cannot be read"),
        }
    }
    // The parser stops quietly where no header is.
    if parser.into_inner().fill_buf().is_ok_and(|rest| !rest.is_empty()) {
        return Err("bytes after its packets");
    }
    let keys = SignedPublicKey::from_bytes_many(Cursor::new(bytes.as_slice())).map_err(|_| "not OpenPGP packets")?;
    let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(|_| "not an OpenPGP public key")?;
    if keys.is_empty() { Err("no key in it that can be read") } else { Ok(keys) }
}

fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::Unsupported { .. } | Error::EllipticCurve { .. })
}
