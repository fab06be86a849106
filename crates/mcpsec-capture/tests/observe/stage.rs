//! A launcher for tests: the least that the observer needs of one.
use std::{
    ffi::CString,
    fs::File,
    io::{self, Read as _},
    net::{TcpListener, UdpSocket},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use mcpsec_capture::observe::{
    Reach, Rules, SHARED_NETWORK_ENV, Sinkhole, Supervisor, Watch,
    canaries::{self, Trap},
    handover,
};
use mcpsec_model::capture::Observed;
use tempfile::TempDir;

/// How long any test program may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place where one program is run and watched.
pub(crate) struct Stage {
    pub(crate) home: TempDir,
    pub(crate) watch: Watch,
    pub(crate) rules: Rules,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) observed: Observed,
    pub(crate) said: String,
    pub(crate) took: Duration,
}

/// Python, if it is here.
pub(crate) fn python() -> Option<PathBuf> {
    ["/usr/bin/python3", "/usr/local/bin/python3"].map(PathBuf::from).into_iter().find(|path| path.exists())
}

pub(crate) fn node() -> Option<PathBuf> {
    ["/usr/bin/node", "/usr/local/bin/node"].map(PathBuf::from).into_iter().find(|path| path.exists())
}

impl Stage {
    pub(crate) fn new(reach: Reach) -> Self {
        let home = tempfile::tempdir().expect("the test's own means work");
        let rules = Rules { home: home.path().to_owned(), ..Rules::default() };
        Self { home, watch: Watch { reach, opens: true }, rules }
    }

    /// Plants canaries and watches them.
    pub(crate) fn with_canaries(mut self) -> Self {
        let planted = canaries::plant(self.home.path(), &[3; 32]).expect("the test's own means work");
        self.rules.trap = Some(Trap::set(self.home.path(), &planted).expect("the test's own means work"));
        self
    }

    pub(crate) fn python(self, script: &str) -> Option<Outcome> {
        Some(self.run(&python()?, &["-I", "-S", "-c", script]))
    }

    pub(crate) fn run(mut self, program: &Path, args: &[&str]) -> Outcome {
        let (ours, theirs) = UnixStream::pair().expect("the test's own means work");
        ours.set_read_timeout(Some(PATIENCE)).expect("the test's own means work");
        let mut command = command(program);
        command.args(args).env_clear().env("HOME", self.home.path()).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("LC_ALL", "C.UTF-8").current_dir(self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let shared = self.watch.reach == Reach::Shared;
        if shared {
            command.env(SHARED_NETWORK_ENV.0, SHARED_NETWORK_ENV.1);
            let door = TcpListener::bind("127.0.0.1:0").expect("the test's own means work");
            self.rules.sinkhole = Some(Sinkhole::new(None, Some(door)).expect("the test's own means work"));
            self.rules.nameservers = nameservers();
        }
        let resolv = self.home.path().join(".resolv.conf");
        std::os::unix::fs::symlink("/nowhere", self.home.path().join(".link")).expect("the test's own means work");
        File::create(&resolv)
            .and_then(|mut file| io::Write::write_all(&mut file, b"nameserver 127.0.0.1\n"))
            .expect("the test's own means work");
        let watch = self.watch;
        let prepare = move || {
            if !shared {
                own_network(&resolv, &theirs)?;
            }
            no_new_privileges()?;
            handover::install_and_send(&watch, theirs.as_fd())
        };
        // SAFETY: this child runs only `prepare` before it becomes the program; glibc keeps its locks usable after fork.
        unsafe { command.pre_exec(prepare) };
        let begun = Instant::now();
        let (mut child, supervisor) = std::thread::scope(|scope| {
            // `spawn` returns when the program runs, which it may only after the supervisor said so.
            let spawned = scope.spawn(move || command.spawn());
            if !shared {
                let mut sockets = handover::receive(ours.as_fd()).expect("sockets").into_iter();
                let mut next = || -> OwnedFd { sockets.next().expect("a socket") };
                let (udp, tcp) = (UdpSocket::from(next()), TcpListener::from(next()));
                self.rules.sinkhole = Some(Sinkhole::new(Some(udp), Some(tcp)).expect("the test's own means work"));
            }
            let listener =
                handover::receive(ours.as_fd()).expect("a listener").pop().expect("the test's own means work");
            let supervisor = Supervisor::start(listener, self.watch, self.rules).expect("the test's own means work");
            (spawned.join().expect("the test's own means work").expect("the program starts"), supervisor)
        });
        let said = listen(&mut child);
        let took = begun.elapsed();
        child.wait().expect("the test's own means work");
        Outcome { observed: supervisor.finish(), said, took }
    }
}

#[expect(clippy::disallowed_methods, reason = "programs of the tests, under the filter")]
fn command(program: &Path) -> Command {
    Command::new(program)
}

/// All it says, until it ends; ended when it takes too long.
fn listen(child: &mut Child) -> String {
    let mut stdout = child.stdout.take().expect("the test's own means work");
    let (done, said) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        stdout.read_to_end(&mut text).expect("the test's own means work");
        done.send(String::from_utf8_lossy(&text).into_owned()).expect("the test's own means work");
    });
    said.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        child.kill().expect("the test's own means work");
        panic!("the program hangs")
    })
}

fn nameservers() -> Vec<std::net::IpAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let found: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("nameserver ")?.trim().parse().ok()).collect();
    if found.is_empty() { vec!["127.0.0.1".parse().expect("the test's own means work")] } else { found }
}

fn checked(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn no_new_privileges() -> io::Result<()> {
    // SAFETY: no memory is passed.
    checked(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })
}

/// A network of its own with loopback, and name servers on it.
fn own_network(resolv: &Path, channel: &UnixStream) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let (root, etc) = (c"/", c"/etc/resolv.conf");
    let resolv = CString::new(resolv.as_os_str().as_bytes())?;
    // SAFETY: all strings are C strings that outlive the calls; the request is as large as the kernel expects.
    unsafe {
        checked(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET | libc::CLONE_NEWNS))?;
        let none = std::ptr::null();
        checked(libc::mount(none, root.as_ptr(), none, libc::MS_REC | libc::MS_PRIVATE, none.cast()))?;
        checked(libc::mount(resolv.as_ptr(), etc.as_ptr(), none, libc::MS_BIND, none.cast()))?;
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as _;
        request.ifr_name[1] = b'o' as _;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as _;
        checked(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request))?;
    }
    let (udp, tcp) = (UdpSocket::bind("127.0.0.1:53")?, TcpListener::bind("127.0.0.1:53")?);
    handover::send(channel.as_fd(), &[udp.as_fd(), tcp.as_fd()])
}
