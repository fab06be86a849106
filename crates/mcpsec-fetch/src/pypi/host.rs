//! Which of a locked package's files a machine uses.
use std::str::FromStr as _;

use mcpsec_model::{
    package::{Artifact, ArtifactKind, Package},
    target::Target,
};
use uv_distribution_filename::WheelFilename;

use super::environment;
use crate::host::Host;

/// The best wheel for this machine, else the source distribution (a tar.gz if there is one), else `None`.
///
/// The Python is the host's, or the newest that `targets` have for its platform. Wheels are ranked as installers rank them:
/// most specific tag first, then the highest build number.
pub fn host_artifact<'a>(package: &'a Package, host: &Host, targets: &[Target]) -> Option<&'a Artifact> {
    let newest = || targets.iter().filter(|target| target.platform == host.platform).filter_map(|t| t.python).max();
    let python = host.python.or_else(newest)?;
    let tags = environment::tags(host.platform, python)?;
    let of_kind = |kind| package.artifacts.iter().filter(move |artifact| artifact.kind == kind);
    let best = of_kind(ArtifactKind::Wheel)
        .filter_map(|artifact| {
            let wheel = WheelFilename::from_str(&artifact.file).ok()?;
            let rank = wheel.compatibility(&tags);
            rank.is_compatible().then(|| (rank, wheel.build_tag().cloned(), artifact))
        })
        .max_by(|a, b| (a.0, &a.1, &b.2.file).cmp(&(b.0, &b.1, &a.2.file)));
    best.map(|(_, _, artifact)| artifact).or_else(|| {
        of_kind(ArtifactKind::Sdist).min_by_key(|artifact| (!artifact.file.ends_with(".tar.gz"), &artifact.file))
    })
}

#[cfg(test)]
mod tests {
    use mcpsec_model::{digest::Digests, target::PythonMinor};

    use super::*;

    fn pick(files: &[&str], host: &str, python: Option<PythonMinor>) -> Option<String> {
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
        let targets: Vec<Target> = ["linux-x86_64-gnu/3.12", "linux-x86_64-gnu/3.13", "macos-aarch64/3.13"]
            .iter()
            .map(|text| text.parse().expect("target"))
            .collect();
        let host = Host { platform: host.parse().expect("platform"), python };
        host_artifact(&package, &host, &targets).map(|artifact| artifact.file.to_string())
    }

    #[test]
    fn the_most_specific_wheel_then_the_sdist() {
        let files = [
            "a-1-py3-none-any.whl",
            "a-1-cp313-cp313-manylinux2014_x86_64.whl",
            "a-1-2-cp312-cp312-manylinux2014_x86_64.whl",
            "a-1-1-cp312-cp312-manylinux2014_x86_64.whl",
            "a-1.tar.gz",
        ];
        let linux = "linux-x86_64-gnu";
        assert_eq!(pick(&files, linux, None).as_deref(), Some("a-1-cp313-cp313-manylinux2014_x86_64.whl"));
        let twelve = Some(PythonMinor::new(3, 12));
        assert_eq!(pick(&files, linux, twelve).as_deref(), Some("a-1-2-cp312-cp312-manylinux2014_x86_64.whl"));
        assert_eq!(pick(&files, "macos-aarch64", None).as_deref(), Some("a-1-py3-none-any.whl"));
        assert_eq!(
            pick(&["a-1-cp312-cp312-win_amd64.whl", "a-1.zip", "a-1.tar.gz"], linux, None).as_deref(),
            Some("a-1.tar.gz")
        );
        assert_eq!(pick(&["a-1-cp312-cp312-win_amd64.whl"], linux, None), None);
        assert_eq!(pick(&files, "windows-x86_64", None), None);
    }
}
