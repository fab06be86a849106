//! What is known about the value of an expression before anything runs.
use std::rc::Rc;

/// The value of an expression, as far as it is known. The default is nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    /// The string that it is, with holes for what is unknown.
    pub(super) text: Option<Text>,
    /// The number that it is.
    pub(super) number: Option<f64>,
    /// The elements, if it is an array that is written out.
    pub(super) list: Option<Rc<[Self]>>,
    /// Where it comes from: `fs.readFileSync`, `process.env.HOME`, `https.request()` for the result of a call.
    pub(super) path: Option<Rc<str>>,
    /// What is in it.
    pub(super) taint: Taint,
}

/// A known string.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// The string.
    pub(super) value: Rc<str>,
    /// How far it is from what is written in the file.
    pub(super) disguise: Disguise,
}

/// How a string is hidden from people who search the file for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Disguise {
    /// It is written as it is.
    None,
    /// It is put together of parts.
    Joined,
    /// It is decoded, reversed or made of numbers.
    Decoded,
}

/// What a value holds that should not meet the network, or comes from it. A set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Taint(u8);

impl Taint {
    /// The environment as a whole.
    pub(super) const ENVIRONMENT: Self = Self(1);
    /// The environment, turned into text or a list.
    pub(super) const LISTED: Self = Self(2);
    /// A file of secrets.
    pub(super) const SECRET: Self = Self(4);
    /// It came from the network.
    pub(super) const REMOTE: Self = Self(8);
    /// It will be a file of secrets once it is read: a path.
    pub(super) const PLACE: Self = Self(16);

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Value {
    pub(super) fn text(value: impl Into<Rc<str>>, disguise: Disguise) -> Self {
        Self { text: Some(Text { value: value.into(), disguise }), ..Self::default() }
    }

    pub(super) fn number(value: f64) -> Self {
        Self { number: Some(value), ..Self::default() }
    }

    /// A path; one that grows without end is forgotten.
    pub(super) fn path(path: impl Into<Rc<str>>) -> Self {
        let path = path.into();
        if path.len() > 160 { Self::default() } else { Self { path: Some(path), ..Self::default() } }
    }

    pub(super) fn tainted(taint: Taint) -> Self {
        Self { taint, ..Self::default() }
    }

    pub(super) fn as_path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        self.text.as_ref().map(|text| &*text.value)
    }

    /// One of two values: what is known of either, the first one first.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            text: self.text.or(other.text),
            number: self.number.or(other.number),
            list: self.list.or(other.list),
            path: self.path.or(other.path),
            taint: self.taint.with(other.taint),
        }
    }
}
