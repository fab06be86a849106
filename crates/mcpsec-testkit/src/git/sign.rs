//! Signed tags and commits: an SSH key made for the test, and signatures as git makes them.
//!
//! git signs the object without its signature in the namespace `git` (`gpg.format=ssh`): a tag carries the armoured signature
//! after its message, a commit in its `gpgsig` header.
use std::{fs, io::Write as _, path::PathBuf, sync::Arc};

use tempfile::TempDir;

use super::{Change, GitRepo};
use crate::program::{Running, command, find};

/// An Ed25519 key without a passphrase. Another one in every run, so ids of signed objects vary. Clones share it.
#[derive(Clone)]
pub struct SshSigner {
    folder: Arc<TempDir>,
}

impl Default for SshSigner {
    fn default() -> Self {
        Self::new()
    }
}

impl SshSigner {
    /// Whether `ssh-keygen` is there; without it there are no signers.
    pub fn available() -> bool {
        find("ssh-keygen").is_some()
    }

    /// A new key.
    pub fn new() -> Self {
        Self::of(&["-t", "ed25519"], "")
    }

    /// A new key of another kind, as ssh-keygen's options ask for it (`-t ecdsa -b 384`), with a passphrase unless empty.
    pub fn of(kind: &[&str], passphrase: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("ssh-key").tempdir().expect("a temporary folder");
        let this = Self { folder: Arc::new(folder) };
        let key = this.key_file();
        let key = key.to_string_lossy();
        let mut args = vec!["-q"];
        args.extend_from_slice(kind);
        args.extend_from_slice(&["-N", passphrase, "-C", "testkit", "-f", &key]);
        keygen(&args, b"");
        this
    }

    /// The private key's file, for programs that sign by themselves (`git -c user.signingkey=…`).
    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// The public key, `ssh-ed25519 AAAA…` without a comment.
    pub fn public_key(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("key.pub")).expect("the public key");
        text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// A line of an allowed-signers file that lets `principal` sign git objects with this key.
    pub fn allowed_signers(&self, principal: &str) -> String {
        format!("{principal} namespaces=\"git\" {}\n", self.public_key())
    }

    /// The armoured signature (`SSHSIG`) of a payload in a namespace.
    pub fn sign(&self, namespace: &str, payload: &[u8]) -> String {
        let key = self.key_file();
        keygen(&["-q", "-Y", "sign", "-n", namespace, "-f", &key.to_string_lossy()], payload)
    }

    /// What ssh-keygen itself says about an armoured signature: whether it holds for this key, as `principal`.
    pub fn accepts(&self, principal: &str, namespace: &str, payload: &[u8], signature: &str) -> bool {
        let allowed = self.folder.path().join("allowed");
        let signed = self.folder.path().join("payload.sig");
        let put = |path: &std::path::Path, text: &str| {
            fs::File::create(path)
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .expect("a file of the test's own")
        };
        put(&allowed, &format!("{principal} {}\n", self.public_key()));
        put(&signed, signature);
        let (allowed, signed) = (allowed.to_string_lossy(), signed.to_string_lossy());
        let mut command = command(find("ssh-keygen").expect("ssh-keygen is installed and on PATH"));
        command.args(["-Y", "verify", "-f", &allowed, "-I", principal, "-n", namespace, "-s", &signed]);
        Running::start(command, Some(payload.to_vec())).wait().code == Some(0)
    }
}

/// An SSH agent of the test's own. It ends when this is dropped.
pub struct SshAgent {
    folder: TempDir,
    running: Option<Running>,
}

