//! How an npm program is started: by the user's node, or by itself when it is a native program.
use std::{fs::File, io::Read as _, path::Path};

use mcpsec_model::package::PackageId;

use crate::install::error::{InstallError, shown};

/// How a file is to be started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::install) enum Start {
    /// `node <flags> <file>`.
    Node(Vec<String>),
    /// The file itself.
    Native,
}

/// Reads the first bytes of a program's file.
pub(in crate::install) fn of(package: &PackageId, name: &str, file: &Path) -> Result<Start, InstallError> {
    let fail = |error| InstallError::io("read", file, error);
    let mut first = Vec::new();
    File::open(file).map_err(fail)?.take(512).read_to_end(&mut first).map_err(fail)?;
    from_first_bytes(&first).map_err(|interpreter| InstallError::Interpreter {
        package: Box::new(package.clone()),
        name: shown(name),
        interpreter: shown(&interpreter),
    })
}

/// Magic numbers of ELF, Mach-O (both widths, both orders, universal) and PE.
const NATIVE: [&[u8]; 7] = [
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"MZ\x90\0",
];

fn from_first_bytes(first: &[u8]) -> Result<Start, String> {
    if NATIVE.iter().any(|magic| first.starts_with(magic)) {
        return Ok(Start::Native);
    }
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    let Some(line) = text.strip_prefix(b"#!") else { return Ok(Start::Node(Vec::new())) };
    let end = line.iter().position(|byte| *byte == b'\n');
    let line = String::from_utf8_lossy(&line[..end.unwrap_or(line.len())]).into_owned();
    // A line that goes on beyond what was read cannot be judged.
    if end.is_none() && first.len() >= 512 {
        return Err(line);
    }
    let mut words = line.split_ascii_whitespace();
    let base = |word: &str| word.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let mut interpreter = words.next().map(base).unwrap_or_default();
    if interpreter == "env" {
        let mut next = words.next();
        if matches!(next, Some("-S" | "--split-string")) {
            next = words.next();
        }
        // Whatever directory it names, it is the user's node that runs.
        interpreter = next.map(base).unwrap_or_default();
    }
    if !matches!(interpreter.as_str(), "node" | "nodejs") {
        return Err(line.trim().to_owned());
    }
    let flags: Vec<String> = words.map(str::to_owned).collect();
    // Flags only: a word without dash would be taken for the script.
    if flags.len() > 8 || flags.iter().any(|flag| !flag.starts_with("--") || flag == "--") || evaluates(&flags) {
        return Err(line.trim().to_owned());
    }
    Ok(Start::Node(flags))
}

/// Flags with which node runs something else than the file.
fn evaluates(flags: &[String]) -> bool {
    const OTHER: &[&str] = &[
        "--eval",
        "--print",
        "--interactive",
        "--check",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "--test",
        "--run",
        "--watch",
        "--inspect",
        "--inspect-brk",
        "--inspect-wait",
        "--env-file",
        "--env-file-if-exists",
        "--snapshot-blob",
        "--build-snapshot",
        "--openssl-config",
        "--title",
    ];
    // To node, `_` is `-`.
    flags.iter().any(|flag| OTHER.contains(&flag.split('=').next().unwrap_or_default().replace('_', "-").as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_scripts() {
        let none: &[&str] = &[];
        for (first, flags) in [
            ("console.log(1)", none),
            ("#!/usr/bin/env node\nx", none),
            ("\u{feff}#!/usr/bin/env node\r\nx", none),
            ("#! /usr/local/bin/node\n", none),
            ("#!/tmp/evil/node\n", none),
            (
                "#!/usr/bin/env -S node --no-warnings --experimental-vm-modules\n",
                &["--no-warnings", "--experimental-vm-modules"],
            ),
        ] {
            let flags = flags.iter().map(ToString::to_string).collect();
            assert_eq!(from_first_bytes(first.as_bytes()), Ok(Start::Node(flags)), "{first:?}");
        }
    }

    #[test]
    fn native_programs() {
        assert_eq!(from_first_bytes(b"\x7fELF\x02\x01\x01"), Ok(Start::Native));
        assert_eq!(from_first_bytes(b"\xcf\xfa\xed\xfe\x07"), Ok(Start::Native));
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("#!/usr/bin/env node {}\n", "-x ".repeat(300));
        for first in [
            "#!/bin/sh\nexec node x",
            "#!/usr/bin/env bun\n",
            "#!/usr/bin/env NODE_OPTIONS=--require=/tmp/x node\n",
            "#!/usr/bin/env -S -u X node\n",
            "#!/usr/bin/env -S node -e process.exit()\n",
            "#!/usr/bin/env -S node --require=/tmp/evil.js\n",
            "#!/usr/bin/env -S node -r /tmp/evil.js\n",
            "#!/usr/bin/env -S node --experimental_loader=/tmp/evil.js\n",
            "#!/usr/bin/env -S node other.js\n",
            "#!/usr/bin/env\n",
            "#!\n",
            &long,
        ] {
            assert!(from_first_bytes(first.as_bytes()).is_err(), "{first:?}");
        }
    }
}
