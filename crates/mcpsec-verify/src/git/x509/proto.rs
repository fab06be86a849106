//! The one protobuf message that is read: `dev.sigstore.rekor.v1.TransparencyLogEntry`. Its own small reader: five fields deep in
//! one known message, and every byte of it comes from the signature.

/// A transparency log's entry about a signature. The body is not in it: it follows from the signature.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Entry {
    /// Over all shards of the log.
    pub(super) log_index: u64,
    /// Digest of the log's key.
    pub(super) log_id: Vec<u8>,
    pub(super) kind: String,
    pub(super) version: String,
    /// Seconds since 1970.
    pub(super) integrated_time: u64,
    /// The signed entry timestamp.
    pub(super) promise: Option<Vec<u8>>,
    pub(super) proof: Option<Proof>,
}

/// That the entry is in the log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Proof {
    /// Within its shard.
    pub(super) log_index: u64,
    pub(super) root_hash: Vec<u8>,
    pub(super) tree_size: u64,
    pub(super) hashes: Vec<Vec<u8>>,
    /// The signed tree head, a note.
    pub(super) checkpoint: String,
}

/// The longest entry: real ones have about 1 kB.
const MAX_ENTRY: usize = 64 * 1024;
/// A log of 2^64 entries needs 64.
const MAX_HASHES: usize = 64;

impl Entry {
    /// Reads the message, or says what is wrong. Unknown fields are passed over; a known one that is there twice is refused,
    /// because other readers take the last one or mix both.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > MAX_ENTRY {
            return Err("a log entry of more than 64 kB");
        }
        let mut entry = Self::default();
        let mut seen = Seen::default();
        fields(bytes, |number, value| {
            if (1..=6).contains(&number) {
                seen.once(number)?;
            }
            match number {
                1 => entry.log_index = value.number()?,
                2 => entry.log_id = single(value.bytes()?)?.to_vec(),
                3 => {
                    let mut seen = Seen::default();
                    fields(value.bytes()?, |number, value| {
                        match number {
                            1 => entry.kind = value.text()?,
                            2 => entry.version = value.text()?,
                            _ => return Ok(()),
                        }
                        seen.once(number)
                    })?;
                }
                4 => entry.integrated_time = value.number()?,
                5 => entry.promise = Some(single(value.bytes()?)?.to_vec()),
                6 => entry.proof = Some(Proof::read(value.bytes()?)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(entry)
    }
}

impl Proof {
    fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut proof = Self::default();
        let mut seen = Seen::default();
        fields(bytes, |number, value| {
            match number {
                1 => proof.log_index = value.number()?,
                2 => proof.root_hash = value.bytes()?.to_vec(),
                3 => proof.tree_size = value.number()?,
                4 if proof.hashes.len() == MAX_HASHES => return Err("a log entry with more than 64 hashes"),
                4 => {
                    proof.hashes.push(value.bytes()?.to_vec());
                    return Ok(());
                }
                5 => {
                    proof.checkpoint = String::from_utf8(single(value.bytes()?)?.to_vec())
                        .map_err(|_| "a log entry whose checkpoint is not text")?;
                }
                _ => return Ok(()),
            }
            seen.once(number)
        })?;
        Ok(proof)
    }
}

/// The bytes of field 1 of a message that has no other.
fn single(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let mut found = None;
    let mut seen = Seen::default();
    fields(bytes, |number, value| {
        if number == 1 {
            found = Some(value.bytes()?);
            seen.once(number)?;
        }
        Ok(())
    })?;
    found.ok_or("a log entry with an empty part")
}

#[derive(Default)]
struct Seen(u8);

impl Seen {
    /// `number` is below 8.
    fn once(&mut self, number: u32) -> Result<(), &'static str> {
        let bit = 1_u8.checked_shl(number).unwrap_or(0);
        if self.0 & bit != 0 {
            return Err("a log entry with a part that is there twice");
        }
        self.0 |= bit;
        Ok(())
    }
}

const CUT: &str = "a log entry that is cut off";
const TYPE: &str = "a log entry with a part of another type";

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Value<'a> {
    fn number(&self) -> Result<u64, &'static str> {
        match self {
            Self::Number(number) => Ok(*number),
            _ => Err(TYPE),
        }
    }

    fn bytes(&self) -> Result<&'a [u8], &'static str> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(TYPE),
        }
    }

    fn text(&self) -> Result<String, &'static str> {
        self.bytes()
            .and_then(|bytes| String::from_utf8(bytes.to_vec()).map_err(|_| "a log entry with a name that is not text"))
    }
}

fn fields<'a>(
    mut bytes: &'a [u8],
    mut take: impl FnMut(u32, Value<'a>) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let number = u32::try_from(tag >> 3).map_err(|_| "a log entry with a part of no number")?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            1 => skip(&mut bytes, 8)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| CUT)?;
                let (value, rest) = bytes.split_at_checked(length).ok_or(CUT)?;
                bytes = rest;
                Value::Bytes(value)
            }
            5 => skip(&mut bytes, 4)?,
            _ => return Err("a log entry with groups"),
        };
        take(number, value)?;
    }
    Ok(())
}

fn skip<'a>(bytes: &mut &'a [u8], length: usize) -> Result<Value<'a>, &'static str> {
    *bytes = bytes.get(length..).ok_or(CUT)?;
    Ok(Value::Other)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, &'static str> {
    let mut out = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(CUT)?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return Err("a log entry with a number of more than 64 bits");
        }
        out |= part << shift;
        if byte & 0x80 == 0 {
            return Ok(out);
        }
    }
    Err("a log entry with a number of more than 64 bits")
}
