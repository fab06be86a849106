//! Targets: the platforms and Python versions that a lock covers.
//!
//! A lock is made for all targets at once, whatever machine it is made on. npm packages name `os`, `cpu` and `libc`; Python
//! packages name wheel tags and markers; both are asked about the same [`Platform`]s.
use std::{collections::BTreeSet, fmt, str::FromStr};

/// Operating system and processor, as a lock names them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Platform {
    /// Linux with glibc, 64-bit ARM.
    LinuxAarch64Gnu,
    /// Linux with musl, 64-bit ARM.
    LinuxAarch64Musl,
    /// Linux with glibc, x86-64.
    LinuxX8664Gnu,
    /// Linux with musl, x86-64.
    LinuxX8664Musl,
    /// macOS on Apple silicon.
    MacosAarch64,
    /// macOS on Intel.
    MacosX8664,
    /// Windows on ARM.
    WindowsAarch64,
    /// Windows on x86-64.
    WindowsX8664,
}

impl Platform {
    /// Every platform that can be named.
    pub const ALL: [Self; 8] = [
        Self::LinuxAarch64Gnu,
        Self::LinuxAarch64Musl,
        Self::LinuxX8664Gnu,
        Self::LinuxX8664Musl,
        Self::MacosAarch64,
        Self::MacosX8664,
        Self::WindowsAarch64,
        Self::WindowsX8664,
    ];

    /// What a lock covers when mcp.toml has no `[targets]`.
    pub const DEFAULT: [Self; 5] =
        [Self::LinuxAarch64Gnu, Self::LinuxX8664Gnu, Self::MacosAarch64, Self::MacosX8664, Self::WindowsX8664];

    /// The name in mcp.toml and mcp.lock.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinuxAarch64Gnu => "linux-aarch64-gnu",
            Self::LinuxAarch64Musl => "linux-aarch64-musl",
            Self::LinuxX8664Gnu => "linux-x86_64-gnu",
            Self::LinuxX8664Musl => "linux-x86_64-musl",
            Self::MacosAarch64 => "macos-aarch64",
            Self::MacosX8664 => "macos-x86_64",
            Self::WindowsAarch64 => "windows-aarch64",
            Self::WindowsX8664 => "windows-x86_64",
        }
    }

    /// Node's `process.platform`.
    pub fn npm_os(self) -> &'static str {
        match self {
            Self::LinuxAarch64Gnu | Self::LinuxAarch64Musl | Self::LinuxX8664Gnu | Self::LinuxX8664Musl => "linux",
            Self::MacosAarch64 | Self::MacosX8664 => "darwin",
            Self::WindowsAarch64 | Self::WindowsX8664 => "win32",
        }
    }

    /// Node's `process.arch`.
    pub fn npm_cpu(self) -> &'static str {
        match self {
            Self::LinuxAarch64Gnu | Self::LinuxAarch64Musl | Self::MacosAarch64 | Self::WindowsAarch64 => "arm64",
            Self::LinuxX8664Gnu | Self::LinuxX8664Musl | Self::MacosX8664 | Self::WindowsX8664 => "x64",
        }
    }

    /// npm's `libc` field, which only Linux has.
    pub fn npm_libc(self) -> Option<&'static str> {
        match self {
            Self::LinuxAarch64Gnu | Self::LinuxX8664Gnu => Some("glibc"),
            Self::LinuxAarch64Musl | Self::LinuxX8664Musl => Some("musl"),
            _ => None,
        }
    }
}

/// A platform or Python version that cannot be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a known target; platforms are {1}, Python versions look like 3.12")]
pub struct TargetError(String, String);

impl FromStr for Platform {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|platform| platform.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|platform| platform.as_str()).collect();
            TargetError(crate::text::Untrusted::new(text).excerpt(40), known.join(", "))
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A CPython minor version, such as 3.12.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PythonMinor {
    /// 3.
    pub major: u8,
    /// 12.
    pub minor: u8,
}

impl PythonMinor {
    /// The CPython minors locked for when mcp.toml names none, as far as the package supports them. A fixed list, since a
    /// lock may not depend on the machine or the day.
    pub const DEFAULT: [Self; 4] = [Self::new(3, 11), Self::new(3, 12), Self::new(3, 13), Self::new(3, 14)];

    /// `major.minor`.
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for PythonMinor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for PythonMinor {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('.').and_then(|(major, minor)| {
            (major == "3").then_some(())?;
            Some(Self::new(3, minor.parse().ok().filter(|m| minor == format!("{m}"))?))
        });
        parsed.ok_or_else(|| {
            let known: Vec<&str> = Platform::ALL.iter().map(|platform| platform.as_str()).collect();
            TargetError(crate::text::Untrusted::new(text).excerpt(40), known.join(", "))
        })
    }
}

/// One environment: a platform, and for Python servers a CPython minor. Written `linux-x86_64-gnu` or `linux-x86_64-gnu/3.12`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Target {
    /// The platform.
    pub platform: Platform,
    /// The CPython minor, for Python closures only.
    pub python: Option<PythonMinor>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.python {
            Some(python) => write!(f, "{}/{python}", self.platform),
            None => write!(f, "{}", self.platform),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((platform, python)) => Ok(Self { platform: platform.parse()?, python: Some(python.parse()?) }),
            None => Ok(Self { platform: text.parse()?, python: None }),
        }
    }
}

/// What to lock for: `[targets]` of mcp.toml, or the default.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Targets {
    /// Platforms, sorted; never empty.
    pub platforms: BTreeSet<Platform>,
    /// CPython minors asked for; `None` means the default list, as far as the package supports it.
    pub pythons: Option<BTreeSet<PythonMinor>>,
}

impl Targets {
    /// Five platforms and the default CPython minors.
    pub fn standard() -> Self {
        Self { platforms: Platform::DEFAULT.into_iter().collect(), pythons: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_round_trip() {
        for text in ["linux-x86_64-gnu", "windows-x86_64/3.12"] {
            assert_eq!(text.parse::<Target>().expect("target").to_string(), text);
        }
        for text in ["linux", "linux-x86_64-gnu/2.7", "linux-x86_64-gnu/3.012", "linux-x86_64-gnu/"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
