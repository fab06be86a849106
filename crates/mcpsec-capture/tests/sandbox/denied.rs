//! What must be refused is refused: files, network, processes, privileges.
use std::{
    io::Read as _,
    net::{TcpListener, UdpSocket},
    os::unix::net::{UnixDatagram, UnixListener},
    time::Duration,
};

use mcpsec_capture::sandbox::{Ended, Limit};

use crate::plans::{everywhere, file, python, run, shell, watched};

/// Tries each line of python and prints the names of those that did not raise.
fn attempts(attempts: &[(&str, String)]) -> String {
    let mut script = String::from(
        "import os,socket,ctypes,signal,sys,errno\nlibc=ctypes.CDLL(None,use_errno=True)\n\
         def call(*a):\n\
         \x20r=libc.syscall(*a)\n\
         \x20if r<0: raise OSError(ctypes.get_errno(),'')\n\
         \x20return r\n",
    );
    for (name, code) in attempts {
        script += &format!("try:\n {code}\n print('DONE {name}')\nexcept BaseException as e: print('no {name}', e)\n");
    }
    script
}

fn refuse_all(list: &[(&str, String)]) {
    for (sandbox, watch) in everywhere() {
        let said = run(&sandbox, &watch(python(&attempts(list))));
        assert!(said.status.success() && !said.out.contains("DONE"), "{:?} {said:?}", sandbox.tier());
        assert_eq!(said.out.lines().count(), list.len(), "all were tried: {said:?}");
    }
}

#[test]
fn files_of_the_machine_are_not_read_and_not_written() {
    let outside = tempfile::tempdir().expect("folder");
    let secret = outside.path().join("secret");
    file(&secret, "secret");
    let (secret, folder) = (secret.display(), outside.path().display());
    refuse_all(&[
        ("read", format!("open('{secret}').read()")),
        ("write", format!("open('{secret}','a').write('x')")),
        ("new", format!("open('{folder}/new','w')")),
        ("list", format!("os.listdir('{folder}')")),
        ("remove", format!("os.remove('{secret}')")),
        ("shadow", "open('/etc/shadow').read()".to_owned()),
        ("root", "os.listdir('/root')".to_owned()),
        ("usr", "open('/usr/x','w')".to_owned()),
        ("etc", "open('/etc/x','w')".to_owned()),
        ("link", format!("os.symlink('{secret}',os.environ['HOME']+'/l') or open(os.environ['HOME']+'/l').read()")),
        ("hard link", format!("os.link('{secret}',os.environ['HOME']+'/h')")),
        ("cut", format!("os.truncate('{secret}',0)")),
        ("open and cut", format!("os.open('{secret}',os.O_TRUNC)")),
        ("cut what may be read", "os.open('/etc/services',os.O_TRUNC)".to_owned()),
        ("mode", format!("os.chmod('{secret}',0o777)")),
        ("times", format!("os.utime('{secret}')")),
        ("attribute", format!("os.setxattr('{secret}','user.x',b'x')")),
        ("device", "os.mknod(os.environ['HOME']+'/d',0o020666,os.makedev(1,1))".to_owned()),
        ("disk", "open('/dev/vda','rb').read(1)".to_owned()),
        ("terminal", "open('/dev/tty')".to_owned()),
    ]);
    assert_eq!(std::fs::read_dir(outside.path()).expect("listed").count(), 1);
}

