//! Starting and stopping.
use crate::world::{World, mcpsec};

#[test]
fn one_command_starts_it_and_the_folder_is_all_it_needs() {
    let mut world = World::new();
    assert!(world.url("/").starts_with("http://127.0.0.1:"));
    assert!(world.data.path().join("registry.db").is_file());
    world.server.kill();
    let again = World::serve(world.data.path(), &[]);
    assert_ne!(again.id(), world.server.id());
    assert!(mcpsec().is_file());
}
