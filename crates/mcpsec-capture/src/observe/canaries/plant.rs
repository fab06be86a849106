//! Writes the canaries. Their forms are the real ones, their contents are drawn from the seed, and their hosts do not exist.
use std::{io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Canary, Source};

/// Writes all canaries into a fresh home, mode 0600 as the real ones have it, and gives what was written. A file that is
/// there already is left alone and is an error: it would be someone's.
///
/// # Errors
/// A file exists, or could not be written.
pub fn plant(home: &Path, seed: &[u8; 32]) -> io::Result<Vec<Canary>> {
    let mut planted = Vec::new();
    for (path, text, secrets) in make_all(seed) {
        write(&home.join(path), &text)?;
        planted.push(Canary { path, secrets });
    }
    Ok(planted)
}

/// What [`plant`] writes for this seed, without writing it: for the process that did not write it.
pub fn planted(seed: &[u8; 32]) -> Vec<Canary> {
    make_all(seed).into_iter().map(|(path, _, secrets)| Canary { path, secrets }).collect()
}

fn make_all(seed: &[u8; 32]) -> Vec<Made> {
    let mut source = Source::new(seed);
    [ssh_key, aws, npm, netrc, git_host, kubernetes, docker, env, cursor, browser, wallet, pypi, git_credentials]
        .into_iter()
        .map(|make| make(&mut source))
        .collect()
}

type Made = (&'static str, Vec<u8>, Vec<String>);

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    use io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    options.open(path)?.write_all(text)
}

/// A private key in OpenSSH's form (PROTOCOL.key), whose numbers are drawn and fit no public key.
fn ssh_key(source: &mut Source<'_>) -> Made {
    let mut inner = Vec::new();
    let string = |into: &mut Vec<u8>, text: &[u8]| {
        into.extend(u32::try_from(text.len()).unwrap_or_default().to_be_bytes());
        into.extend_from_slice(text);
    };
    let (check, public, private) = (source.bytes(4), source.bytes(32), source.bytes(32));
    let mut public_blob = Vec::new();
    string(&mut public_blob, b"ssh-ed25519");
    string(&mut public_blob, &public);
    inner.extend([&check[..], &check].concat());
    string(&mut inner, b"ssh-ed25519");
    string(&mut inner, &public);
    string(&mut inner, &[&private[..], &public].concat());
    string(&mut inner, b"user@workstation");
    inner.extend((1..).take((8 - inner.len() % 8) % 8));
    let mut key = b"openssh-key-v1\0".to_vec();
    string(&mut key, b"none");
    string(&mut key, b"none");
    string(&mut key, b"");
    key.extend(1_u32.to_be_bytes());
    string(&mut key, &public_blob);
    string(&mut key, &inner);
    let body = STANDARD.encode(key);
    let lines: Vec<String> =
        body.as_bytes().chunks(70).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let text =
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", lines.join("\n"));
    // The first line is the same in every such key, the second begins with the public half.
    let secrets = lines.into_iter().skip(1).filter(|line| line.len() >= 16).collect();
    (".ssh/id_ed25519", text.into_bytes(), secrets)
}

fn aws(source: &mut Source<'_>) -> Made {
    let (id, secret) = (format!("AKIA{}", source.capitals(16)), source.letters(40));
    let text =
        format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\nregion = eu-central-1\n");
    (".aws/credentials", text.into_bytes(), vec![id, secret])
}

fn npm(source: &mut Source<'_>) -> Made {
    let token = format!("npm_{}", source.letters(36));
    let text = format!("//npm.internal.invalid/:_authToken={token}\nalways-auth=true\n");
    (".npmrc", text.into_bytes(), vec![token])
}

fn netrc(source: &mut Source<'_>) -> Made {
    let password = source.letters(28);
    let text = format!("machine git.internal.invalid\n  login user\n  password {password}\n");
    (".netrc", text.into_bytes(), vec![password])
}

fn git_host(source: &mut Source<'_>) -> Made {
    let token = format!("gho_{}", source.letters(36));
    let text = format!("git.internal.invalid:\n    user: user\n    oauth_token: {token}\n    git_protocol: https\n");
    (".config/gh/hosts.yml", text.into_bytes(), vec![token])
}

