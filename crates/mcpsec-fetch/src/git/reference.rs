//! References: what `@v1.0`, `@main` or `@0a1b2c3` stands for, in one order everywhere.
//!
//! 1. a full commit id (40 hexadecimal digits) is that commit, whatever tags are called;
//! 2. `refs/…` is exactly that reference;
//! 3. the tag `refs/tags/X`, 4. the branch `refs/heads/X`;
//! 5. seven or more hexadecimal digits are an abbreviated commit, which must be unique among the commits that the remote's
//!    branches and tags lead to (this needs their whole history);
//! 6. nothing is the branch that the remote's `HEAD` names.
//!
//! A tag wins over a branch of the same name, as in git: tags are what publishers mean to keep.
use gix::ObjectId;

/// One reference as a remote lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    /// Full name, `refs/tags/v1.0` or `HEAD`.
    pub(super) name: String,
    /// The object, with annotated tags followed to what they name.
    pub(super) commit: ObjectId,
    /// The annotated tag's own object, the outermost if there are several.
    pub(super) tag: Option<ObjectId>,
    /// For `HEAD`: the branch it names.
    pub(super) target: Option<String>,
}

/// What a reference text asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// A full commit id.
    Commit(ObjectId),
    /// The first of these names that the remote has. With a prefix of a commit id to try next.
    Named { names: Vec<String>, prefix: Option<String> },
    /// `HEAD`.
    Default,
}

impl Wanted {
    pub(super) fn parse(reference: Option<&str>) -> Self {
        let Some(reference) = reference else { return Self::Default };
        if reference.len() == 40
            && let Ok(id) = ObjectId::from_hex(reference.to_ascii_lowercase().as_bytes())
        {
            return Self::Commit(id);
        }
        let names = if reference.starts_with("refs/") {
            vec![reference.to_owned()]
        } else {
            vec![format!("refs/tags/{reference}"), format!("refs/heads/{reference}")]
        };
        let hex = (7..40).contains(&reference.len()) && reference.bytes().all(|b| b.is_ascii_hexdigit());
        Self::Named { names, prefix: hex.then(|| reference.to_ascii_lowercase()) }
    }

    /// What to ask the remote for. Everything else is left out by servers of protocol version 2.
    pub(super) fn refspecs(&self) -> Vec<String> {
        match self {
            Self::Commit(id) => vec![id.to_string()],
            Self::Named { names, .. } => names.clone(),
            Self::Default => vec!["HEAD".to_owned()],
        }
    }

    /// The answer, if the list holds one.
    pub(super) fn choose(&self, listed: &[Listed]) -> Option<Choice> {
        let find = |name: &str| listed.iter().find(|item| item.name == name);
        match self {
            Self::Commit(id) => Some(Choice { reference: None, commit: *id, tag: None }),
            Self::Named { names, .. } => names.iter().find_map(|name| find(name)).map(|item| Choice {
                reference: Some(item.name.clone()),
                commit: item.commit,
                tag: item.tag,
            }),
            Self::Default => {
                let head = find("HEAD")?;
                // A detached HEAD names no branch; it is still a reference that can move.
                let reference = Some(head.target.clone().unwrap_or_else(|| head.name.clone()));
                Some(Choice { reference, commit: head.commit, tag: head.tag })
            }
        }
    }
}

/// What a reference text turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Choice {
    /// The full name to remember; `None` for a bare commit.
    pub(super) reference: Option<String>,
    /// The commit (or what should be one).
    pub(super) commit: ObjectId,
    /// The annotated tag's own object.
    pub(super) tag: Option<ObjectId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).expect("id")
    }

    fn listed(name: &str, digit: char, target: Option<&str>) -> Listed {
        Listed { name: name.to_owned(), commit: id(digit), tag: None, target: target.map(str::to_owned) }
    }

    #[test]
    fn the_order_is_commit_then_tag_then_branch_then_head() {
        let remote = [
            listed("HEAD", '1', Some("refs/heads/main")),
            listed("refs/heads/main", '1', None),
            listed("refs/heads/both", '2', None),
            listed("refs/tags/both", '3', None),
            listed(&format!("refs/tags/{}", "a".repeat(40)), '4', None),
        ];
        let choose = |reference: Option<&str>| {
            Wanted::parse(reference).choose(&remote).map(|choice| (choice.reference, choice.commit))
        };
        assert_eq!(choose(None), Some((Some("refs/heads/main".into()), id('1'))));
        assert_eq!(choose(Some("both")), Some((Some("refs/tags/both".into()), id('3'))));
        assert_eq!(choose(Some("refs/heads/both")), Some((Some("refs/heads/both".into()), id('2'))));
        assert_eq!(choose(Some(&"a".repeat(40))), Some((None, id('a'))));
        assert_eq!(choose(Some(&"A".repeat(40))), Some((None, id('a'))));
        assert_eq!(choose(Some("absent")), None);
    }

    #[test]
    fn only_seven_or_more_hexadecimal_digits_may_be_a_commit() {
        let prefix = |reference: &str| match Wanted::parse(Some(reference)) {
            Wanted::Named { prefix, .. } => prefix,
            _ => None,
        };
        assert_eq!(prefix("abcdef0").as_deref(), Some("abcdef0"));
        assert_eq!(prefix("abcdef"), None);
        assert_eq!(prefix("v1.0.0-rc"), None);
    }
}
