//! What modules and functions do: a table from where a value comes from to deeds.
use super::super::facts::Deed;

/// Modules that do something by being there at all, by the name of their package.
const MODULES: &[(&str, Deed)] = &[
    ("child_process", Deed::Process),
    ("execa", Deed::Process),
    ("cross-spawn", Deed::Process),
    ("shelljs", Deed::Process),
    ("node-pty", Deed::Process),
    ("zx", Deed::Process),
    ("tinyexec", Deed::Process),
    ("nano-spawn", Deed::Process),
    ("sudo-prompt", Deed::Process),
    ("http2", Deed::Network),
    ("dgram", Deed::Network),
    ("undici", Deed::Network),
    ("axios", Deed::Network),
    ("got", Deed::Network),
    ("node-fetch", Deed::Network),
    ("cross-fetch", Deed::Network),
    ("isomorphic-fetch", Deed::Network),
    ("request", Deed::Network),
    ("request-promise", Deed::Network),
    ("superagent", Deed::Network),
    ("needle", Deed::Network),
    ("ws", Deed::Network),
    ("nodemailer", Deed::Network),
    ("postmark", Deed::Network),
    ("@sendgrid/mail", Deed::Network),
    ("mailgun.js", Deed::Network),
    ("resend", Deed::Network),
    ("ky", Deed::Network),
    ("ofetch", Deed::Network),
    ("phin", Deed::Network),
    ("socket.io-client", Deed::Network),
    ("ssh2", Deed::Network),
    ("basic-ftp", Deed::Network),
    ("mqtt", Deed::Network),
    ("@octokit/rest", Deed::Network),
    ("form-data", Deed::Network),
    ("vm", Deed::DynamicCode),
    ("vm2", Deed::DynamicCode),
    ("isolated-vm", Deed::DynamicCode),
    ("crypto", Deed::Crypto),
    ("crypto-js", Deed::Crypto),
    ("node-forge", Deed::Crypto),
    ("tweetnacl", Deed::Crypto),
    ("libsodium-wrappers", Deed::Crypto),
    ("ffi-napi", Deed::Native),
    ("koffi", Deed::Native),
    ("ref-napi", Deed::Native),
    ("bindings", Deed::Native),
    ("node-gyp-build", Deed::Native),
    ("bun:ffi", Deed::Native),
    ("clipboardy", Deed::Spying),
    ("copy-paste", Deed::Spying),
    ("screenshot-desktop", Deed::Spying),
    ("iohook", Deed::Spying),
    ("uiohook-napi", Deed::Spying),
    ("node-global-key-listener", Deed::Spying),
    ("robotjs", Deed::Spying),
    ("@nut-tree/nut-js", Deed::Spying),
    ("keytar", Deed::Spying),
    ("require-in-the-middle", Deed::Patching),
    ("import-in-the-middle", Deed::Patching),
    ("pirates", Deed::Patching),
];

/// Modules that do different things: what they do is told by which of their functions are called.
pub(super) const BROAD: &[&str] = &[
    "fs",
    "fs/promises",
    "http",
    "https",
    "net",
    "tls",
    "dns",
    "dns/promises",
    "fs-extra",
    "graceful-fs",
    "node:test",
];

/// The name of a module as it is looked up: without `node:`, with the path inside of the package only for those of the runtime.
pub(super) fn module(specifier: &str) -> &str {
    specifier.strip_prefix("node:").unwrap_or(specifier)
}

/// The package that a specifier loads: `None` for files of the same package.
pub(super) fn package(specifier: &str) -> Option<&str> {
    let name = module(specifier);
    if name.is_empty()
        || name.starts_with(['.', '/', '#', '\\', '~'])
        || name.contains(['\u{fffc}', ' ', '\n', ':', '?', '!']) && !name.starts_with("bun:")
    {
        return None;
    }
    if name.len() > 214 {
        return None;
    }
    let parts = if name.starts_with('@') { 2 } else { 1 };
    let end = name.match_indices('/').nth(parts - 1).map_or(name.len(), |(at, _)| at);
    Some(&name[..end])
}

/// What loading a module means.
pub(super) fn deed_of_module(module: &str) -> Option<Deed> {
    let name = package(module).unwrap_or(module);
    if module.ends_with(".node") {
        return Some(Deed::Native);
    }
    MODULES.iter().find(|(known, _)| *known == name).map(|(_, deed)| *deed)
}

