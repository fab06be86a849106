//! PKG-INFO out of a source distribution in memory: `<folder>/PKG-INFO` of a tar.gz or zip, within bounds.
use std::io::{Cursor, Read};

use uv_distribution_filename::{LegacySourceDistExtension, SourceDistExtension};

use super::metadata::MAX_HEADERS;

/// Most entries looked at.
const MAX_ENTRIES: usize = 100_000;
/// Most bytes unpacked while looking.
const MAX_UNPACKED: u64 = 512 * 1024 * 1024;

/// The bytes of PKG-INFO. `None` when the format is one we do not read, or there is no PKG-INFO: both leave the dependencies
/// unknown. The error is a short reason.
pub(super) fn pkg_info(bytes: &[u8], extension: SourceDistExtension) -> Result<Option<Vec<u8>>, String> {
    match extension {
        SourceDistExtension::TarGz => tar_gz(bytes),
        SourceDistExtension::Legacy(LegacySourceDistExtension::Zip) => zip(bytes),
        _ => Ok(None),
    }
}

fn is_pkg_info(path: &str) -> bool {
    let path = path.strip_prefix("./").unwrap_or(path);
    path.strip_suffix("/PKG-INFO").is_some_and(|folder| !folder.is_empty() && !folder.contains('/') && folder != "..")
}

fn tar_gz(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let unreadable = |error: std::io::Error| format!("it is not a readable tar.gz file ({:?})", error.kind());
    let unpacked = flate2::read::MultiGzDecoder::new(bytes).take(MAX_UNPACKED);
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries().map_err(unreadable)?.take(MAX_ENTRIES) {
        let entry = entry.map_err(unreadable)?;
        let wanted =
            entry.header().entry_type().is_file() && std::str::from_utf8(&entry.path_bytes()).is_ok_and(is_pkg_info);
        if wanted {
            let mut text = Vec::new();
            entry.take(MAX_HEADERS as u64 + 4).read_to_end(&mut text).map_err(unreadable)?;
            return Ok(Some(text));
        }
    }
    Ok(None)
}

fn zip(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let unreadable = |_| "it is not a readable zip file".to_owned();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let index = archive.file_names_raw().position(|name| std::str::from_utf8(name).is_ok_and(is_pkg_info));
    let Some(index) = index else { return Ok(None) };
    let mut text = Vec::new();
    let entry = archive.by_index(index).map_err(unreadable)?;
    entry.take(MAX_HEADERS as u64 + 4).read_to_end(&mut text).map_err(|_| "its PKG-INFO cannot be read".to_owned())?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("gzip");
        encoder.finish().expect("gzip")
    }

    fn tar_with(path: &str, body: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(body.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, path, body).expect("entry");
        gzip(&builder.into_inner().expect("tar"))
    }

    #[test]
    fn the_top_pkg_info_is_read() {
        let read = |bytes: &[u8]| pkg_info(bytes, SourceDistExtension::TarGz);
        assert_eq!(read(&tar_with("a-1/PKG-INFO", b"Name: a\n")), Ok(Some(b"Name: a\n".to_vec())));
        assert_eq!(read(&tar_with("a-1/a.egg-info/PKG-INFO", b"Name: a\n")), Ok(None));
        assert_eq!(read(&tar_with("PKG-INFO", b"Name: a\n")), Ok(None));
        assert!(read(b"nonsense").is_err());
        let mut cut = tar_with("a-1/PKG-INFO", &[b'x'; 100_000]);
        cut.truncate(cut.len() / 2);
        assert!(read(&cut).is_err());
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let bomb = tar_with("a-1/PKG-INFO", &vec![b'x'; 8 * MAX_HEADERS]);
        let text = pkg_info(&bomb, SourceDistExtension::TarGz).expect("read").expect("found");
        assert!(text.len() <= MAX_HEADERS + 4);
    }
}
