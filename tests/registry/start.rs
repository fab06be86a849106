//! Starting and stopping.
use crate::{
    backends::Backend,
    world::{World, mcpsec},
};

#[test]
fn one_command_starts_it_and_the_folder_is_all_it_needs() {
    let mut world = World::on(Backend::embedded(), &[], |_| {});
    assert!(world.url("/").starts_with("http://127.0.0.1:"));
    assert!(world.data.path().join("registry.db").is_file());
    let first = world.server.id();
    world.restart();
    assert_ne!(world.server.id(), first);
    assert!(mcpsec().is_file());
}