/// What a broad module does when nobody can tell which of its functions are called.
pub(super) fn deeds_of_broad(module: &str) -> &'static [Deed] {
    match module {
        "fs" | "fs/promises" | "fs-extra" | "graceful-fs" => &[Deed::ReadFiles, Deed::WriteFiles],
        "http" | "https" | "net" | "tls" => &[Deed::Network],
        "dns" | "dns/promises" => &[Deed::Dns],
        _ => &[],
    }
}

/// What calling or making something means, by where it comes from.
pub(super) fn deed_of_call(path: &str) -> Option<Deed> {
    let (root, rest) = split(path);
    Some(match root {
        "fs" | "fs/promises" | "fs-extra" | "graceful-fs" => return file(rest),
        "http" | "https" => match last(rest) {
            "request" | "get" | "createServer" | "ClientRequest" => Deed::Network,
            _ => return None,
        },
        "net" | "tls" => match last(rest) {
            "connect" | "createConnection" | "createServer" | "Socket" | "TLSSocket" => Deed::Network,
            _ => return None,
        },
        "dns" | "dns/promises" => Deed::Dns,
        "fetch" | "XMLHttpRequest" | "WebSocket" | "EventSource" | "WebTransport" | "RTCPeerConnection" => {
            Deed::Network
        }
        "navigator" => match rest {
            "sendBeacon" => Deed::Network,
            rest if rest.starts_with("clipboard.read") || rest.starts_with("mediaDevices.get") => Deed::Spying,
            _ => return None,
        },
        "Bun" => match last(rest) {
            "spawn" | "spawnSync" | "$" => Deed::Process,
            "connect" | "listen" | "serve" => Deed::Network,
            "file" => Deed::ReadFiles,
            "write" => Deed::WriteFiles,
            _ => return None,
        },
        "Deno" => match last(rest) {
            "Command" | "run" => Deed::Process,
            "connect" | "connectTls" | "listen" | "serve" => Deed::Network,
            "resolveDns" => Deed::Dns,
            "dlopen" => Deed::Native,
            name if name.starts_with("read") || name == "open" => Deed::ReadFiles,
            name if name.starts_with("write") || name.starts_with("remove") || name == "rename" || name == "mkdir" => {
                Deed::WriteFiles
            }
            _ => return None,
        },
        "eval" | "Function" => Deed::DynamicCode,
        "vm" => Deed::DynamicCode,
        "process" => match rest {
            "dlopen" | "binding" | "_linkedBinding" => Deed::Native,
            "kill" => return None,
            _ => return None,
        },
        "module" => match rest {
            "_load" | "Module._load" | "prototype._compile" | "_compile" => Deed::DynamicImport,
            "register" | "registerHooks" => Deed::Patching,
            _ => return None,
        },
        _ => return if rest.is_empty() || !rest.contains("()") { deed_of_module(root) } else { None },
    })
}

fn file(rest: &str) -> Option<Deed> {
    let name = last(rest);
    let name = name.strip_suffix("Sync").unwrap_or(name);
    Some(match name {
        "readFile" | "createReadStream" | "open" | "openAsBlob" | "readdir" | "opendir" | "read" | "readv"
        | "readJson" | "readJSON" | "readlink" | "glob" | "watch" | "watchFile" | "ReadStream" => Deed::ReadFiles,
        "writeFile" | "appendFile" | "createWriteStream" | "write" | "writev" | "mkdir" | "mkdtemp" | "rm"
        | "rmdir" | "unlink" | "rename" | "copyFile" | "cp" | "symlink" | "link" | "chmod" | "fchmod" | "lchmod"
        | "chown" | "fchown" | "truncate" | "ftruncate" | "utimes" | "futimes" | "outputFile" | "outputJson"
        | "writeJson" | "writeJSON" | "move" | "copy" | "remove" | "ensureDir" | "ensureFile" | "mkdirp"
        | "emptyDir" | "WriteStream" => Deed::WriteFiles,
        _ => return None,
    })
}

