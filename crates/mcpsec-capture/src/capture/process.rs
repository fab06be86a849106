//! One process of a capture: start it, greet it, hear its lists, end it.
use std::{
    collections::BTreeMap,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use mcpsec_model::{
    capture::Observed,
    manifest::{Kind, Manifest},
    text::Untrusted,
};
use smol_str::SmolStr;

use super::{CaptureError, Failure};
use crate::{
    mcp::{Approach, Bounds, Client, Era, Greeting, Hello, Identity, Lists, McpError, Siblings},
    sandbox::{Ended, Plan, Running, Sandbox},
};

/// How long a program that closed its output may take to end, so that its exit code is known.
const GRACE: Duration = Duration::from_millis(500);
/// How long the rest of stderr is waited for once the program has ended.
const STDERR: Duration = Duration::from_millis(200);
/// A greeting can ask for another process at most this often.
const STARTS: usize = 3;

/// What all processes of one capture share.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) plan: &'a Plan,
    pub(super) sandbox: &'a Sandbox,
    pub(super) bounds: &'a Bounds,
    pub(super) siblings: Arc<Siblings>,
}

/// What is asked of one process.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// How it is greeted.
    pub(super) approach: Approach,
    /// As whom.
    pub(super) identity: Identity,
    /// Whether every list is asked for twice.
    pub(super) again: bool,
    /// As whom it is asked once more, if it speaks without a session, so that one process can hear several clients.
    pub(super) other: Option<Identity>,
    /// Whether it is asked, at the end, for lists that it did not declare.
    pub(super) undeclared: bool,
}

/// What one client was told.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Told {
    /// The version of the protocol.
    pub(super) protocol: SmolStr,
    /// The words.
    pub(super) manifest: Manifest,
    /// Lists that it refused to tell, with the code of its error.
    pub(super) refused: BTreeMap<Kind, i64>,
}

/// What one process said and did.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Heard {
    /// At first.
    pub(super) told: Told,
    /// When asked again.
    pub(super) again: Option<Told>,
    /// To the other client.
    pub(super) other: Option<Told>,
    /// To clients that ask for lists without looking whether there are any.
    pub(super) undeclared: Option<Manifest>,
    /// What it tried.
    pub(super) observed: Observed,
}

impl Part {
    /// Runs the process, or another one where the first is of no use.
    pub(super) fn hear(&self, start: &Start<'_>) -> Result<Heard, CaptureError> {
        let mut observed = Observed::default();
        let mut approach = self.approach;
        for _ in 0..STARTS {
            match self.once(approach, start, &mut observed) {
                Ok(Ok(heard)) => return Ok(Heard { observed, ..heard }),
                Ok(Err(next)) => approach = next,
                Err(error) => return Err(CaptureError { observed, ..error }),
            }
        }
        let failure = McpError::NotMcp("it answers differently each time it is started".to_owned()).into();
        Err(CaptureError { observed, ..CaptureError::new(failure) })
    }

    /// One process. `Ok(Err(…))`: start another one, and greet it like that.
    fn once(
        &self,
        approach: Approach,
        start: &Start<'_>,
        observed: &mut Observed,
    ) -> Result<Result<Heard, Approach>, CaptureError> {
        let mut running = start.sandbox.spawn(start.plan).map_err(|error| CaptureError::new(Failure::Start(error)))?;
        let mut client = self.client(&mut running, start)?;
        #[cfg(target_os = "linux")]
        let canaries = std::mem::take(&mut running.canaries);
        let words = self.talk(approach, &mut client);
        client.close();
        // A program that closed its output is about to end, and its exit code says why. Any other is ended at once.
        let closed = matches!(words, Err(Failure::Protocol(McpError::Closed { .. })));
        let (patience, closing) = (if closed { GRACE } else { Duration::ZERO }, Instant::now());
        let ended = running.finish(patience).map_err(|error| CaptureError::new(Failure::Lost(error)))?;
        let by_itself = closed && closing.elapsed() < patience;
        observed.merge(ended.observed.clone());
        #[cfg(target_os = "linux")]
        observed.canaries.extend(repeated(&canaries, &words, &client.stderr(STDERR)));
        words.map_err(|failure| {
            let stderr = Untrusted::new(String::from_utf8_lossy(&client.stderr(STDERR)));
            CaptureError { stderr, ..CaptureError::new(told_by_end(failure, &ended, by_itself)) }
        })
    }

    fn client(&self, running: &mut Running, start: &Start<'_>) -> Result<Client, CaptureError> {
        match (running.stdin.take(), running.stdout.take(), running.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => {
                let client = Client::new((stdin, stdout, stderr), self.identity.clone(), start.bounds.clone());
                Ok(client.among(Arc::clone(&start.siblings)))
            }
            _ => Err(CaptureError::new(Failure::Lost(io::Error::other("its streams are no pipes")))),
        }
    }

