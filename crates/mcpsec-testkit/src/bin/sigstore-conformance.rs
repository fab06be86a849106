//! `sigstore-conformance`: speaks the `verify-bundle` protocol of the Sigstore conformance suite and runs `mcpsec verify-artifact`.
//!
//! `MCPSEC_BIN` names the binary, else it is the `mcpsec` beside this one. The exit code is that of `mcpsec`; signing is not
//! something that mcpsec does, so its subcommands end with 2.
#![forbid(unsafe_code)]

use std::{
    collections::VecDeque,
    ffi::OsString,
    io::{Write as _, stderr},
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Wrong usage, as mcpsec has it.
const USAGE: u8 = 2;
/// The process ended without a code, or did not start.
const BUG: u8 = 4;

fn main() -> ExitCode {
    let arguments = match translate(std::env::args_os().skip(1).collect()) {
        Ok(arguments) => arguments,
        Err(why) => return fail(USAGE, &why),
    };
    let Some(binary) = binary() else { return fail(USAGE, "cannot tell where mcpsec is; set MCPSEC_BIN") };
    match run(&binary, &arguments) {
        Ok(Some(code)) => code.into(),
        Ok(None) => fail(BUG, "mcpsec ended without an exit code"),
        Err(error) => fail(BUG, &format!("failed to start {}: {error}", binary.display())),
    }
}

fn fail(code: u8, why: &str) -> ExitCode {
    // When standard error is gone, the code still tells.
    let _written = writeln!(stderr(), "sigstore-conformance: {why}");
    code.into()
}

#[expect(clippy::disallowed_methods, reason = "the suite's test runner says where the binary is")]
fn binary() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("MCPSEC_BIN") {
        return Some(path.into());
    }
    let own = std::env::current_exe().ok()?;
    Some(own.parent()?.join(format!("mcpsec{}", std::env::consts::EXE_SUFFIX)))
}

#[expect(clippy::disallowed_methods, reason = "an adapter starts the program that it adapts")]
fn run(binary: &PathBuf, arguments: &[OsString]) -> std::io::Result<Option<u8>> {
    let status = Command::new(binary).args(arguments).status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()))
}

/// The protocol's arguments in the words of `mcpsec verify-artifact`.
fn translate(mut given: VecDeque<OsString>) -> Result<Vec<OsString>, String> {
    match given.pop_front() {
        Some(command) if command == "verify-bundle" => {}
        other => return Err(format!("only verify-bundle is supported, not {:?}", other.unwrap_or_default())),
    }
    let mut out: Vec<OsString> = vec!["verify-artifact".into()];
    let mut staging = false;
    let mut own_root = false;
    let mut file = None;
    while let Some(argument) = given.pop_front() {
        let option = match argument.to_str() {
            Some("--staging") => {
                staging = true;
                continue;
            }
            Some("--bundle") => "--bundle",
            Some("--certificate-identity") => "--identity",
            Some("--certificate-oidc-issuer") => "--issuer",
            Some("--key") => "--key",
            Some("--trusted-root") => {
                own_root = true;
                "--trusted-root"
            }
            Some(unknown) if unknown.starts_with("--") => return Err(format!("unknown option {unknown}")),
            _ if file.is_none() => {
                file = Some(argument);
                continue;
            }
            _ => return Err(format!("one file only, not also {argument:?}")),
        };
        let value = given.pop_front().ok_or_else(|| format!("{option} needs a value"))?;
        out.extend([option.into(), value]);
    }
    // A root of the caller's own is more specific than the name of an instance.
    if staging && !own_root {
        out.push("--staging".into());
    }
    out.push("--".into());
    out.push(file.ok_or("no file or digest was given")?);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(line: &str) -> Result<String, String> {
        let words = translate(line.split(' ').map(OsString::from).collect())?;
        Ok(words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn both_forms_of_the_protocol_are_spoken() {
        let by_identity =
            "verify-bundle --staging --bundle b --certificate-identity i --certificate-oidc-issuer u a.txt";
        let by_key = "verify-bundle --staging --bundle b --key k --trusted-root r sha256:00";
        let want = "verify-artifact --bundle b --identity i --issuer u --staging -- a.txt";
        assert_eq!(translated(by_identity).as_deref(), Ok(want));
        let want = "verify-artifact --bundle b --key k --trusted-root r -- sha256:00";
        assert_eq!(translated(by_key).as_deref(), Ok(want));
        for line in
            ["sign-bundle --bundle b a", "verify-bundle --bundle", "verify-bundle --other x a", "verify-bundle a b"]
        {
            assert!(translated(line).is_err(), "{line}");
        }
    }
}
