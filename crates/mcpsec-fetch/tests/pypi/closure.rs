//! What a closure holds: dependencies, extras, markers, targets, dates, sources of metadata.
use mcpsec_fetch::{progress::Silent, pypi::PypiError};
use mcpsec_model::{finding::Rule, name::PackageName};
use mcpsec_testkit::{
    loopback::RangeSupport,
    pypi::{CoreMetadata, PypiServer, sdist, wheel},
};

use super::{Client, LINUX, findings, options, pins, pypi};

#[tokio::test]
async fn dependencies_extras_and_markers_make_the_graph() {
    let server = PypiServer::start();
    server.publish(
        wheel("app", "1.0")
            .requires("lib[fast]>=1,<2")
            .requires("win-only; sys_platform == 'win32'")
            .requires("never; extra == 'unused'")
            .distribution(),
    );
    server.publish(wheel("lib", "1.5").requires("base").requires("speed>=1; extra == 'fast'").distribution());
    server.publish(wheel("lib", "2.0").distribution());
    for name in ["base", "speed", "win-only", "never"] {
        server.publish(wheel(name, "1.0").distribution());
    }
    let client = Client::of(&server);
    let resolved = client.resolve("app", LINUX).await.expect("resolved");
    assert_eq!(pins(&resolved), ["app==1.0", "base==1.0", "lib==1.5", "speed==1.0"]);
    assert!(findings(&resolved).is_empty());
    assert_eq!(resolved.downloads.len(), 4);

    // The union over platforms holds the Windows package, on Windows only, with its marker on the edge.
    let resolved = client.resolve("app", &[]).await.expect("resolved");
    assert_eq!(pins(&resolved), ["app==1.0", "base==1.0", "lib==1.5", "speed==1.0", "win-only==1.0"]);
    assert_eq!(resolved.candidate.targets.len(), 20);
    let closure = &resolved.candidate.closure;
    let (_, node) = closure.nodes().iter().find(|(id, _)| id.package().name().as_str() == "win-only").expect("node");
    let on: Vec<String> = node.targets.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(on, ["windows-x86_64/3.11", "windows-x86_64/3.12", "windows-x86_64/3.13", "windows-x86_64/3.14"]);
    let root = &closure.nodes()[closure.root()];
    assert_eq!(root.targets, None);
    let edge = root.edges.iter().find(|edge| edge.name == "win-only").expect("edge");
    assert_eq!(edge.marker.as_deref(), Some("sys_platform == 'win32'"));
}