impl SshAgent {
    /// Starts one that holds these keys; `None` if the programs are not installed.
    pub fn start(keys: &[&SshSigner]) -> Option<Self> {
        let (agent, add) = (find("ssh-agent")?, find("ssh-add")?);
        let folder = tempfile::Builder::new().prefix("agent").tempdir().expect("a temporary folder");
        let socket = folder.path().join("socket");
        let mut start = command(agent);
        start.arg("-D").arg("-a").arg(&socket);
        let this = Self { running: Some(Running::start(start, None)), folder };
        for key in keys {
            // Keys that others could read are refused, and the agent may need a moment until it listens.
            let added = (0..200).any(|_| {
                let mut add = command(&add);
                add.arg(key.key_file()).env("SSH_AUTH_SOCK", &socket);
                let done = Running::start(add, None).wait();
                std::thread::sleep(std::time::Duration::from_millis(if done.code == Some(0) { 0 } else { 20 }));
                done.code == Some(0)
            });
            assert!(added, "ssh-add");
        }
        Some(this)
    }

    /// `SSH_AUTH_SOCK`.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill();
        }
    }
}

impl GitRepo {
    /// A signed annotated tag; an existing one is moved. Returns the id of the tag object.
    pub fn signed_tag(&self, name: &str, commit: &str, message: &str, signer: &SshSigner) -> String {
        let payload = self.tag_text(name, commit, message);
        let tag = format!("{payload}{}", signer.sign("git", payload.as_bytes()));
        let id = self.raw_object("tag", tag.as_bytes());
        self.set_ref(&format!("refs/tags/{name}"), &id);
        id
    }

    /// Commits changes on a branch with a signed commit; returns its id.
    pub fn signed_commit(&self, branch: &str, message: &str, changes: &[Change], signer: &SshSigner) -> String {
        let unsigned = self.commit_on(branch, message, changes);
        let payload = self.object("commit", &unsigned);
        let head = payload.windows(2).position(|pair| pair == b"\n\n").expect("a commit has a header") + 1;
        // Lines after the first of a header are indented by one space.
        let signature = signer.sign("git", &payload).trim_end().replace('\n', "\n ");
        let mut commit = payload.get(..head).unwrap_or_default().to_vec();
        commit.extend(format!("gpgsig {signature}\n").bytes());
        commit.extend_from_slice(payload.get(head..).unwrap_or_default());
        let id = self.raw_object("commit", &commit);
        self.branch(branch, &id);
        id
    }
}

fn keygen(args: &[&str], input: &[u8]) -> String {
    let program = find("ssh-keygen").expect("ssh-keygen is installed and on PATH");
    let mut command = command(program);
    command.args(args);
    let done = Running::start(command, Some(input.to_vec())).wait();
    assert_eq!(done.code, Some(0), "ssh-keygen: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{super::git, *};

    #[test]
    fn git_itself_takes_the_signatures() {
        if !SshSigner::available() {
            println!("skipped: no ssh-keygen");
            return;
        }
        let (repo, signer) = (GitRepo::new(), SshSigner::new());
        let changes = [Change::File("a".into(), b"1".to_vec())];
        let commit = repo.signed_commit("main", "first\n\ntext", &changes, &signer);
        let tag = repo.signed_tag("v1", &commit, "one", &signer);
        repo.annotated_tag("plain", &commit, "none");
        assert_eq!(repo.resolve("main"), Some(commit.clone()));
        assert_eq!(repo.object("tag", &tag), repo.object("tag", "v1"));
        let signers = signer.folder.path().join("allowed");
        let allow = |signer: &SshSigner| {
            let line = signer.allowed_signers("testkit@example.invalid");
            fs::File::create(&signers).and_then(|mut file| file.write_all(line.as_bytes())).expect("allowed signers");
        };
        allow(&signer);
        let verify = |what: &str, name: &str| {
            let allowed = format!("gpg.ssh.allowedSignersFile={}", signers.display());
            let program = format!("gpg.ssh.program={}", find("ssh-keygen").expect("ssh-keygen").display());
            git(repo.path(), &["-c", "gpg.format=ssh", "-c", &program, "-c", &allowed, what, name], Vec::new(), None)
                .code
        };
        assert_eq!(verify("verify-commit", &commit), Some(0));
        assert_eq!(verify("verify-tag", "v1"), Some(0));
        assert_ne!(verify("verify-tag", "plain"), Some(0));
        allow(&SshSigner::new());
        assert_ne!(verify("verify-tag", "v1"), Some(0), "another key");
    }
}
