//! Good bytes made bad, the same way in every run: a failure prints the seed that brings it back.

/// Numbers that look random and are the same in every run (xorshift, Marsaglia 2003).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// Of a seed; seeds beside each other give numbers that have nothing to do with each other.
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next one.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// The next one below a bound; 0 where the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw() % bound.max(1) as u64).expect("below a usize")
    }
}

/// What parsers trip over.
const WORDS: [&[u8]; 30] = [
    b"%00",
    b"%2f",
    b"%2e%2e",
    b"%ff",
    b"../",
    b"\"",
    b"{",
    b"[[",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"-1",
    b"0",
    b"18446744073709551616",
    b"9223372036854775808",
    b"1e999",
    b"null",
    b"true",
    b"sha256:",
    b"&",
    b"=",
    b";",
    b",",
    b"\xe2\x80\xae",
    b"bytes=0-0,1-1",
    b"\t",
    b"\r\n",
    b"\0",
];

/// Changes some bytes: flips bits, takes away, cuts off, repeats, puts in what parsers trip over.
pub fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.truncate(at),
            3 => {
                let end = (at + numbers.below(64)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again.iter().copied().cycle().take(again.len() * (1 + numbers.below(8))));
            }
            _ => drop(bytes.splice(at..at, WORDS[numbers.below(WORDS.len())].iter().copied())),
        }
    }
}

/// A changed copy.
pub fn mutated(good: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = good.to_vec();
    mutate(&mut bytes, numbers);
    bytes
}