#[test]
fn no_listener_of_the_machine_hears_anything() {
    let scratch = tempfile::tempdir().expect("folder");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("listener");
    let tcp6 = TcpListener::bind("[::1]:0").expect("listener");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("socket");
    let unix = UnixListener::bind(scratch.path().join("stream")).expect("listener");
    let datagram = UnixDatagram::bind(scratch.path().join("datagram")).expect("socket");
    let name = format!("mcpsec-test-{}", std::process::id());
    let address = <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name);
    let abstracted = UnixListener::bind_addr(&address.expect("address")).expect("listener");
    udp.set_nonblocking(true).expect("set");
    datagram.set_nonblocking(true).expect("set");
    for listener in [&tcp, &tcp6] {
        listener.set_nonblocking(true).expect("set");
    }
    for listener in [&unix, &abstracted] {
        listener.set_nonblocking(true).expect("set");
    }
    let port = |address: std::io::Result<std::net::SocketAddr>| address.expect("address").port();
    let (tcp_port, tcp6_port, udp_port) = (port(tcp.local_addr()), port(tcp6.local_addr()), port(udp.local_addr()));
    let at = scratch.path().display();
    let stream = "socket.socket(socket.AF_INET,socket.SOCK_STREAM)";
    let list = [
        ("tcp", format!("{stream}.connect(('127.0.0.1',{tcp_port}))")),
        ("fast open", format!("{stream}.sendto(b'x',0x20000000,('127.0.0.1',{tcp_port}))")),
        ("tcp6", format!("socket.socket(socket.AF_INET6).connect(('::1',{tcp6_port}))")),
        ("unix", format!("socket.socket(socket.AF_UNIX).connect('{at}/stream')")),
        ("abstract", format!("socket.socket(socket.AF_UNIX).connect('\\0{name}')")),
        ("unix datagram", format!("socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM).sendto(b'x','{at}/datagram')")),
        (
            "unix sendmsg",
            format!("socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM).sendmsg([b'x'],[],0,'{at}/datagram')"),
        ),
    ];
    refuse_all(&list);
    // UDP on a loopback of its own is no error; that nothing arrives is what counts.
    let udp_socket = "socket.socket(socket.AF_INET,socket.SOCK_DGRAM)";
    let quiet = [
        ("udp", format!("{udp_socket}.sendto(b'x',('127.0.0.1',{udp_port}))")),
        ("udp connected", format!("s={udp_socket}; s.connect(('127.0.0.1',{udp_port})); s.send(b'x')")),
        ("sendmsg", format!("{udp_socket}.sendmsg([b'x'],[],0,('127.0.0.1',{udp_port}))")),
        (
            "sendmmsg",
            format!(
                "import struct; a=ctypes.create_string_buffer(struct.pack('=H',2)+struct.pack('>H',{udp_port})+\
                 bytes([127,0,0,1])+bytes(8)); b=ctypes.create_string_buffer(b'x'); \
                 v=(ctypes.c_uint64*2)(ctypes.addressof(b),1); \
                 m=(ctypes.c_uint64*8)(ctypes.addressof(a),16,ctypes.addressof(v),1,0,0,0,0); s={udp_socket}; \
                 call(307,s.fileno(),ctypes.byref(m),1,0)"
            ),
        ),
    ];
    for (sandbox, watch) in watched() {
        let said = run(&sandbox, &watch(python(&attempts(&quiet))));
        assert_eq!(said.out.lines().count(), quiet.len(), "{said:?}");
    }
    let mut byte = [0];
    assert!(tcp.accept().is_err() && tcp6.accept().is_err(), "nobody connected");
    assert!(unix.accept().is_err() && abstracted.accept().is_err(), "nobody connected");
    assert!(udp.recv(&mut byte).is_err() && datagram.recv(&mut byte).is_err(), "nothing came");
    // The listeners do hear.
    UdpSocket::bind("127.0.0.1:0").expect("socket").send_to(b"x", udp.local_addr().expect("address")).expect("sent");
    assert_eq!(udp.recv(&mut byte).expect("heard"), 1);
    drop(std::net::TcpStream::connect(tcp.local_addr().expect("address")).expect("connected"));
    assert!(tcp.accept().is_ok());
}

#[test]
fn other_processes_are_out_of_reach() {
    let pid = std::process::id();
    refuse_all(&[
        ("kill", format!("os.kill({pid},0)")),
        ("stop the parent", "os.kill(os.getppid(),signal.SIGSTOP) if os.getppid()>1 else open('/nowhere')".to_owned()),
        ("ptrace", format!("call(101,16,{pid},0,0)")),
        ("attach to the parent", "call(101,16,os.getppid(),0,0)".to_owned()),
        ("memory", format!("open('/proc/{pid}/mem','rb')")),
        ("environment", format!("open('/proc/{pid}/environ').read()")),
        ("arguments", format!("open('/proc/{pid}/cmdline').read()")),
        ("root of another", format!("os.listdir('/proc/{pid}/root')")),
        ("environment of the parent", "open(f'/proc/{os.getppid()}/environ').read()".to_owned()),
        ("memory of the parent", "open(f'/proc/{os.getppid()}/mem','rb')".to_owned()),
        ("root of the parent", "os.listdir(f'/proc/{os.getppid()}/root')".to_owned()),
        ("descriptors of the parent", "os.listdir(f'/proc/{os.getppid()}/fd')".to_owned()),
        ("process_vm_readv", format!("call(310,{pid},0,0,0,0,0)")),
        ("limits of another", format!("import resource; resource.prlimit({pid},resource.RLIMIT_NOFILE)")),
    ]);
}

