//! Locks that somebody changed who can compute seals: what still says no, and with which words.
use mcpsec_model::{
    candidate::EntryPoint,
    closure::{Closure, Edge, Node, NodeId},
    lock::{Lock, LockedServer},
    package::PackageId,
};
use mcpsec_testkit::{NpmServer, TestEnv, npm_package};

/// `files` (two commands) → `left`; and `evil`, which nobody wants in the place of `files`.
fn world() -> (TestEnv, NpmServer) {
    let server = NpmServer::start();
    server.publish(
        &npm_package("files", "1.2.0").dep("left", "^1.0.0").bin("files", "index.js").bin("other", "other.js"),
    );
    server.publish(&npm_package("files", "0.9.0").bin("files", "index.js"));
    server.publish(&npm_package("left", "1.0.3").bin("left", "index.js"));
    server.publish(&npm_package("evil", "1.0.0").bin("files", "steal.js"));
    let mut env = TestEnv::new();
    env.npm(&server);
    let _added = env.mcpsec(["add", "npm:evil", "npm:left@1.0.3", "npx -y -p files@^1.2.0 files"]).success();
    let _added = env.mcpsec(["add", "--name", "old", "npm:files@0.9.0"]).success();
    (env, server)
}

fn id(text: &str) -> PackageId {
    text.parse().expect("package id")
}

/// Changes the lock and writes it with right seals and closure ids.
fn tamper(env: &TestEnv, change: impl FnOnce(&mut Lock)) {
    let mut lock = Lock::parse(&env.read("mcp.lock"), "mcp.lock").expect("lock");
    change(&mut lock);
    // Inserting again computes ids as the real program does.
    let mut again = Lock::empty();
    for server in lock.servers.values() {
        let packages = lock.packages.iter().map(|(id, package)| (id.clone(), package.clone())).collect();
        again.insert(server.clone(), packages).expect("a lock that fits");
    }
    env.write("mcp.lock", again.to_text());
}

fn with_closure(lock: &mut Lock, edges: &[(&str, &[&str])]) {
    let node = |text: &str| NodeId::of(id(text));
    let nodes = edges.iter().map(|(from, to)| {
        let edges = to.iter().map(|to| Edge {
            name: id(to).name().as_str().into(),
            to: node(to),
            optional: false,
            marker: None,
        });
        (node(from), Node { edges: edges.collect(), targets: None })
    });
    let closure = Closure::new(node(edges[0].0), nodes.collect()).expect("closure");
    lock.servers.get_mut(&"files".parse().expect("name")).expect("server").closure = closure;
}

fn server(lock: &mut Lock) -> &mut LockedServer {
    lock.servers.get_mut(&"files".parse().expect("name")).expect("server")
}

