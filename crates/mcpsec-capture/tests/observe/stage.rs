//! A launcher for tests: the least that the observer needs of one.
use std::{
    ffi::CString,
    fs::File,
    io::{self, Read as _},
    net::{SocketAddr, TcpListener, UdpSocket},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{
            net::UnixStream,
            process::{CommandExt as _, ExitStatusExt as _},
        },
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
    /// Another user for the program.
    pub(crate) user: Option<u32>,
    /// Somebody else of this machine, who comes to the sinkhole's door.
    pub(crate) visitor: Option<fn(SocketAddr)>,
    /// A socket of this machine that the program has as descriptor 9.
    pub(crate) inherited: Option<OwnedFd>,
    /// Whether the supervisor has less rights than root, as in a container.
    pub(crate) weak: Weak,
}

/// What the supervisor may not.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Weak {
    #[default]
    Nothing,
    /// `pidfd_getfd`
    Duplicate,
    /// Look into processes of others, nor `pidfd_getfd`.
    Look,
    /// The same, but it has the ids of the program.
    LookAs(u32),
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) observed: Observed,
    pub(crate) said: String,
    pub(crate) took: Duration,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
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
        let device = std::os::unix::fs::MetadataExt::dev(&home.path().metadata().expect("a home"));
        let rules = Rules { home: home.path().to_owned(), scratch: Some(device), ..Rules::default() };
        Self {
            home,
            watch: Watch { reach, opens: true, connects_only: false },
            rules,
            user: None,
            visitor: None,
            inherited: None,
            weak: Weak::Nothing,
        }
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
            if let Some(visitor) = self.visitor {
                visitor(door.local_addr().expect("an address"));
            }
            self.rules.sinkhole = Some(Sinkhole::new(None, Some(door)).expect("the test's own means work"));
            self.rules.nameservers = nameservers();
        }
        let resolv = self.home.path().join(".resolv.conf");
        std::os::unix::fs::symlink("/nowhere", self.home.path().join(".link")).expect("the test's own means work");
        File::create(&resolv)
            .and_then(|mut file| io::Write::write_all(&mut file, b"nameserver 127.0.0.1\n"))
            .expect("the test's own means work");
        let (watch, user) = (self.watch, self.user);
        if let Some(user) = user {
            std::os::unix::fs::chown(self.home.path(), Some(user), Some(user)).expect("a home of its own");
        }
        let inherited = self.inherited.take();
        let prepare = move || {
            if let Some(socket) = &inherited {
                // SAFETY: no memory is passed.
                checked(unsafe { libc::dup2(socket.as_raw_fd(), 9) })?;
            }
            if !shared {
                own_network(&resolv, &theirs)?;
            }
            if let Some(user) = user {
                // SAFETY: no memory is passed.
                checked(unsafe { libc::setgroups(0, std::ptr::null()) })?;
                // SAFETY: no memory is passed.
                checked(unsafe { libc::setresgid(user, user, user) })?;
                // SAFETY: no memory is passed.
                checked(unsafe { libc::setresuid(user, user, user) })?;
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
            self.weak.take().expect("the test may weaken itself");
            let supervisor = Supervisor::start(listener, self.watch, self.rules).expect("the test's own means work");
            (spawned.join().expect("the test's own means work").expect("the program starts"), supervisor)
        });
        let said = listen(&mut child);
        let took = begun.elapsed();
        let signal = child.wait().expect("the test's own means work").signal();
        Outcome { observed: supervisor.finish(), said, took, signal }
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

impl Weak {
    /// Takes rights from this thread and those it starts.
    fn take(self) -> io::Result<()> {
        if self == Self::Nothing {
            return Ok(());
        }
        let load = |code: u32, yes, no, k| libc::sock_filter { code: code as u16, jt: yes, jf: no, k };
        let mut program = [
            load(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
            load(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, libc::SYS_pidfd_getfd as u32),
            load(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
            load(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let filter = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
        no_new_privileges()?;
        // SAFETY: the program outlives the call.
        checked(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) })?;
        if self == Self::Duplicate {
            return Ok(());
        }
        // `CAP_SYS_PTRACE` is bit 19 of the low word.
        let header: [u32; 2] = [0x2008_0522, 0];
        let mut sets = [[0_u32; 3]; 2];
        // SAFETY: header and sets have the sizes of version 3.
        unsafe {
            checked(libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) as i32)?;
            sets[0][0] &= !(1 << 19);
            checked(libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) as i32)?;
        }
        if let Self::LookAs(id) = self {
            // SAFETY: no memory is passed; the raw calls change this thread alone.
            unsafe {
                checked(libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()) as i32)?;
                checked(libc::syscall(libc::SYS_setresgid, id, id, id) as i32)?;
                checked(libc::syscall(libc::SYS_setresuid, id, id, id) as i32)?;
            }
        }
        Ok(())
    }
}