    fn talk(&self, approach: Approach, client: &mut Client) -> Result<Result<Heard, Approach>, Failure> {
        let hello = match client.greet(approach)? {
            Greeting::Done(hello) => hello,
            Greeting::Again(next) => return Ok(Err(next)),
        };
        let told = told(client, &hello)?;
        let again = match self.again {
            true if client.era() == Era::Modern => Some(greet_again(client)?),
            true => Some(self::told(client, &hello)?),
            false => None,
        };
        let other = match &self.other {
            Some(identity) if client.era() == Era::Modern => {
                client.identify(identity.clone());
                Some(greet_again(client)?)
            }
            _ => None,
        };
        // Last, since it may end the program.
        let undeclared = match self.undeclared {
            true => {
                let parts = client.undeclared_lists(&hello)?;
                Some(Manifest::new(parts)?)
            }
            false => None,
        };
        tracing::debug!(counts = ?client.counts(), protocol = %hello.protocol, "heard a server out");
        Ok(Ok(Heard { told, again, other, undeclared, observed: Observed::default() }))
    }
}

/// Ends the name of a canary whose secret was told, not only read.
pub(super) const TOLD: &str = " (told in an answer)";

/// The canaries whose secrets stand in what a program said.
#[cfg(target_os = "linux")]
fn repeated(
    canaries: &[crate::observe::canaries::Canary],
    words: &Result<Result<Heard, Approach>, Failure>,
    stderr: &[u8],
) -> Vec<Untrusted> {
    if canaries.is_empty() {
        return Vec::new();
    }
    let mut said = stderr.to_vec();
    if let Ok(Ok(heard)) = words {
        let told = [Some(&heard.told), heard.again.as_ref(), heard.other.as_ref()].into_iter().flatten();
        let manifests = told.map(|told| &told.manifest).chain(heard.undeclared.as_ref());
        for manifest in manifests {
            // Decoded texts, so that no escape of JSON stands inside a secret.
            for text in manifest.texts() {
                said.push(b'\n');
                said.extend_from_slice(text.text.as_bytes());
            }
        }
    }
    let names = crate::observe::canaries::leaked(canaries, &said);
    names.into_iter().map(|name| Untrusted::new(format!("{name}{TOLD}"))).collect()
}

/// Without a session a server can also greet differently the second time.
fn greet_again(client: &mut Client) -> Result<Told, Failure> {
    let hello = client.discover_again()?;
    told(client, &hello)
}

fn told(client: &mut Client, hello: &Hello) -> Result<Told, Failure> {
    let Lists { parts, refused } = client.lists(hello)?;
    Ok(Told { protocol: hello.protocol.clone(), manifest: Manifest::new(parts)?, refused })
}

/// A failure as the end of the program explains it.
fn told_by_end(failure: Failure, ended: &Ended, by_itself: bool) -> Failure {
    match failure {
        Failure::Protocol(McpError::Closed { .. } | McpError::NoAnswer { .. }) if ended.limit.is_some() => {
            ended.limit.map_or(failure, Failure::Limit)
        }
        Failure::Protocol(McpError::Closed { method }) if by_itself => {
            Failure::ExitedEarly { method, code: ended.status.code(), signal: signal(&ended.status) }
        }
        failure => failure,
    }
}

#[cfg(unix)]
fn signal(status: &std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(status)
}

#[cfg(not(unix))]
fn signal(_status: &std::process::ExitStatus) -> Option<i32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

    use super::*;
    use crate::sandbox::Limit;

    #[test]
    fn an_end_explains_what_is_missing() {
        let ended = |raw: i32, limit: Option<Limit>| Ended {
            status: ExitStatus::from_raw(raw),
            limit,
            observed: Observed::default(),
        };
        let closed = || Failure::Protocol(McpError::Closed { method: "initialize" });
        let silent = || Failure::Protocol(McpError::NoAnswer { method: "initialize", after: GRACE });
        for (failure, ended, by_itself, told) in [
            (closed(), ended(3 << 8, None), true, "it ended with code 3 before it answered `initialize`"),
            (closed(), ended(11, None), true, "it ended by signal 11 before it answered `initialize`"),
            // It was ended here, so its signal says nothing.
            (closed(), ended(9, None), false, "it closed its output before it answered `initialize`"),
            (closed(), ended(9, Some(Limit::Memory)), true, "it was ended because it used too much memory"),
            (silent(), ended(9, Some(Limit::Wall)), false, "it was ended because it used too much time"),
            (silent(), ended(9, None), false, "it did not answer `initialize` within 500.0ms"),
            // What it said is what counts, however it ended.
            (
                Failure::Protocol(McpError::LineTooLong(1)),
                ended(9, Some(Limit::Cpu)),
                false,
                "it wrote a line of more than 1 bytes",
            ),
        ] {
            assert_eq!(told_by_end(failure, &ended, by_itself).to_string(), told);
        }
    }
}