fn kubernetes(source: &mut Source<'_>) -> Made {
    let token = source.letters(64);
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: production\n  cluster:\n    server: \
         https://kube.internal.invalid:6443\ncontexts:\n- name: production\n  context:\n    cluster: production\n    user: \
         admin\ncurrent-context: production\nusers:\n- name: admin\n  user:\n    token: {token}\n"
    );
    (".kube/config", text.into_bytes(), vec![token])
}

fn docker(source: &mut Source<'_>) -> Made {
    let password = source.letters(32);
    let auth = STANDARD.encode(format!("user:{password}"));
    let text = format!(
        "{{\n  \"auths\": {{\n    \"images.internal.invalid\": {{\n      \"auth\": \"{auth}\"\n    }}\n  }}\n}}\n"
    );
    (".docker/config.json", text.into_bytes(), vec![auth, password])
}

fn env(source: &mut Source<'_>) -> Made {
    let (key, password) = (format!("sk-proj-{}", source.letters(48)), source.letters(24));
    let text = format!("OPENAI_API_KEY={key}\nDATABASE_URL=postgres://app:{password}@db.internal.invalid:5432/app\n");
    (".env", text.into_bytes(), vec![key, password])
}

fn cursor(source: &mut Source<'_>) -> Made {
    let token = format!("ghp_{}", source.letters(36));
    let text = format!(
        "{{\n  \"mcpServers\": {{\n    \"git\": {{\n      \"command\": \"git-mcp\",\n      \"env\": {{ \"GIT_TOKEN\": \
         \"{token}\" }}\n    }}\n  }}\n}}\n"
    );
    (".cursor/mcp.json", text.into_bytes(), vec![token])
}

/// A database header and one row's text; nothing that opens it for real finds more.
fn browser(source: &mut Source<'_>) -> Made {
    let password = source.letters(24);
    let mut text = b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20".to_vec();
    text.resize(4096 - 128, 0);
    text.extend_from_slice(format!("https://bank.internal.invalid/login\0user\0v10{password}").as_bytes());
    text.resize(4096, 0);
    (".config/google-chrome/Default/Login Data", text, vec![password])
}

fn wallet(source: &mut Source<'_>) -> Made {
    let (cipher, salt) = (source.hexadecimal(64), source.hexadecimal(64));
    let text = format!(
        "{{\"version\":3,\"address\":\"{}\",\"crypto\":{{\"cipher\":\"aes-128-ctr\",\"ciphertext\":\"{cipher}\",\"kdf\":\
         \"scrypt\",\"kdfparams\":{{\"dklen\":32,\"n\":262144,\"p\":1,\"r\":8,\"salt\":\"{salt}\"}}}}}}\n",
        source.hexadecimal(40)
    );
    (".ethereum/keystore/UTC--2024-03-01T09-12-44.0Z--main", text.into_bytes(), vec![cipher, salt])
}

fn pypi(source: &mut Source<'_>) -> Made {
    let token = format!("pypi-{}", source.letters(64));
    let text = format!(
        "[distutils]\nindex-servers = internal\n\n[internal]\nrepository = https://py.internal.invalid/\nusername = __token__\npassword = {token}\n"
    );
    (".pypirc", text.into_bytes(), vec![token])
}

fn git_credentials(source: &mut Source<'_>) -> Made {
    let token = source.letters(40);
    let text = format!("https://user:{token}@git.internal.invalid\n");
    (".git-credentials", text.into_bytes(), vec![token])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canaries_are_planted_and_fixed_by_the_seed() {
        let (one, two, three) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = plant(one.path(), &[7; 32]).unwrap();
        assert_eq!(first, plant(two.path(), &[7; 32]).unwrap());
        assert_eq!(first, planted(&[7; 32]));
        let other = plant(three.path(), &[8; 32]).unwrap();
        for (canary, other) in first.iter().zip(&other) {
            let text = std::fs::read(one.path().join(canary.path)).unwrap();
            assert!(!canary.secrets.is_empty());
            assert!(canary.secrets.iter().all(|secret| secret.len() >= 16 && !other.secrets.contains(secret)));
            let found = |secret: &String| text.windows(secret.len()).any(|window| window == secret.as_bytes());
            // A secret may stand in its file only encoded.
            assert!(canary.secrets.iter().any(found), "{}", canary.path);
            assert_eq!(super::super::leaked(&first, &text), vec![canary.name()]);
        }
    }

    #[test]
    fn a_file_that_exists_is_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        drop(plant(home.path(), &[7; 32]).unwrap());
        let error = plant(home.path(), &[9; 32]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
