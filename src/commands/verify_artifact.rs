//! `mcpsec verify-artifact FILE`: who signed one file, offline, with a Sigstore bundle or a registry's attestations.
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use mcpsec_model::{
    digest::Digest,
    evidence::{Proof, Signer, VerifiedProvenance},
    name::Ecosystem,
    package::PackageId,
};
use mcpsec_report::{ArtifactReport, Attested, Refusal};
use mcpsec_verify::{
    npm, pypi,
    sigstore::{self, Artifact, BundleError, Expect, Identity, Pattern, Rules, Signed, TrustRoot},
};

use crate::{
    cli::{Format, VerifyArtifactArgs},
    error::{self, CommandError},
    exit::{self, Code},
    files,
    settings::Settings,
    ui,
};

/// Longest bundle or response that is read from disk; what is judged is bounded further.
const DOCUMENT: u64 = 16 << 20;
/// Longest file that is checked: it is held in memory.
const LONGEST: u64 = 1 << 30;

pub(super) fn run(settings: &Settings, args: &VerifyArtifactArgs) -> Result<Code, CommandError> {
    let subject = Subject::read(&args.file)?;
    let root = root(args)?;
    let expect = expect(args)?;
    let (package, outcome) = match (&args.bundle, &args.attestations) {
        (Some(bundle), _) => (None, with_bundle(args, &subject, &root, expect.as_ref(), &document(bundle)?)?),
        (None, Some(response)) => {
            let purl = args.purl.as_deref().unwrap_or_default();
            let package =
                PackageId::from_purl(purl).map_err(|error| CommandError::usage(format!("--purl: {error}")))?;
            let outcome = with_response(&subject, &root, expect.as_ref(), &package, &document(response)?)?;
            (Some(package), outcome)
        }
        (None, None) => return Err(CommandError::bug("neither a bundle nor attestations were given")),
    };
    let (attestations, error) = match outcome {
        Ok(attested) => (attested, None),
        Err(refusal) => (vec![], Some(refusal)),
    };
    let report = ArtifactReport { file: args.file.display().to_string(), package, attestations, error };
    ui::print_data(&match settings.format {
        Format::Human => mcpsec_report::artifact(&report, settings.style()),
        Format::Json | Format::Sarif | Format::Markdown => mcpsec_report::artifact_json(&report),
    })?;
    Ok(exit::of_verdict(report.verdict()))
}

/// The file to judge.
enum Subject {
    File { name: String, bytes: Vec<u8> },
    Digest(Digest),
}

impl Subject {
    /// A digest only where no file of that name exists, so that nobody is checked for something other than what they see.
    fn read(path: &Path) -> Result<Self, CommandError> {
        match File::open(path) {
            Ok(file) => {
                let bytes = read(file).map_err(|error| error::io("read", path, &error))?;
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                Ok(Self::File { name, bytes })
            }
            Err(error) => match path.to_str().map(str::parse) {
                Some(Ok(digest)) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Digest(digest)),
                _ => Err(error::io("read", path, &error)),
            },
        }
    }

    /// The digest that an ecosystem's attestations name, and the file's name.
    fn digest(&self, algorithm: &str) -> Result<Digest, CommandError> {
        match self {
            Self::File { bytes, .. } if algorithm == "sha512" => Ok(Digest::sha512_of(bytes)),
            Self::File { bytes, .. } => Ok(Digest::sha256_of(bytes)),
            Self::Digest(digest) if digest.algorithm() == algorithm => Ok(*digest),
            Self::Digest(_) => Err(CommandError::usage(format!(
                "these attestations name a {algorithm} digest: give the file itself, or {algorithm}:HEX"
            ))),
        }
    }
}

fn read(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("larger than {LONGEST} bytes")));
    }
    Ok(bytes)
}

fn document(path: &Path) -> Result<String, CommandError> {
    match files::read_text(path, DOCUMENT) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(error::io("read", path, &io::ErrorKind::NotFound.into())),
        Err(error) => Err(error::io("read", path, &error)),
    }
}

fn root(args: &VerifyArtifactArgs) -> Result<TrustRoot, CommandError> {
    if let Some(path) = &args.trusted_root {
        return TrustRoot::from_json(&document(path)?, Rules::Logged)
            .map_err(|error| CommandError::usage(format!("{}: {error}", path.display())));
    }
    let built_in = match (args.staging, args.git_host_root) {
        (true, _) => TrustRoot::staging(),
        (_, true) => TrustRoot::git_host(),
        _ => TrustRoot::public_good(),
    };
    built_in.map_err(CommandError::bug)
}

