//! What well-known functions of Python do, by their dotted path. A call is written `()`: `httpx.Client().post`.
use crate::content::facts::Deed;

/// Modules whose every function reaches the network.
const NETWORK: &[&str] = &[
    "requests",
    "httpx",
    "aiohttp",
    "urllib.request",
    "urllib2",
    "urllib3",
    "http.client",
    "httplib",
    "httplib2",
    "ftplib",
    "smtplib",
    "aiosmtplib",
    "telnetlib",
    "paramiko",
    "asyncssh",
    "websocket",
    "websockets",
    "pycurl",
    "xmlrpc.client",
    "socketio",
    "tornado.httpclient",
    "treq",
    "niquests",
    "curl_cffi",
    "imaplib",
    "poplib",
    "nntplib",
];

/// Single functions that do.
const CONNECTING: &[&str] = &[
    "socket.socket",
    "socket.create_connection",
    "socket.create_server",
    "asyncio.open_connection",
    "asyncio.start_server",
    "ssl.wrap_socket",
    "urllib.urlopen",
    "urllib.urlretrieve",
    "asyncio.open_unix_connection",
];

const DNS: &[&str] = &[
    "socket.gethostbyname",
    "socket.gethostbyname_ex",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "dns.resolver",
    "dns.asyncresolver",
    "aiodns",
];

const PROCESS: &[&str] = &[
    "subprocess",
    "os.system",
    "os.popen",
    "os.popen2",
    "os.popen3",
    "os.startfile",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
    "asyncio.create_subprocess_exec",
    "asyncio.create_subprocess_shell",
    "commands",
    "pexpect",
    "plumbum",
    "sh",
    "anyio.run_process",
    "anyio.open_process",
    "trio.run_process",
    "winreg",
    "win32process",
    "platform.popen",
    "invoke.run",
];

const READING: &[&str] = &[
    "os.listdir",
    "os.walk",
    "os.scandir",
    "glob",
    "linecache",
    "fileinput",
    "io.FileIO",
    "mmap.mmap",
    "shutil.copyfileobj",
    "os.read",
    "sqlite3.connect",
    "aiosqlite.connect",
];

const WRITING: &[&str] = &[
    "os.remove",
    "os.unlink",
    "os.rename",
    "os.replace",
    "os.renames",
    "os.makedirs",
    "os.mkdir",
    "os.rmdir",
    "os.removedirs",
    "os.chmod",
    "os.chown",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.write",
    "shutil.copy",
    "shutil.copy2",
    "shutil.copyfile",
    "shutil.copytree",
    "shutil.move",
    "shutil.rmtree",
    "shutil.unpack_archive",
    "shutil.make_archive",
    "sqlite3.connect",
];

const CRYPTO: &[&str] = &[
    "cryptography",
    "Crypto",
    "Cryptodome",
    "nacl",
    "hmac",
    "hashlib",
    "jwt",
    "jose",
    "bcrypt",
    "argon2",
    "pyaes",
    "rsa",
    "ecdsa",
    "OpenSSL",
    "secrets",
];

const SPYING: &[&str] = &[
    "pyperclip",
    "pynput",
    "PIL.ImageGrab",
    "mss",
    "keyboard",
    "pyautogui",
    "pyscreenshot",
    "mouse",
    "sounddevice",
    "win32clipboard",
    "browser_cookie3",
];

const NATIVE: &[&str] = &[
    "ctypes.CDLL",
    "ctypes.PyDLL",
    "ctypes.WinDLL",
    "ctypes.OleDLL",
    "ctypes.cdll",
    "ctypes.windll",
    "ctypes.oledll",
    "ctypes.pydll",
    "cffi.FFI",
    "ctypes.util.find_library",
];

/// Whether a path is this one or below it.
pub(super) fn below(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '(']))
}

fn any(path: &str, list: &[&str]) -> bool {
    list.iter().any(|top| below(path, top))
}

