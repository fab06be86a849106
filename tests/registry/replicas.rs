//! Several servers on one state.
use crate::{backends::Backend, http::get, world::start};

#[test]
fn replicas_that_start_together_on_an_empty_database_all_start() {
    // SQLite takes several processes of one machine; PostgreSQL any number.
    let backend = Backend::new();
    let data = tempfile::tempdir().expect("a folder");
    let servers: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..5).map(|_| scope.spawn(|| start(&backend, data.path(), &[]))).collect();
        starts.into_iter().map(|start| start.join().expect("no panic")).collect()
    });
    for server in servers {
        let server = server.expect("it starts");
        let ready = get(&format!("{}/readyz", server.address()), &[]);
        assert_eq!(ready.status, 200, "{}", ready.text());
    }
}