#[test]
fn privileges_are_not_gained() {
    refuse_all(&[
        ("root", "os.setuid(0)".to_owned()),
        ("groups", "os.setgroups([0])".to_owned()),
        ("user namespace", "call(272,0x10000000)".to_owned()),
        ("clone user namespace", "call(56,0x10000011,0,0,0,0)".to_owned()),
        ("clone3", "call(435,0,0)".to_owned()),
        ("mount", "call(165,b'none',b'/tmp',b'tmpfs',0,0)".to_owned()),
        ("setns", "call(308,0,0)".to_owned()),
        ("io_uring", "call(425,1,ctypes.create_string_buffer(256))".to_owned()),
        ("keys", "call(250,0,-3,1)".to_owned()),
        ("bpf", "call(321,0,0,0)".to_owned()),
        ("perf", "call(298,0,0,-1,-1,0)".to_owned()),
        ("userfaultfd", "call(323,0)".to_owned()),
        ("modules", "call(175,0,0,b'')".to_owned()),
        ("handles", "call(304,-100,0,0)".to_owned()),
        ("personality", "call(135,0x40000)".to_owned()),
        ("terminal", "import fcntl; fcntl.ioctl(0,0x5412,b'x')".to_owned()),
        ("raw socket", "socket.socket(socket.AF_INET,socket.SOCK_RAW,1)".to_owned()),
        ("packet socket", "socket.socket(socket.AF_PACKET,socket.SOCK_RAW)".to_owned()),
        ("vsock", "socket.socket(40,socket.SOCK_STREAM)".to_owned()),
        ("crypto socket", "socket.socket(38,socket.SOCK_SEQPACKET)".to_owned()),
        ("host name", "socket.sethostname('x')".to_owned()),
    ]);
}

#[test]
fn the_program_is_nobody_without_capabilities() {
    let script = "import os,ctypes\nlibc=ctypes.CDLL(None)\nhead=(ctypes.c_uint32*2)(0x20080522,0)\n\
        data=(ctypes.c_uint32*6)()\nlibc.syscall(125,head,data)\n\
        print(list(data), libc.prctl(39,0,0,0,0), 0 in os.getresuid()+os.getresgid())";
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    for (sandbox, watch) in watched() {
        let said = run(&sandbox, &watch(python(script)));
        assert_eq!(said.out.trim(), "[0, 0, 0, 0, 0, 0] 1 False", "{:?} {said:?}", sandbox.tier());
    }
}

#[test]
fn calls_of_another_architecture_end_the_program() {
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    for (sandbox, watch) in watched() {
        // An x32 call number.
        let said = run(&sandbox, &watch(python("import ctypes; ctypes.CDLL(None).syscall(0x40000027)")));
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&said.status), Some(31), "{said:?}");
    }
}

fn limited(name: &str, change: impl Fn(&mut mcpsec_capture::sandbox::Limits), script: &str) -> Vec<(String, Ended)> {
    let mut all = Vec::new();
    for (sandbox, watch) in watched() {
        let mut plan = watch(python(script));
        plan.limits.wall = Some(Duration::from_secs(15));
        change(&mut plan.limits);
        let mut running = sandbox.spawn(&plan).expect("starts");
        let (mut stdout, mut said) = (running.stdout.take().expect("stdout"), String::new());
        drop(running.stderr.take());
        stdout.read_to_string(&mut said).unwrap_or_else(|error| panic!("{name}: {error}"));
        all.push((said, running.finish(Duration::from_secs(20)).expect("ended")));
    }
    all
}