/// Whether a call writes text to a file whose name is its first argument.
pub(super) fn writes_named_file(path: &str) -> bool {
    let name = last(split(path).1);
    let name = name.strip_suffix("Sync").unwrap_or(name);
    deed_of_call(path) == Some(Deed::WriteFiles)
        && matches!(
            name,
            "writeFile"
                | "appendFile"
                | "createWriteStream"
                | "outputFile"
                | "outputJson"
                | "writeJson"
                | "write"
                | "copyFile"
                | "cp"
                | "copy"
        )
}

/// Whether a call sends what it is given, or gives what it is sent.
pub(super) fn reaches_network(path: &str) -> bool {
    let (root, rest) = split(path);
    match root {
        "http" | "https" => matches!(last(rest), "request" | "get"),
        "net" | "tls" => matches!(last(rest), "connect" | "createConnection" | "Socket"),
        "navigator" => rest == "sendBeacon",
        "nodemailer" | "ws" | "form-data" => false,
        // What is resolved reaches whoever answers for the domain.
        "dns" | "dns/promises" => last(rest).starts_with("resolve") || last(rest) == "lookup",
        _ => {
            deed_of_call(path) == Some(Deed::Network)
                && !matches!(last(rest), "createServer" | "serve" | "listen" | "create" | "extend")
        }
    }
}

/// Whether a method of a connection or client sends what it is given.
pub(super) fn sends(path: &str) -> bool {
    let Some((client, method)) = path.rsplit_once('.') else { return false };
    let opened = client.strip_suffix("()").is_some_and(|made| {
        deed_of_call(made) == Some(Deed::Network)
            || matches!(made, "nodemailer.createTransport" | "form-data" | "ws" | "axios.create")
    });
    opened
        && matches!(
            method,
            "write"
                | "end"
                | "send"
                | "emit"
                | "post"
                | "put"
                | "patch"
                | "request"
                | "sendMail"
                | "publish"
                | "append"
        )
}

/// Whether a call hands back what it is given in another form: text, list or bytes.
pub(super) fn passes_on(path: &str) -> bool {
    matches!(
        path,
        "JSON.stringify"
            | "JSON.parse"
            | "Buffer.from"
            | "buffer.Buffer.from"
            | "btoa"
            | "atob"
            | "encodeURIComponent"
            | "decodeURIComponent"
            | "escape"
            | "unescape"
            | "String"
            | "Object.entries"
            | "Object.keys"
            | "Object.values"
            | "Object.assign"
            | "Object.fromEntries"
            | "structuredClone"
            | "Array.from"
            | "Buffer.concat"
            | "zlib.gzipSync"
            | "zlib.deflateSync"
            | "zlib.brotliCompressSync"
            | "util.inspect"
            | "querystring.stringify"
            | "URLSearchParams"
            | "Blob"
            | "TextEncoder().encode"
            | "TextDecoder().decode"
            | "Uint8Array"
            | "encodeURI"
    )
}

/// Whether a call of this turns what it is given into text or a list of all there is.
pub(super) fn lists(path: &str) -> bool {
    passes_on(path) && !matches!(path, "Object.assign" | "structuredClone" | "Object.fromEntries" | "Object.keys")
}

/// The first component of a path and the rest. Names of packages may hold dots, but no component of them starts with one.
pub(super) fn split(path: &str) -> (&str, &str) {
    for package in ["mailgun.js", "crypto-js", "nut.js"] {
        if let Some(rest) = path.strip_prefix(package) {
            return (package, rest.trim_start_matches('.'));
        }
    }
    match path.find(['.', '(']) {
        Some(at) => (&path[..at], path[at..].trim_start_matches(['.', '(', ')'])),
        None => (path, ""),
    }
}

fn last(rest: &str) -> &str {
    rest.rsplit('.').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        assert_eq!(deed_of_call("child_process.exec"), Some(Deed::Process));
        assert_eq!(deed_of_call("fs.promises.readFile"), Some(Deed::ReadFiles));
        assert_eq!(deed_of_call("fs.rmSync"), Some(Deed::WriteFiles));
        assert_eq!(deed_of_call("net.isIP"), None);
        assert!(reaches_network("https.request") && !reaches_network("http.createServer"));
        assert!(sends("https.request().write") && !sends("foo().write"));
        assert_eq!(package("@scope/name/sub"), Some("@scope/name"));
        assert_eq!(package("node:fs/promises"), Some("fs"));
        assert_eq!(package("./x"), None);
    }
}
