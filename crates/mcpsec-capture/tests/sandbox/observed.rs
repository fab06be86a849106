//! What a program tries is told, in every tier.
use mcpsec_model::{config::Isolation, text::Untrusted};

use crate::plans::{node, plan, python, run, tiers, watched};

#[test]
fn names_addresses_canaries_programs_and_refused_calls_are_told() {
    let script = "import socket,os,ctypes,subprocess\n\
        def attempt(f):\n\
        \x20try: return f()\n\
        \x20except Exception as e: print(e)\n\
        attempt(lambda: print(socket.getaddrinfo('api.invalid',443)))\n\
        attempt(lambda: socket.socket().connect(('203.0.113.5',80)))\n\
        attempt(lambda: print(len(open(os.path.expanduser('~/.ssh/id_ed25519')).read())))\n\
        attempt(lambda: open('/home/somebody/.aws/credentials').read())\n\
        attempt(lambda: subprocess.run(['/bin/echo','hello']))\n\
        ctypes.CDLL(None).ptrace(0,0,0,0)\n";
    for sandbox in tiers() {
        let mut plan = python(script);
        plan.observe = true;
        plan.canaries = true;
        let running = sandbox.spawn(&plan).expect("starts");
        assert!(running.canaries.iter().any(|canary| canary.path == ".ssh/id_ed25519"));
        let said = crate::plans::collect(running);
        let observed = &said.ended.observed;
        let has =
            |set: &std::collections::BTreeSet<Untrusted>, part: &str| set.iter().any(|text| text.raw().contains(part));
        assert!(has(&observed.hosts, "api.invalid"), "{:?} {said:?}", sandbox.tier());
        assert!(has(&observed.hosts, "203.0.113.5:80"), "{said:?}");
        assert!(has(&observed.canaries, "~/.ssh/id_ed25519"), "{said:?}");
        assert!(has(&observed.files, "/home/somebody/.aws/credentials"), "{said:?}");
        assert!(has(&observed.programs, "/bin/echo"), "{said:?}");
        assert_eq!(observed.refused.get("ptrace"), Some(&1), "{said:?}");
        assert!(said.out.contains("hello") && !observed.incomplete, "{said:?}");
    }
}

#[test]
fn a_quiet_program_tells_nothing() {
    for sandbox in tiers() {
        let mut plan =
            python("import json,os\nopen(os.environ['HOME']+'/own','w').write('x')\nprint(os.listdir('/usr')[:0])");
        plan.observe = true;
        plan.canaries = true;
        let said = run(&sandbox, &plan);
        assert!(said.status.success(), "{said:?}");
        assert!(said.ended.observed.is_empty(), "{said:?}");
    }
}

/// What holds unix sockets of this machine off leaves a program's own ones, and those of its runtime, alone.
#[test]
fn a_program_talks_to_itself() {
    let script = "
import asyncio, os, socket, sys, tempfile
from multiprocessing.connection import Client, Listener
import threading
def talk(family, address):
    with Listener(address, family, authkey=b'key') as listener:
        def serve():
            with listener.accept() as server: server.send(server.recv())
        thread = threading.Thread(target=serve); thread.start()
        with Client(listener.address, family, authkey=b'key') as client:
            client.send(family); print(client.recv())
        thread.join()
talk('AF_UNIX', os.path.join(tempfile.mkdtemp(), 's'))
os.chdir(os.environ['HOME'])
talk('AF_UNIX', 'relative')
os.symlink('relative-2', 'link')
s = socket.socket(socket.AF_UNIX); s.bind('relative-2'); s.listen()
c = socket.socket(socket.AF_UNIX); c.connect('link'); c.sendall(b'by link'); print(s.accept()[0].recv(9).decode())
s = socket.socket(socket.AF_UNIX); s.bind('\\0name'); s.listen()
c = socket.socket(socket.AF_UNIX); c.setblocking(False); c.connect('\\0name'); c.sendall(b'abstract'); print(s.accept()[0].recv(9).decode())
talk('AF_INET', ('127.0.0.1', 0))
asyncio.run(asyncio.sleep(0))
";
    for (sandbox, watch) in watched().into_iter().filter(|(sandbox, _)| sandbox.tier() == Isolation::Namespace) {
        let said = run(&sandbox, &watch(python(script)));
        assert_eq!(said.out, "AF_UNIX\nAF_UNIX\nby link\nabstract\nAF_INET\n", "{said:?}");
    }
    let script = "const n=require('net'),o=require('os'),c=require('child_process'),p=process.env.TMPDIR+'/s';\
        const s=n.createServer(x=>{x.end('served');s.close()}).listen(p,()=>n.connect(p).on('data',d=>{\
        console.log(String(d),c.execFileSync('/bin/echo',['ran']).toString().trim(),Object.keys(o.networkInterfaces()).length)}))";
    for (sandbox, watch) in watched().into_iter().filter(|(sandbox, _)| sandbox.tier() == Isolation::Namespace) {
        let said = run(&sandbox, &watch(plan(node(), &["-e", script])));
        assert_eq!(said.out, "served ran 1\n", "{said:?}");
    }
}
