//! Canaries: files in the scratch home that look like keys and tokens and open nothing. Whoever reads them was looking for
//! secrets; whoever sends their words on has been caught with them.
mod leak;
mod plant;
#[cfg(target_os = "linux")]
mod trap;

use mcpsec_model::digest::Digest;

#[cfg(target_os = "linux")]
pub use self::trap::Trap;
pub use self::{
    leak::leaked,
    plant::{plant, planted},
};

/// One canary file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Canary {
    /// Where it lies in the home: `.ssh/id_ed25519`.
    pub path: &'static str,
    /// The words in it that stand nowhere else: drawn from the seed, at least 16 letters and digits each.
    pub secrets: Vec<String>,
}

impl Canary {
    /// How it is told: `~/.ssh/id_ed25519`.
    pub fn name(&self) -> String {
        format!("~/{}", self.path)
    }
}

/// Letters and digits drawn from a seed, the same for the same seed.
struct Source<'a> {
    seed: &'a [u8; 32],
    drawn: u64,
    left: Vec<u8>,
}

impl<'a> Source<'a> {
    fn new(seed: &'a [u8; 32]) -> Self {
        Self { seed, drawn: 0, left: Vec::new() }
    }

    fn byte(&mut self) -> u8 {
        if self.left.is_empty() {
            let block = [&b"mcpsec canary"[..], self.seed, &self.drawn.to_le_bytes()].concat();
            self.left = Digest::sha256_of(&block).as_bytes().to_vec();
            self.drawn += 1;
        }
        self.left.pop().unwrap_or_default()
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    /// `count` of these characters. A slight preference for some of them does not matter.
    fn word(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(alphabet[usize::from(self.byte()) % alphabet.len()])).collect()
    }

    fn letters(&mut self, count: usize) -> String {
        self.word(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", count)
    }

    fn capitals(&mut self, count: usize) -> String {
        self.word(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", count)
    }

    fn hexadecimal(&mut self, count: usize) -> String {
        self.word(b"0123456789abcdef", count)
    }
}