#[test]
fn memory_is_limited_in_one_process_and_in_all() {
    let one = "try:\n b=bytearray(200<<20); print('DONE')\nexcept MemoryError: print('no')";
    for (said, ended) in limited("memory", |limits| limits.memory = Some(100 << 20), one) {
        assert_eq!((said.trim(), ended.limit), ("no", None));
    }
    let many = "import os,time\nfor i in range(6):\n\
                \x20if os.fork()==0:\n  b=bytearray(os.urandom(1<<20))*40; time.sleep(30); os._exit(0)\n\
                time.sleep(30)";
    for (_, ended) in limited("memory", |limits| limits.memory = Some(100 << 20), many) {
        assert_eq!(ended.limit, Some(Limit::Memory), "{ended:?}");
    }
}

#[test]
fn processes_are_limited() {
    let script = "import os,time,sys\nn=0\ntry:\n\
                  \x20while n<64:\n\
                  \x20 if os.fork()==0: time.sleep(30); os._exit(0)\n\
                  \x20 n+=1\n\
                  except OSError: pass\nprint(n, flush=True); os._exit(0)";
    for (said, ended) in limited("processes", |limits| limits.processes = Some(20), script) {
        let started: u32 = said.trim().parse().unwrap_or_else(|_| panic!("{said:?} {ended:?}"));
        assert!((10..=40).contains(&started), "{started}");
    }
}

#[test]
fn processor_time_and_files_are_limited() {
    for (_, ended) in limited("cpu", |limits| limits.cpu = Some(Duration::from_secs(1)), "while True: pass") {
        assert_eq!(ended.limit, Some(Limit::Cpu), "{ended:?}");
    }
    let script = "import os,signal\nsignal.signal(signal.SIGXFSZ,signal.SIG_IGN)\n\
                  f=open(os.environ['HOME']+'/f','wb',0)\ntry:\n\x20while True: f.write(bytes(1<<20))\n\
                  except OSError as e: print(e.errno)";
    for (said, _) in limited("file", |limits| limits.file = Some(4 << 20), script) {
        assert_eq!(said.trim(), "27");
    }
}

#[test]
fn scratch_space_is_limited() {
    let script = "import os,time\nfor i in range(100):\n\
                  \x20open(os.environ['TMPDIR']+f'/{i}','wb').write(bytes(1<<20))\n\x20time.sleep(0.01)\n\
                  time.sleep(20)";
    for (_, ended) in limited("disk", |limits| limits.disk = Some(16 << 20), script) {
        assert_eq!(ended.limit, Some(Limit::Disk), "{ended:?}");
    }
}

#[test]
fn a_fork_bomb_ends_with_its_sandbox() {
    // Mild: twelve processes that replace each other as fast as they can, in sessions of their own.
    let script = "import os,sys\nfor i in range(12):\n\x20if os.fork()==0: break\n\
                  while True:\n\x20try:\n\x20 if os.fork()>0: os._exit(0)\n\x20 os.setsid()\n\x20except OSError: pass";
    for (sandbox, watch) in watched() {
        let mut plan = watch(python(script));
        plan.limits.processes = Some(24);
        let running = sandbox.spawn(&plan).expect("starts");
        let guard = running.id();
        std::thread::sleep(Duration::from_millis(200));
        drop(running);
        assert!(!std::path::Path::new(&format!("/proc/{guard}")).exists());
        let left = std::fs::read_dir("/proc").expect("proc").flatten().filter(|entry| {
            let cmdline = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&cmdline).contains("if os.fork()==0: break")
        });
        assert_eq!(left.count(), 0, "{:?}", sandbox.tier());
    }
}

#[test]
fn scratch_folders_are_removed() {
    for (sandbox, watch) in watched() {
        let said = run(&sandbox, &watch(shell("mkdir -p $TMPDIR/a/b; chmod 0 $TMPDIR/a; echo $TMPDIR")));
        let folder = said.out.trim();
        drop(said.ended);
        assert!(folder == "/tmp" || !std::path::Path::new(folder).exists(), "{folder}");
    }
}
