//! What the public functions cannot be made to reach: a SHA-1 collision.
use super::{GitError, id};

/// The first 320 bytes of the two files that SHAttered published in 2017 (shattered.io): the shared prefix, then the two blocks that
/// collide.
const SHATTERED: &str = "\
    255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f4865696768742033203020522f547970\
    652034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f7253706163652037203020522f4c656e67\
    74682038203020522f42697473506572436f6d706f6e656e7420383e3e0a73747265616d0affd8fffe00245348412d312069732064656164\
    2121212121852fec092339759c39b1a1c63c4c97e1fffe017346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de2\
    18f86db3a90901d5df45c14f26fedfb3dc38e96ac22fe7bd728f0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f\
    0e332edf93ac3500eb4ddc0decc1a864790c782c76215660dd309791d06bd0af3f98cda4bc4629b1";

#[test]
fn the_marks_of_a_collision_attack_are_refused() {
    let bytes = hex::decode(SHATTERED).expect("hexadecimal");
    assert_eq!(bytes.len(), 320);
    let result = id::sha1(&[&bytes]);
    assert!(matches!(result, Err(GitError::Collision(_))), "{result:?}");
    assert_eq!(id::sha1(&[&bytes[..192], b"harmless"]).map(|id| id.len()), Ok(40));
}
