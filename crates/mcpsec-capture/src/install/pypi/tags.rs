//! Which of a locked package's files the user's python takes.
use std::str::FromStr as _;

use mcpsec_model::{
    package::{Artifact, ArtifactKind, Package},
    target::Platform,
};
use uv_distribution_filename::WheelFilename;
use uv_platform_tags::{Arch, Os, Tags, TagsOptions};

use crate::install::runtime::PythonDetails;

/// Baselines that a lock is made for; while one of its wheels fits, that is the one that was fetched.
const GLIBC: (u16, u16) = (2, 28);
const MUSL: (u16, u16) = (1, 2);
const MACOS: (u16, u16) = (14, 0);

/// Both lists of a python: what a lock assumes of its platform, and what it can really use.
#[derive(Clone, Debug)]
pub(in crate::install) struct Accepted {
    baseline: Option<Tags>,
    real: Option<Tags>,
}

impl Accepted {
    pub(in crate::install) fn of(platform: Platform, python: &PythonDetails) -> Self {
        Self {
            baseline: tags(platform, python, GLIBC, MACOS),
            real: tags(platform, python, python.glibc.unwrap_or(GLIBC), python.macos.unwrap_or(MACOS)),
        }
    }

    /// The wheel to install: most specific first, then the highest build number; one that the baseline takes before all others. The git
    /// archive, for a git package. `None` when nothing fits.
    pub(in crate::install) fn choose<'p>(&self, package: &'p Package) -> Option<&'p Artifact> {
        if let Some(archive) = package.artifacts.iter().find(|artifact| artifact.kind == ArtifactKind::GitArchive) {
            return Some(archive);
        }
        let real = self.real.as_ref()?;
        let wheels = || {
            package.artifacts.iter().filter(|artifact| artifact.kind == ArtifactKind::Wheel).filter_map(|artifact| {
                let wheel = WheelFilename::from_str(&artifact.file).ok()?;
                wheel.is_compatible(real).then_some((wheel, artifact))
            })
        };
        let best = |tags: &Tags| {
            wheels()
                .filter(|(wheel, _)| wheel.is_compatible(tags))
                .map(|(wheel, artifact)| (wheel.compatibility(tags), wheel.build_tag().cloned(), artifact))
                .max_by(|a, b| (a.0, &a.1, &b.2.file).cmp(&(b.0, &b.1, &a.2.file)))
                .map(|(_, _, artifact)| artifact)
        };
        self.baseline.as_ref().and_then(best).or_else(|| best(real))
    }
}

fn tags(platform: Platform, python: &PythonDetails, glibc: (u16, u16), macos: (u16, u16)) -> Option<Tags> {
    let os = match platform {
        Platform::LinuxAarch64Gnu | Platform::LinuxX8664Gnu => Os::Manylinux { major: glibc.0, minor: glibc.1 },
        Platform::LinuxAarch64Musl | Platform::LinuxX8664Musl => Os::Musllinux { major: MUSL.0, minor: MUSL.1 },
        Platform::MacosAarch64 | Platform::MacosX8664 => Os::Macos { major: macos.0, minor: macos.1 },
        Platform::WindowsAarch64 | Platform::WindowsX8664 => Os::Windows,
    };
    let arch = match platform {
        Platform::LinuxAarch64Gnu | Platform::LinuxAarch64Musl | Platform::MacosAarch64 | Platform::WindowsAarch64 => {
            Arch::Aarch64
        }
        _ => Arch::X86_64,
    };
    let version = (python.minor.major, python.minor.minor);
    let options = TagsOptions {
        manylinux_compatible: true,
        gil_disabled: python.gil_disabled,
        debug_enabled: python.debug,
        ..TagsOptions::default()
    };
    Tags::from_env(uv_platform_tags::Platform::new(os, arch), version, &python.implementation, version, options).ok()
}

#[cfg(test)]
mod tests {
    use mcpsec_model::{digest::Digests, target::PythonMinor};

    use super::*;

    fn pick(files: &[&str], glibc: (u16, u16), gil_disabled: bool) -> Option<String> {
        let mut package = Package::bare("pypi:a@1".parse().expect("id"));
        package.artifacts = files
            .iter()
            .map(|file| Artifact {
                kind: if file.ends_with(".whl") { ArtifactKind::Wheel } else { ArtifactKind::Sdist },
                file: (*file).into(),
                size: None,
                digests: Digests::default(),
            })
            .collect();
        let python = PythonDetails {
            minor: PythonMinor::new(3, 13),
            implementation: "cpython".to_owned(),
            gil_disabled,
            debug: false,
            glibc: Some(glibc),
            macos: None,
        };
        Accepted::of(Platform::LinuxX8664Gnu, &python).choose(&package).map(|artifact| artifact.file.to_string())
    }

    #[test]
    fn what_was_fetched_for_the_lock_comes_first() {
        let files = [
            "a-1-cp313-cp313-manylinux_2_34_x86_64.whl",
            "a-1-cp313-cp313-manylinux_2_28_x86_64.whl",
            "a-1-cp313-cp313-manylinux_2_17_x86_64.whl",
            "a-1-py3-none-any.whl",
        ];
        assert_eq!(pick(&files, (2, 36), false).as_deref(), Some(files[1]));
        assert_eq!(pick(&files, (2, 17), false).as_deref(), Some(files[2]), "an old system");
        assert_eq!(pick(&files[..1], (2, 36), false).as_deref(), Some(files[0]), "only this system");
        assert_eq!(pick(&files, (2, 36), true).as_deref(), Some(files[3]), "another ABI");
        assert_eq!(pick(&["a-1.tar.gz"], (2, 36), false), None);
        assert_eq!(pick(&["a-1-cp313-cp313-win_amd64.whl"], (2, 36), false), None);
    }
}