fn expect(args: &VerifyArtifactArgs) -> Result<Option<Expect>, CommandError> {
    let identity = match (&args.identity, &args.identity_regexp) {
        (Some(name), _) => Identity::Exact(name.clone()),
        (None, Some(pattern)) => Identity::Regexp(
            Pattern::new(pattern).map_err(|error| CommandError::usage(format!("--identity-regexp: {error}")))?,
        ),
        (None, None) => return Ok(None),
    };
    let issuer = args.issuer.clone().ok_or_else(|| CommandError::usage("an identity needs its --issuer"))?;
    Ok(Some(Expect { identity, issuer }))
}

/// What holds, or why it is refused.
type Outcome = Result<Vec<Attested>, Refusal>;

fn with_bundle(
    args: &VerifyArtifactArgs,
    subject: &Subject,
    root: &TrustRoot,
    expect: Option<&Expect>,
    bundle: &str,
) -> Result<Outcome, CommandError> {
    let key = match &args.key {
        Some(path) => Some(
            sigstore::key_from_pem(&document(path)?)
                .map_err(|error| CommandError::usage(format!("{}: {error}", path.display())))?,
        ),
        None => None,
    };
    let signed = match (&key, expect) {
        (Some(key), _) => Signed::With(key),
        (None, Some(expect)) => Signed::By(expect),
        (None, None) => return Err(CommandError::usage("say who must have signed: --identity and --issuer, or --key")),
    };
    let file = match subject {
        Subject::File { bytes, .. } => Artifact::Bytes(bytes),
        Subject::Digest(digest) => Artifact::Digest(digest),
    };
    let verified = match sigstore::blob(root, bundle, file, signed) {
        Ok(verified) => verified,
        Err(error) => return Ok(Err(refusal(&error))),
    };
    let signer = match (verified.identity(), &key) {
        (Some(identity), _) => Signer::Identity(Box::new(identity.clone())),
        (None, key) => {
            let fingerprint = Digest::sha256_of(key.as_deref().unwrap_or_default()).to_hex();
            let id = verified.key_hint().unwrap_or(&fingerprint).into();
            Signer::Key { id, fingerprint: fingerprint.into(), vouched: true, principal: None }
        }
    };
    let statement = verified.statement();
    Ok(Ok(vec![Attested {
        kind: if statement.is_some() { "attestation" } else { "signature" },
        predicate_type: statement.map(|statement| statement.predicate_type().to_owned()),
        signer,
        log: Some(verified.log()),
        signed_at: verified.signed_at(),
    }]))
}

fn with_response(
    subject: &Subject,
    root: &TrustRoot,
    expect: Option<&Expect>,
    package: &PackageId,
    response: &str,
) -> Result<Outcome, CommandError> {
    let proofs = match package.ecosystem() {
        Ecosystem::Npm => {
            let digest = subject.digest("sha512")?;
            let keys = npm::KeySet::built_in();
            npm::attestations(package, &digest, response, &keys, root).map_err(|error| error.to_string())
        }
        Ecosystem::Pypi => {
            let Subject::File { name, bytes } = subject else {
                return Err(CommandError::usage("PEP 740 attests a file name too: give the file itself"));
            };
            let digest = Digest::sha256_of(bytes);
            pypi::provenance(package, name, &digest, response, root).map_err(|error| error.to_string())
        }
        Ecosystem::Git => return Err(CommandError::usage("--purl must be an npm or PyPI package")),
    };
    Ok(proofs.map_err(|message| Refusal { code: None, message }).and_then(|proofs| {
        if let Some(expect) = expect {
            demand(&proofs, expect).map_err(|error| refusal(&error))?;
        }
        Ok(proofs.into_iter().map(|proof| Attested::of(&Proof::from(proof))).collect())
    }))
}

/// Every certificate must be the expected signer's, and there must be one: a registry's key is nobody's identity.
fn demand(proofs: &[VerifiedProvenance], expect: &Expect) -> Result<(), BundleError> {
    let holders: Vec<_> = proofs.iter().filter_map(|proof| proof.signer().identity()).collect();
    if holders.is_empty() {
        return Err(BundleError::Material { expected: "certificate", found: "key" });
    }
    holders.into_iter().try_for_each(|holder| expect.demand(holder))
}

fn refusal(error: &BundleError) -> Refusal {
    Refusal { code: Some(error.code()), message: error.to_string() }
}
