//! What a target means to Python: marker values (PEP 508) and wheel tags (PEP 425, 600, 656).
//!
//! The values are fixed, so that a lock does not depend on the machine it is made on. A target has a realistic patch
//! version, because packages write `python_full_version >= "3.12.4"`; the wheel baselines are glibc 2.28, musl 1.2 and
//! macOS 14, which every platform still maintained meets. `platform_release` and `platform_version` are unknowable for a
//! machine that is not there; they are empty.
use mcpsec_model::target::{Platform, PythonMinor, Target};
use pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};
use uv_platform_tags::{Arch, Os, Tags, TagsOptions};

/// One target, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    target: Target,
    python: Version,
    markers: MarkerEnvironment,
    tags: Tags,
}

impl Environment {
    /// The environment of a target; `None` when the target names no Python or one that nothing supports.
    pub(super) fn of(target: &Target) -> Option<Self> {
        let minor = target.python?;
        let full = format!("{}.{}.{}", minor.major, minor.minor, patch(minor));
        let short = minor.to_string();
        let (os_name, system, sys_platform) = match target.platform {
            Platform::LinuxAarch64Gnu
            | Platform::LinuxAarch64Musl
            | Platform::LinuxX8664Gnu
            | Platform::LinuxX8664Musl => ("posix", "Linux", "linux"),
            Platform::MacosAarch64 | Platform::MacosX8664 => ("posix", "Darwin", "darwin"),
            Platform::WindowsAarch64 | Platform::WindowsX8664 => ("nt", "Windows", "win32"),
        };
        let machine = match target.platform {
            Platform::LinuxAarch64Gnu | Platform::LinuxAarch64Musl => "aarch64",
            Platform::LinuxX8664Gnu | Platform::LinuxX8664Musl | Platform::MacosX8664 => "x86_64",
            Platform::MacosAarch64 => "arm64",
            Platform::WindowsAarch64 => "ARM64",
            Platform::WindowsX8664 => "AMD64",
        };
        let markers = MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &full,
            os_name,
            platform_machine: machine,
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: system,
            platform_version: "",
            python_full_version: &full,
            python_version: &short,
            sys_platform,
        })
        .ok()?;
        let python = full.parse().ok()?;
        Some(Self { target: *target, python, markers, tags: tags(target.platform, minor)? })
    }

    /// The target.
    pub(super) fn target(&self) -> Target {
        self.target
    }

    /// The full Python version.
    pub(super) fn python(&self) -> &Version {
        &self.python
    }

    /// Values for markers.
    pub(super) fn markers(&self) -> &MarkerEnvironment {
        &self.markers
    }

    /// Accepted wheel tags, best first.
    pub(super) fn tags(&self) -> &Tags {
        &self.tags
    }
}

/// Wheel tags of a platform and CPython minor.
pub(super) fn tags(platform: Platform, python: PythonMinor) -> Option<Tags> {
    let os = match platform {
        Platform::LinuxAarch64Gnu | Platform::LinuxX8664Gnu => Os::Manylinux { major: 2, minor: 28 },
        Platform::LinuxAarch64Musl | Platform::LinuxX8664Musl => Os::Musllinux { major: 1, minor: 2 },
        Platform::MacosAarch64 | Platform::MacosX8664 => Os::Macos { major: 14, minor: 0 },
        Platform::WindowsAarch64 | Platform::WindowsX8664 => Os::Windows,
    };
    let arch = match platform {
        Platform::LinuxAarch64Gnu | Platform::LinuxAarch64Musl | Platform::MacosAarch64 | Platform::WindowsAarch64 => {
            Arch::Aarch64
        }
        _ => Arch::X86_64,
    };
    let version = (python.major, python.minor);
    let options = TagsOptions { manylinux_compatible: true, ..TagsOptions::default() };
    Tags::from_env(uv_platform_tags::Platform::new(os, arch), version, "cpython", version, options).ok()
}

/// The patch release that a minor stands for: late enough for `python_full_version` conditions of today's packages.
fn patch(python: PythonMinor) -> u8 {
    match python.minor {
        8 => 20,
        9 => 23,
        10 => 18,
        11 => 13,
        12 => 11,
        13 => 7,
        14 => 2,
        0..=7 => 18,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use uv_distribution_filename::WheelFilename;

    use super::*;

    fn accepts(target: &str, wheel: &str) -> bool {
        let environment = Environment::of(&target.parse().expect("target")).expect("environment");
        WheelFilename::from_str(wheel).expect("wheel").is_compatible(environment.tags())
    }

    #[test]
    fn tags_follow_the_platform() {
        for (target, wheel, want) in [
            ("linux-x86_64-gnu/3.12", "a-1-py3-none-any.whl", true),
            ("linux-x86_64-gnu/3.12", "a-1-cp312-cp312-manylinux_2_28_x86_64.whl", true),
            ("linux-x86_64-gnu/3.12", "a-1-cp312-cp312-manylinux_2_34_x86_64.whl", false),
            ("linux-x86_64-gnu/3.12", "a-1-cp312-cp312-musllinux_1_2_x86_64.whl", false),
            ("linux-x86_64-musl/3.12", "a-1-cp312-cp312-musllinux_1_2_x86_64.whl", true),
            ("linux-x86_64-gnu/3.12", "a-1-cp39-abi3-manylinux2014_x86_64.whl", true),
            ("linux-x86_64-gnu/3.12", "a-1-cp313-abi3-manylinux2014_x86_64.whl", false),
            ("linux-x86_64-gnu/3.12", "a-1-cp312-cp312t-manylinux2014_x86_64.whl", false),
            ("linux-aarch64-gnu/3.12", "a-1-cp312-cp312-manylinux2014_aarch64.whl", true),
            ("macos-aarch64/3.12", "a-1-cp312-cp312-macosx_11_0_arm64.whl", true),
            ("macos-aarch64/3.12", "a-1-cp312-cp312-macosx_10_9_universal2.whl", true),
            ("macos-x86_64/3.12", "a-1-cp312-cp312-macosx_11_0_arm64.whl", false),
            ("windows-x86_64/3.12", "a-1-cp312-cp312-win_amd64.whl", true),
            ("windows-aarch64/3.12", "a-1-cp312-cp312-win_arm64.whl", true),
        ] {
            assert_eq!(accepts(target, wheel), want, "{wheel} on {target}");
        }
    }

    #[test]
    fn a_target_without_python_has_no_environment() {
        assert!(Environment::of(&"linux-x86_64-gnu".parse().expect("target")).is_none());
    }
}
