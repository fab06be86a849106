//! The words that values of `[policy]` are made of. Each type is ordered from the least strict word to the strictest, so that the
//! stricter of two policies is the greater word.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every word with its meaning, as mcp.toml writes it.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            /// The word in mcp.toml.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

words! {
    /// Who must have built a package.
    ProvenanceRule {
        /// Not looked at.
        Off = "off",
        /// Checked where the publisher provides it.
        IfPublished = "if-published",
        /// git: the tag or commit must be signed.
        Signed = "signed",
        /// Must be there and hold.
        Required = "required",
    }
}

words! {
    /// Sandbox tiers, weakest first.
    Isolation {
        /// No sandbox at all.
        None = "none",
        /// macOS sandbox profile.
        Seatbelt = "seatbelt",
        /// Landlock and seccomp.
        Landlock = "landlock",
        /// Namespaces as well.
        Namespace = "namespace",
    }
}

words! {
    /// Whether a server's words must be heard in the sandbox.
    CapturePolicy {
        /// Nothing is run, and nobody knows what it tells the model.
        Off = "off",
        /// A server that cannot list its tools without a network or credentials is said and tolerated. A machine without a
        /// sandbox of the level of [`super::Policy::isolation`] is not.
        IfPossible = "if-possible",
        /// What could not be captured leaves the run incomplete.
        Required = "required",
    }
}

words! {
    /// What a finding of some rule, an advisory of some severity, or a change of some level does.
    Level {
        /// Nothing.
        Allow = "allow",
        /// It is shown.
        Warn = "warn",
        /// The gate says no.
        Deny = "deny",
    }
}

words! {
    /// What happens when the registry cannot be asked.
    UpstreamPolicy {
        /// It is not asked.
        Off = "off",
        /// It is said, and tolerated.
        Warn = "warn",
        /// The run is incomplete.
        Required = "required",
    }
}

words! {
    /// What happens without an offline database of advisories, or with one that is too old.
    DatabasePolicy {
        /// It is said, and tolerated.
        IfPresent = "if-present",
        /// The run is incomplete.
        Required = "required",
    }
}

words! {
    /// What is made of client configurations in the project that start servers past the lock.
    ClientsPolicy {
        /// They are not read.
        Off = "off",
        /// They are shown.
        Warn = "warn",
        /// The gate says no.
        Deny = "deny",
    }
}
