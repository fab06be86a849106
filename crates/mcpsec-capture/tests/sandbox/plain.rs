//! Programs that do no harm work as they do outside.
use std::os::unix::process::ExitStatusExt as _;

use crate::common::{plan, run, shell, tiers};

#[test]
fn a_shell_says_its_words_and_its_code() {
    for sandbox in tiers() {
        let said = run(&sandbox, &shell("echo out; echo err >&2; exit 7"));
        assert_eq!((said.out.as_str(), said.err.as_str(), said.status.code()), ("out\n", "err\n", Some(7)));
        let said = run(&sandbox, &shell("kill -SEGV $$"));
        assert_eq!(said.status.signal(), Some(11), "{:?}", said);
    }
}

#[test]
fn look() {
    for sandbox in tiers() {
        let said = run(
            &sandbox,
            &shell(
                "id; env; pwd; ls -la / /dev /home/user /etc; mount; cat /proc/self/status | grep -E 'Cap|Sec|NoNew|Groups'; ls /proc; touch /x; ulimit -a; cat /proc/1/environ; umask",
            ),
        );
        println!("{:?}\n{}\n{}", sandbox.tier(), said.out, said.err);
    }
}
