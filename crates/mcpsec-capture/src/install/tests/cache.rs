//! Installations that are found again, and those that are not believed.
use super::*;
use crate::install::cache;

fn world() -> World {
    let mut world = World::npm();
    let manifest = r#"{"name":"srv","bin":{"srv":"cli.js"}}"#;
    world
        .tarball("npm:srv@1.0.0", &[("package.json", manifest), ("cli.js", "1"), ("lib/a.js", "a")])
        .tarball("npm:zod@3.0.0", &[("package.json", "{}")])
        .edge("npm:srv@1.0.0", "zod", "npm:zod@3.0.0");
    world
}

fn found(world: &World) -> Option<InstalledServer> {
    let server = world.server();
    plan(&server, &world.packages, world.terms()).expect("plan").installed(&world.place()).expect("looked")
}

fn open_up(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("chmod");
}

#[test]
fn it_is_found_again_without_any_artifact() {
    let mut world = world();
    assert_eq!(found(&world), None);
    let installed = world.install().expect("installed");
    fs::remove_dir_all(world.dir.path().join("unpacked")).expect("removed");
    world.unpacked.clear();
    assert_eq!(found(&world).as_ref(), Some(&installed));
    assert_eq!(world.install().expect("again"), installed);
}

#[test]
fn what_was_changed_is_made_again() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 6] = [
        ("contents", |root| {
            let path = root.join("node_modules/srv/cli.js");
            open_up(&path);
            fs::File::create(&path).expect("open").write_all(b"evil").expect("write");
        }),
        ("a new file", |root| {
            open_up(&root.join("node_modules/srv/lib"));
            drop(fs::File::create(root.join("node_modules/srv/lib/b.js")).expect("create"));
        }),
        ("another version under the same name", |root| {
            let beside = root.join("node_modules/.mcpsec/srv@1.0.0/node_modules");
            open_up(&beside);
            fs::remove_file(beside.join("zod")).expect("remove");
            std::os::unix::fs::symlink("/tmp", beside.join("zod")).expect("link");
        }),
        ("how it is started", |root| {
            let path = root.join(crate::install::START);
            open_up(&path);
            let text = fs::read_to_string(&path).expect("read").replace("cli.js", "lib/a.js");
            fs::File::create(&path).expect("open").write_all(text.as_bytes()).expect("write");
        }),
        ("rights", |root| open_up(&root.join("node_modules/srv/package.json"))),
        ("the index", |root| {
            fs::File::create(root.with_file_name("index")).expect("open").write_all(b"mcpsec-tree 1 ").expect("write");
        }),
    ];
    for (what, change) in changes {
        let world = world();
        let installed = world.install().expect("installed");
        change(&installed.root);
        assert_eq!(found(&world), None, "{what}");
        let again = world.install().expect("again");
        assert_eq!(again, installed, "{what}");
        assert_eq!(fs::read(again.root.join("node_modules/srv/cli.js")).expect("file"), b"1", "{what}");
        assert!(!again.root.join("node_modules/srv/lib/b.js").exists(), "{what}");
    }
}

#[test]
fn a_second_installation_of_shared_files_disturbs_nobody() {
    let one = world();
    let installed = one.install().expect("installed");
    // Another key, the same artifacts: every linked file gets another stamp.
    one.fake("node", "20.12.0", "");
    one.install().expect("second");
    one.fake("node", "20.11.0", "");
    assert_eq!(found(&one), Some(installed));
}

#[test]
fn other_runtimes_entries_and_policies_are_other_installations() {
    let mut world = world();
    let mut roots = BTreeSet::from([world.install().expect("installed").root]);
    world.fake("node", "22.0.0", "");
    assert!(roots.insert(world.install().expect("installed").root));
    world.allowed = vec!["npm:zod@3.0.0".into()];
    assert!(roots.insert(world.install().expect("installed").root));
    world.entry = EntryPoint::Unknown;
    assert!(roots.insert(world.install().expect("installed").root));
}

#[test]
fn many_at_once_agree() {
    let world = world();
    let all: Vec<InstalledServer> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..4).map(|_| scope.spawn(|| world.install().expect("installed"))).collect();
        handles.into_iter().map(|handle| handle.join().expect("thread")).collect()
    });
    assert!(all.iter().all(|one| one == &all[0]));
    assert_eq!(fs::read_dir(world.place()).expect("folder").count(), 1, "nothing is left over");
}

#[test]
fn what_the_dead_left_is_swept_and_the_living_are_left_alone() {
    let world = world();
    let into = world.place();
    for name in ["dead", "alive"] {
        let dir = into.join(format!(".new-{name}/new/tree"));
        fs::create_dir_all(&dir).expect("dir");
        drop(fs::File::create(into.join(format!(".new-{name}/owner"))).expect("file"));
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).expect("chmod");
    }
    let alive = fs::File::options().write(true).open(into.join(".new-alive/owner")).expect("open");
    alive.lock().expect("lock");
    world.install().expect("installed");
    assert!(!into.join(".new-dead").exists() && into.join(".new-alive").exists());
}

#[test]
fn an_installation_that_was_moved_is_made_again() {
    let mut world = World::python();
    let scripts = "[console_scripts]\nsrv = srv:run\n";
    world.wheel("pypi:srv@1.0", &[("srv-1.0.dist-info/entry_points.txt", scripts), ("srv.py", "")]);
    let installed = world.install().expect("installed");
    let place = installed.root.parent().expect("parent");
    let other = world.dir.path().join("elsewhere").join(place.file_name().expect("name"));
    fs::create_dir_all(other.parent().expect("parent")).expect("folder");
    fs::rename(place, &other).expect("moved");
    assert!(cache::look(&other).expect("looked").is_none(), "its scripts name the old place");
}

#[test]
fn an_unpacked_file_that_changes_while_it_is_laid_out_is_noticed() {
    let world = world();
    let file = world.dir.path().join("unpacked/0/lib/a.js");
    open_up(&file);
    fs::File::create(&file).expect("open").write_all(b"evil").expect("write");
    let error = world.refused();
    let InstallError::Changed { path } = error else { panic!("{error}") };
    assert!(path.ends_with("lib/a.js"), "{path}");
}
