//! Deflate and gzip streams whose cost does not depend on how much they expand to.
//!
//! A run of one byte is compressed once, as a piece that ends on a byte boundary and refers to nothing before it (a full
//! flush, RFC 1951 §3.2.4), and the compressed piece is repeated. Ten gigabytes take some ten megabytes and no time.
use flate2::{Compress, Compression, Crc, FlushCompress};

/// Uncompressed length of the piece that is repeated.
const PIECE: usize = 1 << 20;

/// A stretch of uncompressed data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// One byte, many times.
    Fill {
        /// The byte.
        byte: u8,
        /// How often.
        len: u64,
    },
}

/// A raw deflate stream with what a container needs to know about the plain data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deflated {
    /// The compressed stream.
    pub bytes: Vec<u8>,
    /// CRC-32 of the plain data.
    pub crc32: u32,
    /// Length of the plain data in bytes.
    pub len: u64,
}

/// Compresses the parts as one deflate stream.
pub fn deflate(parts: &[Part]) -> Deflated {
    let mut bytes = Vec::new();
    let mut crc = Crc::new();
    let mut len = 0;
    for part in parts {
        match part {
            Part::Bytes(plain) => append(&mut bytes, &mut crc, &mut len, plain, 1),
            Part::Fill { byte, len: fill } => {
                let pieces = fill / PIECE as u64;
                let rest = usize::try_from(fill % PIECE as u64).expect("less than a piece");
                append(&mut bytes, &mut crc, &mut len, &vec![*byte; PIECE], pieces);
                append(&mut bytes, &mut crc, &mut len, &vec![*byte; rest], 1);
            }
        }
    }
    bytes.extend(compress(&[], FlushCompress::Finish));
    Deflated { bytes, crc32: crc.sum(), len }
}

fn append(bytes: &mut Vec<u8>, crc: &mut Crc, len: &mut u64, plain: &[u8], times: u64) {
    if plain.is_empty() || times == 0 {
        return;
    }
    let compressed = compress(plain, FlushCompress::Full);
    let mut one = Crc::new();
    one.update(plain);
    for _ in 0..times {
        bytes.extend_from_slice(&compressed);
        crc.combine(&one);
        *len += plain.len() as u64;
    }
}

fn compress(plain: &[u8], end: FlushCompress) -> Vec<u8> {
    let mut compress = Compress::new(Compression::default(), false);
    // compress_vec writes into spare capacity only; the bound is generous, so one call is enough.
    let mut out = Vec::with_capacity(plain.len() + plain.len() / 8 + 256);
    compress.compress_vec(plain, &mut out, end).expect("deflate accepts any bytes");
    assert_eq!(compress.total_in(), plain.len() as u64, "the output buffer was large enough");
    out
}

/// A gzip file (RFC 1952) with one member, no name and no time.
pub fn gzip(parts: &[Part]) -> Vec<u8> {
    let deflated = deflate(parts);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    out.extend(&deflated.bytes);
    out.extend(deflated.crc32.to_le_bytes());
    // ISIZE is the length modulo 2^32.
    out.extend(((deflated.len & 0xffff_ffff) as u32).to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, copy, sink};

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn what_was_put_in_comes_out() {
        let parts = [
            Part::Bytes(b"head".to_vec()),
            Part::Fill { byte: b'x', len: (2 << 20) + 3 },
            Part::Bytes(b"tail".to_vec()),
        ];
        let mut plain = Vec::new();
        GzDecoder::new(&*gzip(&parts)).read_to_end(&mut plain).expect("gzip");
        assert_eq!(plain.len(), 4 + (2 << 20) + 3 + 4);
        assert!(plain.starts_with(b"headxxx") && plain.ends_with(b"xxxtail"));
    }

    #[test]
    fn a_large_fill_is_small_and_sound() {
        let packed = gzip(&[Part::Fill { byte: 0, len: 300 << 20 }]);
        assert!(packed.len() < 600 << 10, "{}", packed.len());
        // The decoder checks CRC and length at the end.
        assert_eq!(copy(&mut GzDecoder::new(&*packed), &mut sink()).expect("gzip"), 300 << 20);
    }
}
