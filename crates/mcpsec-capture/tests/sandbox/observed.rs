//! What a program tries is told, in every tier.
use mcpsec_model::text::Untrusted;

use crate::plans::{python, run, tiers};

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
