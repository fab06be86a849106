//! Landlock (landlock(7)): which files, ports and processes a program may touch, decided by itself and for good.
#![expect(unsafe_code, reason = "system calls")]

use std::{
    io,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::{super::wire::Tier, layout::Access};

/// Landlock's versions, by number.
const VERSIONS: [ABI; 10] = [ABI::V1, ABI::V2, ABI::V3, ABI::V4, ABI::V5, ABI::V6, ABI::V7, ABI::V8, ABI::V9, ABI::V10];

/// First version that keeps signals and abstract sockets inside.
pub(super) const SCOPES: u8 = 6;

/// The kernel's version of Landlock, at most `at_most`; 0 if it has none.
pub(super) fn version(at_most: Option<u8>) -> u8 {
    // LANDLOCK_CREATE_RULESET_VERSION
    let flags = 1_u32;
    // SAFETY: with this flag the call takes no structure.
    let got = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, flags) };
    u8::try_from(got.max(0)).unwrap_or(u8::MAX).min(at_most.unwrap_or(u8::MAX))
}

/// Puts the rules on this process: beneath each path what its access says, and no more anywhere. `devices` are files that are
/// read and written.
///
/// # Errors
/// Landlock is missing although the tier stands on it, or a path cannot be opened.
pub(super) fn restrict(tier: Tier, paths: &[(PathBuf, Access)], devices: &[&str], version: u8) -> io::Result<()> {
    if version == 0 {
        // With namespaces, Landlock is the second wall; without them it is the first.
        return if tier == Tier::Namespace { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) };
    }
    let newest = VERSIONS[usize::from(version).min(VERSIONS.len()) - 1];
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(newest))
        .map_err(io::Error::other)?;
    if tier == Tier::Landlock && version >= 4 {
        ruleset = ruleset.handle_access(AccessNet::from_all(newest)).map_err(io::Error::other)?;
    }
    if version >= SCOPES {
        ruleset = ruleset.scope(Scope::from_all(newest)).map_err(io::Error::other)?;
    }
    let mut created = ruleset.create().map_err(io::Error::other)?;
    let files = AccessFs::from_file(newest);
    let all = AccessFs::from_all(newest) & !(AccessFs::MakeBlock | AccessFs::MakeChar);
    let mut allow = |path: &Path, rights: BitFlags<AccessFs>| -> io::Result<()> {
        let rights = if path.is_dir() { rights } else { rights & files };
        let opened = PathFd::new(path).map_err(|error| match std::fs::symlink_metadata(path) {
            Err(error) => error,
            Ok(_) => io::Error::new(io::ErrorKind::PermissionDenied, error),
        })?;
        (&mut created).add_rule(PathBeneath::new(opened, rights)).map_err(io::Error::other).map(drop)
    };
    for (path, access) in paths {
        allow(path, if *access == Access::Write { all } else { AccessFs::from_read(newest) })?;
    }
    for device in devices {
        allow(Path::new(device), AccessFs::ReadFile | AccessFs::WriteFile)?;
    }
    let done = created.restrict_self().map_err(io::Error::other)?;
    if done.ruleset == RulesetStatus::FullyEnforced { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
}