#[tokio::test]
async fn every_way_to_metadata_gives_the_same_closure() {
    let big: Vec<u8> = (0..120_000u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut seen = Vec::new();
    for (pep_658, ranges, json) in [
        (CoreMetadata::Offered, RangeSupport::Full, true),
        (CoreMetadata::Broken, RangeSupport::Full, true),
        (CoreMetadata::Off, RangeSupport::Full, true),
        (CoreMetadata::Off, RangeSupport::NoSuffix, true),
        (CoreMetadata::Off, RangeSupport::Off, true),
        (CoreMetadata::Off, RangeSupport::Full, false),
    ] {
        let server = PypiServer::start();
        server.publish(wheel("app", "1.0").requires("lib").file("app/data.bin", &big).distribution());
        server.publish(wheel("lib", "1.0").distribution());
        server.serving(|serving| {
            serving.core_metadata = pep_658;
            serving.ranges = ranges;
            serving.json = json;
        });
        let client = Client::of(&server);
        let resolved = client.resolve("app", LINUX).await.expect("resolved");
        assert_eq!(pins(&resolved), ["app==1.0", "lib==1.0"]);
        if ranges != RangeSupport::Off {
            assert!(client.network.bytes_received() < 200_000, "the wheel was not read whole");
        }
        // A second run offline needs nothing but the cache.
        let source = client.source(false);
        let again = source.resolve(&pypi("app"), None, &options(LINUX, None), &Silent).await.expect("offline").resolved;
        assert_eq!(again.candidate, resolved.candidate);
        seen.push(resolved.candidate.packages.values().map(|p| p.artifacts[0].digests).collect::<Vec<_>>());
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn source_distributions_are_trusted_when_static_and_reported_when_not() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").requires("static-one").requires("dynamic-one").distribution());
    server.publish(sdist("static-one", "1.0").metadata_version("2.2").requires("lib").distribution());
    server.publish(sdist("dynamic-one", "1.0").metadata_version("2.2").dynamic("Requires-Dist").distribution());
    server.publish(wheel("lib", "1.0").distribution());
    let resolved = Client::of(&server).resolve("app", LINUX).await.expect("resolved");
    assert_eq!(pins(&resolved), ["app==1.0", "dynamic-one==1.0", "lib==1.0", "static-one==1.0"]);
    let found = findings(&resolved);
    assert!(found.contains(&(Rule::ClosureIncomplete, "pypi:dynamic-one@1.0".to_owned())), "{found:?}");
    assert!(!found.contains(&(Rule::ClosureIncomplete, "pypi:static-one@1.0".to_owned())), "{found:?}");
    assert!(found.contains(&(Rule::NoArtifactForTarget, "pypi:static-one@1.0".to_owned())), "{found:?}");
}

#[tokio::test]
async fn a_date_shows_the_index_as_it_stood() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").requires("lib").uploaded("2025-01-01T00:00:00Z").distribution());
    server.publish(wheel("lib", "1.0").uploaded("2025-02-01T00:00:00Z").distribution());
    server.publish(wheel("lib", "2.0").uploaded("2025-09-01T00:00:00Z").distribution());
    // A late file of an old version did not exist then either.
    server.publish(wheel("lib", "1.0").tag("cp312-cp312-win_amd64").uploaded("2025-12-01T00:00:00Z").distribution());
    let client = Client::of(&server);
    let ask = async |date| {
        client
            .source(true)
            .resolve(&pypi("app"), None, &options(LINUX, Some(date)), &Silent)
            .await
            .map(|found| found.resolved)
    };
    let resolved = ask("2025-08-01").await.expect("resolved");
    assert_eq!(pins(&resolved), ["app==1.0", "lib==1.0"]);
    assert_eq!(resolved.downloads.len(), 2);
    assert_eq!(pins(&ask("2025-09-01").await.expect("resolved")), ["app==1.0", "lib==2.0"]);
    assert!(matches!(ask("2025-01-15").await, Err(PypiError::NoSolution { .. })));

    server.serving(|serving| serving.upload_times = false);
    let error = Client::of(&server)
        .source(true)
        .resolve(&pypi("app"), None, &options(LINUX, Some("2025-08-01")), &Silent)
        .await
        .expect_err("no times");
    assert!(matches!(error, PypiError::NoUploadTimes { .. }), "{error}");
}

#[tokio::test]
async fn targets_share_versions_where_they_can_and_say_where_they_cannot() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").requires("lib").requires("native").requires_python(">=3.11").distribution());
    server.publish(wheel("lib", "1.0").distribution());
    server.publish(wheel("lib", "2.0").requires_python(">=3.13").distribution());
    for platform in ["manylinux2014_x86_64", "manylinux2014_aarch64", "macosx_11_0_universal2"] {
        server.publish(wheel("native", "1.0").tag(&format!("cp311-abi3-{platform}")).distribution());
    }
    let resolved = Client::of(&server).resolve("app", &[]).await.expect("resolved");
    assert_eq!(pins(&resolved), ["app==1.0", "lib==1.0", "lib==2.0", "native==1.0"]);
    let nodes = resolved.candidate.closure.nodes();
    let on = |text: &str| {
        let (_, node) = nodes.iter().find(|(id, _)| id.to_string() == text).expect("node");
        node.targets.iter().flatten().map(|target| target.python.expect("python").minor).collect::<Vec<_>>()
    };
    assert!(on("pypi:lib@1.0").iter().all(|minor| *minor < 13));
    assert!(on("pypi:lib@2.0").iter().all(|minor| *minor >= 13));
    let unresolved: Vec<_> =
        findings(&resolved).into_iter().filter(|(rule, _)| *rule == Rule::UnresolvableTarget).collect();
    assert_eq!(unresolved.len(), 4, "Windows on each Python");
    assert_eq!(resolved.candidate.targets.len(), 16);
}

