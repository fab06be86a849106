//! Keys to sign with: files, and the user's SSH agent. The only place that reads private keys.
//!
//! A key is read only when a file is named, and an agent asked only when somebody is at the terminal or a fingerprint is named:
//! a run in CI that happens to have an agent must not sign anything.
use std::{io::IsTerminal as _, path::Path};

use mcpsec_model::approval::{Envelope, PublicKey, Signers, Statement};
use mcpsec_verify::approval::{Key, Request, SignError};
use ssh_agent_client_rs::{Client, Identity};

use crate::{cli::With, error::CommandError, files, settings::Settings};

/// Private keys are small.
const LIMIT: u64 = 64 << 10;

/// Something that can sign.
pub(crate) enum Hand {
    /// A key whose file was read.
    File(Key),
    /// A key that the agent holds.
    Agent {
        /// The connection.
        client: Box<Client>,
        /// The agent's own words for the key.
        identity: Box<Identity<'static>>,
        /// The key.
        public: PublicKey,
    },
}

impl Hand {
    /// The key that the command line names; without one, the one key of the agent that `signers` knows.
    pub(crate) fn new(settings: &Settings, with: &With, signers: &Signers) -> Result<Self, CommandError> {
        match (&with.key, &with.agent_key) {
            (Some(file), _) => Self::of_file(&settings.current_dir().join(file)),
            (None, Some(fingerprint)) => Self::of_agent(settings, |key| key.fingerprint() == *fingerprint)
                .map_err(|error| error.hint("`ssh-add -l` lists the keys of the agent")),
            (None, None) if !std::io::stdin().is_terminal() => {
                Err(CommandError::usage("standard input is no terminal, and no key is named: nothing is signed")
                    .hint("name one: --key FILE, or --agent-key SHA256:… of `ssh-add -l`"))
            }
            (None, None) => {
                let known = |key: &PublicKey| signers.signers.iter().any(|signer| signer.key == *key);
                Self::of_agent(settings, known).map_err(|error| {
                    error.hint("`ssh-add FILE` gives the agent a key; --key FILE signs with a file, --agent-key SHA256:… with one key")
                })
            }
        }
    }

    fn of_file(path: &Path) -> Result<Self, CommandError> {
        let shown = path.display();
        let text = files::read_text(path, LIMIT).map_err(|error| crate::error::io("read", path, &error))?;
        let text = text.ok_or_else(|| CommandError::usage(format!("--key {shown}: there is no such file")))?;
        Key::parse(&text).map(Self::File).map_err(|error| {
            let told = CommandError::usage(format!("--key {shown}: {error}"));
            match error {
                SignError::Encrypted => told.hint(format!(
                    "ssh-add {shown} asks for the passphrase; then --agent-key SHA256:… of `ssh-add -l`"
                )),
                SignError::Agent(_) => told.hint(format!("ssh-add {shown}, then --agent-key SHA256:… of `ssh-add -l`")),
                SignError::Public => told.hint("name the file without `.pub`"),
                SignError::Form | SignError::Kind | SignError::Failed => told,
            }
        })
    }

    fn of_agent(settings: &Settings, wanted: impl Fn(&PublicKey) -> bool) -> Result<Self, CommandError> {
        let Some(socket) = settings.ssh_agent() else {
            return Err(CommandError::usage("there is no SSH agent: SSH_AUTH_SOCK is not set"));
        };
        let failed = |error: ssh_agent_client_rs::Error| {
            CommandError::incomplete(format!("the SSH agent at {} does not answer: {error}", socket.display()))
        };
        let mut client = Client::connect(socket).map_err(failed)?;
        let mut found: Vec<(Identity<'static>, PublicKey)> = Vec::new();
        for identity in client.list_all_identities().map_err(failed)? {
            // Certificates are another kind of key, and no approval can be signed with one.
            let Identity::PublicKey(key) = &identity else { continue };
            let Ok(blob) = key.to_bytes() else { continue };
            let Ok(public) = PublicKey::from_blob(&blob, key.comment()) else { continue };
            if wanted(&public) {
                found.push((identity, public));
            }
        }
        match found.len() {
            0 => Err(CommandError::usage("the SSH agent holds no such key")),
            1 => {
                let (identity, public) = found.remove(0);
                Ok(Self::Agent { client: Box::new(client), identity: Box::new(identity), public })
            }
            many => {
                let keys: Vec<String> = found.iter().map(|(_, key)| key.fingerprint()).collect();
                Err(CommandError::usage(format!("the SSH agent holds {many} keys of mcp-signers: {}", keys.join(", "))))
            }
        }
    }

    /// The public half.
    pub(crate) fn public(&self) -> &PublicKey {
        match self {
            Self::File(key) => key.public(),
            Self::Agent { public, .. } => public,
        }
    }

    /// Signs a statement. An agent may ask its user, or for a touch of a security key.
    pub(crate) fn sign(&mut self, statement: &Statement) -> Result<Envelope, CommandError> {
        match self {
            Self::File(key) => key.sign(statement).map_err(CommandError::bug),
            Self::Agent { client, identity, public } => {
                let request = Request::new(public, statement);
                let made = client.sign_with_ref(identity, &request.to_be_signed()).map_err(|error| {
                    CommandError::incomplete(format!("the SSH agent did not sign: {error}"))
                        .hint("agents refuse when the user says no, or a security key is not touched in time")
                })?;
                Ok(request.complete(made.algorithm().as_str(), made.as_bytes()))
            }
        }
    }
}