/// A change of the lock, and what `verify` says about it.
type Case = (fn(&mut Lock), &'static str);

#[test]
fn a_changed_lock_with_right_seals_must_still_follow_from_its_spec() {
    let cases: [Case; 5] = [
        (
            |lock| {
                with_closure(lock, &[("npm:evil@1.0.0", &[])]);
                server(lock).version = "1.0.0".into();
            },
            "mcp.lock holds npm:evil@1.0.0 for npm:files@^1.2.0, which does not ask for it",
        ),
        (
            |lock| {
                with_closure(lock, &[("npm:files@0.9.0", &[])]);
                server(lock).version = "0.9.0".into();
            },
            "mcp.lock holds npm:files@0.9.0 for npm:files@^1.2.0, which does not ask for it",
        ),
        (|lock| server(lock).version = "9.9.9".into(), "mcp.lock calls npm:files@1.2.0 version 9.9.9"),
        (
            |lock| server(lock).entry = EntryPoint::NpmBin("other".into()),
            "mcp.lock starts other where files is asked for",
        ),
        (|lock| server(lock).targets.truncate(1), "mcp.lock covers"),
    ];
    let (env, npm) = world();
    let whole = env.read("mcp.lock");
    for (change, words) in cases {
        env.write("mcp.lock", &whole);
        tamper(&env, change);
        npm.clear_log();
        for arguments in [&["verify", "--offline"][..], &["verify"]] {
            let output = env.mcpsec(arguments).exits(1);
            let flat: Vec<&str> = output.stdout.split_whitespace().collect();
            assert!(flat.join(" ").contains(words), "not said: {words}\n{}", output.snapshot());
        }
    }
    // The same way of writing locks changes nothing by itself.
    env.write("mcp.lock", &whole);
    tamper(&env, |_| {});
    assert_eq!(env.read("mcp.lock"), whole);
    let _verified = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn bytes_of_another_package_meet_the_registry() {
    let (env, _npm) = world();
    tamper(&env, |lock| {
        let evil = lock.packages[&id("npm:evil@1.0.0")].artifacts[0].clone();
        let left = &mut lock.packages.get_mut(&id("npm:left@1.0.3")).expect("package").artifacts[0];
        (left.digests, left.size) = (evil.digests, evil.size);
    });
    let output = env.mcpsec(["verify"]).exits(1);
    assert!(output.stdout.contains("the registry now says"), "{}", output.snapshot());
}

/// Every digest is right in these; only the graph is another one.
#[test]
fn a_changed_graph_with_right_seals_and_digests_meets_the_registry() {
    let cases: [Case; 7] = [
        (
            |lock| {
                with_closure(
                    lock,
                    &[
                        ("npm:files@1.2.0", &["npm:left@1.0.3", "npm:evil@1.0.0"]),
                        ("npm:left@1.0.3", &[]),
                        ("npm:evil@1.0.0", &[]),
                    ],
                );
            },
            "gives it the dependency npm:evil@1.0.0, which the registry's record does not have",
        ),
        (|lock| with_closure(lock, &[("npm:files@1.2.0", &[])]), "leaves out its dependency left"),
        (
            |lock| {
                with_closure(lock, &[("npm:files@1.2.0", &["npm:evil@1.0.0"]), ("npm:evil@1.0.0", &[])]);
                let closure = &server(lock).closure;
                let mut nodes = closure.nodes().clone();
                for node in nodes.values_mut() {
                    for edge in &mut node.edges {
                        edge.name = "left".into();
                    }
                }
                let closure = Closure::new(closure.root().clone(), nodes).expect("closure");
                server(lock).closure = closure;
            },
            "resolves its dependency left to npm:evil@1.0.0",
        ),
        (
            |lock| lock.packages.get_mut(&id("npm:left@1.0.3")).expect("package").os = vec!["aix".into()],
            "has os aix, the registry's record all",
        ),
        (
            |lock| lock.packages.get_mut(&id("npm:left@1.0.3")).expect("package").cpu = vec!["mips".into()],
            "has cpu mips, the registry's record all",
        ),
        (
            |lock| {
                // Bundled packages have no artifacts, so nothing of it would be hashed any more.
                let left = lock.packages.get_mut(&id("npm:left@1.0.3")).expect("package");
                left.artifacts.clear();
                left.bundled_in = Some(id("npm:files@1.2.0"));
            },
            "calls npm:left@1.0.3 bundled, the registry's record does not",
        ),
        (
            |lock| {
                let old = lock.servers.get_mut(&"old".parse().expect("name")).expect("server");
                old.entry = EntryPoint::NpmBin("steal".into());
            },
            "starts steal, which is not the package's default command",
        ),
    ];
    let (env, _npm) = world();
    let whole = env.read("mcp.lock");
    for (change, words) in cases {
        env.write("mcp.lock", &whole);
        tamper(&env, change);
        let output = env.mcpsec(["verify"]).exits(1);
        let flat: Vec<&str> = output.stdout.split_whitespace().collect();
        assert!(flat.join(" ").contains(words), "not said: {words}\n{}", output.snapshot());
    }
    env.write("mcp.lock", &whole);
    let _verified = env.mcpsec(["verify"]).success();
}