#[tokio::test]
async fn one_target_gets_the_newest_solution_and_conflicts_go_back() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").requires("a").requires("b").distribution());
    server.publish(wheel("a", "2.0").requires("c>=2").distribution());
    server.publish(wheel("a", "1.0").requires("c").distribution());
    server.publish(wheel("b", "1.0").requires("c<2").distribution());
    server.publish(wheel("c", "1.0").distribution());
    server.publish(wheel("c", "2.0").distribution());
    let client = Client::of(&server);
    assert_eq!(
        pins(&client.resolve("app", LINUX).await.expect("resolved")),
        ["a==1.0", "app==1.0", "b==1.0", "c==1.0"]
    );
    server.publish(wheel("stuck", "1.0").requires("b").requires("c>=2").distribution());
    let error = client.resolve("stuck", LINUX).await.expect_err("conflict");
    let PypiError::NoSolution { report, .. } = &error else { panic!("{error}") };
    assert!(report.contains("stuck") && report.contains('c'), "{report}");
}

#[tokio::test]
async fn yanked_versions_are_taken_only_by_name_and_reported() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution());
    server.publish(wheel("app", "2.0").yanked("broken \u{1b}[2J").distribution());
    let client = Client::of(&server);
    assert_eq!(pins(&client.resolve("app", LINUX).await.expect("resolved")), ["app==1.0"]);
    let resolved = client.resolve("app==2.0", LINUX).await.expect("resolved");
    assert_eq!(findings(&resolved), [(Rule::Yanked, "pypi:app@2.0".to_owned())]);
    let shown = format!("{:?}", resolved.candidate.findings);
    assert!(!shown.contains('\u{1b}') && shown.contains("broken"), "{shown}");
}

#[tokio::test]
async fn a_project_from_elsewhere_has_its_own_requirements() {
    let server = PypiServer::start();
    server.publish(wheel("lib", "1.0").distribution());
    server.publish(wheel("more", "1.0").distribution());
    let client = Client::of(&server);
    let root: mcpsec_model::package::PackageId =
        format!("git+https://h.invalid/o/r@{}", "a".repeat(40)).parse().expect("id");
    let text = "[project]\nname='r'\nrequires-python='>=3.12'\ndependencies=['lib']\n[project.optional-dependencies]\nx=['more']\n";
    let extras = [PackageName::pypi("x").expect("extra")];
    let resolved = client
        .source(true)
        .resolve_project(root.clone(), text, &extras, &options(&[], None), &Silent)
        .await
        .expect("resolved")
        .resolved;
    assert_eq!(resolved.candidate.closure.root().package(), &root);
    assert_eq!(resolved.candidate.closure.packages().len(), 3);
    assert_eq!(resolved.candidate.targets.len(), 15, "3.12 to 3.14");
    let dynamic = "[project]\nname='r'\ndynamic=['dependencies']\n";
    let resolved = client
        .source(true)
        .resolve_project(root, dynamic, &[], &options(LINUX, None), &Silent)
        .await
        .expect("resolved")
        .resolved;
    assert_eq!(findings(&resolved)[0].0, Rule::ClosureIncomplete);
}

#[tokio::test]
async fn equal_input_gives_equal_output() {
    let server = PypiServer::start();
    let mut app = wheel("app", "1.0");
    for i in 0..12 {
        app = app.requires(&format!("p{i}"));
        server.publish(wheel(&format!("p{i}"), "1.0").requires(&format!("p{}", (i + 5) % 12)).distribution());
    }
    server.publish(app.distribution());
    let first = Client::of(&server).resolve("app", &[]).await.expect("resolved");
    for _ in 0..3 {
        let again = Client::of(&server).resolve("app", &[]).await.expect("resolved");
        assert_eq!(again.candidate, first.candidate);
    }
}