/// What calling the function with this path does. Files that are opened, the environment and code are looked at where their
/// arguments are known.
pub(super) fn of_call(path: &str) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let spawning = path.strip_prefix("os.").is_some_and(|name| {
        ["exec", "spawn", "posix_spawn"].iter().any(|start| name.starts_with(start)) && !name.contains('.')
    });
    // Exceptions and names of constants reach nothing.
    let harmless = path.rsplit('.').next().is_some_and(|name| {
        name.ends_with("Error") || name.ends_with("Exception") || name.ends_with("Timeout") || name.ends_with("Warning")
    }) || path.starts_with("urllib3.util")
        || path.starts_with("urllib3.disable_warnings")
        || path.starts_with("subprocess.list2cmdline")
        || path.starts_with("requests.utils")
        || path.starts_with("secrets.compare_digest");
    if harmless {
        return deeds;
    }
    let lists: [(Deed, &[&str]); 10] = [
        (Deed::Network, NETWORK),
        (Deed::Network, CONNECTING),
        (Deed::Dns, DNS),
        (Deed::Process, PROCESS),
        (Deed::ReadFiles, READING),
        (Deed::WriteFiles, WRITING),
        (Deed::Crypto, CRYPTO),
        (Deed::Spying, SPYING),
        (Deed::Native, NATIVE),
        (
            Deed::Patching,
            &["sys.settrace", "sys.setprofile", "sys.meta_path.insert", "sys.meta_path.append", "sys.path_hooks"],
        ),
    ];
    deeds.extend(lists.into_iter().filter(|(_, list)| any(path, list)).map(|(deed, _)| deed));
    if spawning {
        deeds.push(Deed::Process);
    }
    deeds.sort();
    deeds.dedup();
    deeds
}

/// Whether what is given to this function leaves the machine.
pub(super) fn sends(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default();
    let sending = matches!(
        last,
        "post"
            | "put"
            | "patch"
            | "get"
            | "request"
            | "send"
            | "sendall"
            | "sendto"
            | "sendmail"
            | "send_message"
            | "urlopen"
            | "Request"
            | "stream"
            | "connect"
            | "delete"
            | "head"
            | "storbinary"
            | "storlines"
            | "send_json"
            | "send_str"
            | "send_bytes"
            | "open"
            | "AsyncRequest"
            | "write"
            | "options"
    );
    sending && (any(path, NETWORK) || any(path, CONNECTING))
}

/// Whether what is given to this function runs as Python.
pub(super) fn runs_code(path: &str) -> bool {
    matches!(
        path,
        "exec"
            | "eval"
            | "compile"
            | "execfile"
            | "types.FunctionType"
            | "types.CodeType"
            | "code.InteractiveInterpreter().runcode"
            | "code.InteractiveInterpreter().runsource"
            | "runpy.run_path"
            | "runpy.run_module"
            | "imp.load_source"
    )
}

/// Whether what is given to this function runs as a program.
pub(super) fn runs_programs(path: &str) -> bool {
    of_call(path).contains(&Deed::Process)
}

/// Whether the whole of what is given to this function is in its result.
pub(super) fn passes_on(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default();
    matches!(
        last,
        "dict"
            | "list"
            | "tuple"
            | "str"
            | "repr"
            | "bytes"
            | "bytearray"
            | "set"
            | "sorted"
            | "map"
            | "filter"
            | "reversed"
            | "dumps"
            | "b64encode"
            | "urlsafe_b64encode"
            | "encodebytes"
            | "hexlify"
            | "b32encode"
            | "b16encode"
            | "urlencode"
            | "quote"
            | "quote_plus"
            | "compress"
            | "join"
            | "format"
            | "encode"
            | "decode"
            | "items"
            | "values"
            | "copy"
            | "deepcopy"
            | "strip"
            | "rstrip"
            | "lstrip"
            | "replace"
            | "read"
            | "readlines"
            | "readline"
            | "read_text"
            | "read_bytes"
            | "getvalue"
            | "hex"
            | "BytesIO"
            | "StringIO"
            | "Path"
            | "expanduser"
            | "expandvars"
            | "abspath"
            | "normpath"
            | "splitlines"
            | "resolve"
            | "zip"
            | "enumerate"
            | "pformat"
            | "encrypt"
            | "dump"
    )
}

/// Whether items of what has this path are found by name: `globals()`, `vars()`, `__dict__`.
pub(super) fn namespace(path: &str) -> bool {
    matches!(path, "globals()" | "vars()" | "locals()" | "__builtins__") || path.ends_with("__dict__")
}
