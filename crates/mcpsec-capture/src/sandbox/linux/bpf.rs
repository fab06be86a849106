//! A small assembler for seccomp programs: a list of rules in, instructions of classic BPF out.
//!
//! A program looks at `struct seccomp_data` (seccomp(2)): the call's number, the architecture, six arguments of 64 bits. The
//! rules are asked in order and the first that holds decides; a call that no rule speaks of is allowed.
use std::mem::offset_of;

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, seccomp_data, sock_filter};

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sandbox) enum Action {
    /// It happens.
    Allow,
    /// It does not, and fails with this error number.
    Errno(u16),
    /// The whole process ends.
    Kill,
}

impl Action {
    fn value(self) -> u32 {
        match self {
            Self::Allow => libc::SECCOMP_RET_ALLOW,
            Self::Errno(errno) => libc::SECCOMP_RET_ERRNO | u32::from(errno),
            Self::Kill => libc::SECCOMP_RET_KILL_PROCESS,
        }
    }
}

/// One question about one half of an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sandbox) struct Test {
    /// Which argument, from 0.
    pub(in crate::sandbox) arg: u8,
    /// Whether the upper 32 bits are asked instead of the lower.
    pub(in crate::sandbox) upper: bool,
    pub(in crate::sandbox) is: Is,
}

/// What is asked of 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sandbox) enum Is {
    Equal(u32),
    NotEqual(u32),
    /// At least one of these bits is set.
    AnyOf(u32),
    /// Under the first mask, it is the second value.
    Masked(u32, u32),
    /// Under the first mask, it is not the second value.
    MaskedNot(u32, u32),
}

/// Lower half of an argument.
pub(in crate::sandbox) fn arg(arg: u8, is: Is) -> Test {
    Test { arg, upper: false, is }
}

/// When all tests hold, the action is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sandbox) struct Rule {
    pub(in crate::sandbox) call: u32,
    pub(in crate::sandbox) tests: Vec<Test>,
    pub(in crate::sandbox) action: Action,
}

/// The architecture of this build, as the kernel names it in `seccomp_data`.
#[cfg(target_arch = "x86_64")]
pub(in crate::sandbox) const ARCH: u32 = 0xc000_003e;
/// The architecture of this build, as the kernel names it in `seccomp_data`.
#[cfg(target_arch = "aarch64")]
pub(in crate::sandbox) const ARCH: u32 = 0xc000_00b7;

/// Calls of the x32 way of calling have this bit; the same numbers without it would mean something else to a filter.
const X32: u32 = 0x4000_0000;

const LOAD: u32 = BPF_LD | BPF_W | BPF_ABS;
const EQUAL: u32 = BPF_JMP | BPF_JEQ | BPF_K;
const ANY_OF: u32 = BPF_JMP | BPF_JSET | BPF_K;
const AND: u32 = libc::BPF_ALU | libc::BPF_AND | BPF_K;
const RETURN: u32 = BPF_RET | BPF_K;

fn op(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(u16::MAX), jt, jf, k }
}

fn load(offset: usize) -> sock_filter {
    op(LOAD, u32::try_from(offset).unwrap_or(u32::MAX), 0, 0)
}

/// The program for these rules.
pub(in crate::sandbox) fn assemble(rules: &[Rule]) -> Vec<sock_filter> {
    let mut program = vec![
        load(offset_of!(seccomp_data, arch)),
        op(EQUAL, ARCH, 1, 0),
        op(RETURN, Action::Kill.value(), 0, 0),
        load(offset_of!(seccomp_data, nr)),
    ];
    if cfg!(target_arch = "x86_64") {
        program.extend([op(ANY_OF, X32, 0, 1), op(RETURN, Action::Kill.value(), 0, 0)]);
    }
    for rule in rules {
        let body = body(rule);
        // A body is a handful of instructions for each test, so its length fits.
        program.push(op(EQUAL, rule.call, 0, u8::try_from(body.len()).unwrap_or(u8::MAX)));
        program.extend(body);
    }
    program.push(op(RETURN, Action::Allow.value(), 0, 0));
    program
}

/// What is done once the call's number matches. Jumps past the end when a test does not hold, with the number loaded again.
fn body(rule: &Rule) -> Vec<sock_filter> {
    let answer = op(RETURN, rule.action.value(), 0, 0);
    if rule.tests.is_empty() {
        return vec![answer];
    }
    let length = |test: &Test| if matches!(test.is, Is::Masked(..) | Is::MaskedNot(..)) { 3_u8 } else { 2 };
    let mut body = Vec::new();
    // Instructions from the one after the current test to the reload of the number, which lies behind the answer.
    let mut rest: u8 = rule.tests.iter().map(length).sum::<u8>() + 1;
    for test in &rule.tests {
        let half = usize::from(test.upper) * 4;
        body.push(load(offset_of!(seccomp_data, args) + usize::from(test.arg) * 8 + half));
        rest -= length(test);
        if let Is::Masked(mask, _) | Is::MaskedNot(mask, _) = test.is {
            body.push(op(AND, mask, 0, 0));
        }
        body.push(match test.is {
            Is::Equal(value) | Is::Masked(_, value) => op(EQUAL, value, 0, rest),
            Is::NotEqual(value) => op(EQUAL, value, rest, 0),
            Is::AnyOf(bits) => op(ANY_OF, bits, 0, rest),
            Is::MaskedNot(_, value) => op(EQUAL, value, rest, 0),
        });
    }
    body.extend([answer, load(offset_of!(seccomp_data, nr))]);
    body
}

/// Runs a program as the kernel would. For tests: it knows only the instructions that [`assemble`] writes.
#[cfg(test)]
pub(in crate::sandbox) fn interpret(program: &[sock_filter], arch: u32, call: u32, args: [u64; 6]) -> u32 {
    let mut data = [0_u8; 64];
    data[offset_of!(seccomp_data, nr)..][..4].copy_from_slice(&call.to_ne_bytes());
    data[offset_of!(seccomp_data, arch)..][..4].copy_from_slice(&arch.to_ne_bytes());
    for (index, arg) in args.iter().enumerate() {
        data[offset_of!(seccomp_data, args) + index * 8..][..8].copy_from_slice(&arg.to_ne_bytes());
    }
    let (mut accumulator, mut at) = (0_u32, 0_usize);
    loop {
        let step = program[at];
        at += 1;
        let jump = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
        match u32::from(step.code) {
            LOAD => {
                let bytes: [u8; 4] = data[step.k as usize..][..4].try_into().expect("four bytes");
                accumulator = u32::from_ne_bytes(bytes);
            }
            EQUAL => at += jump(accumulator == step.k),
            ANY_OF => at += jump(accumulator & step.k != 0),
            AND => accumulator &= step.k,
            RETURN => return step.k,
            other => panic!("unknown instruction {other:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENIED: u32 = libc::SECCOMP_RET_ERRNO | 1;
    const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;
    const KILLED: u32 = libc::SECCOMP_RET_KILL_PROCESS;

    fn decide(rules: &[Rule], call: u32, args: [u64; 6]) -> u32 {
        interpret(&assemble(rules), ARCH, call, args)
    }

    fn rule(call: u32, tests: Vec<Test>) -> Rule {
        Rule { call, tests, action: Action::Errno(1) }
    }

    #[test]
    fn foreign_ways_of_calling_are_killed() {
        let program = assemble(&[]);
        assert_eq!(interpret(&program, ARCH, 1, [0; 6]), ALLOWED);
        assert_eq!(interpret(&program, 0x4000_0003, 1, [0; 6]), KILLED, "32-bit x86");
        if cfg!(target_arch = "x86_64") {
            assert_eq!(interpret(&program, ARCH, X32 | 1, [0; 6]), KILLED, "x32");
        }
    }

    #[test]
    fn rules_hold_in_order_and_fall_through() {
        let rules = [
            rule(7, vec![]),
            rule(8, vec![arg(0, Is::NotEqual(1)), arg(0, Is::NotEqual(2))]),
            rule(9, vec![arg(1, Is::AnyOf(0b110))]),
            rule(10, vec![Test { arg: 4, upper: true, is: Is::NotEqual(0) }]),
            rule(10, vec![arg(4, Is::NotEqual(0))]),
            rule(11, vec![arg(1, Is::MaskedNot(0xf, 1)), arg(1, Is::MaskedNot(0xf, 2))]),
            rule(14, vec![arg(0, Is::Masked(0b111, 0b101))]),
            rule(12, vec![arg(0, Is::Equal(3)), arg(1, Is::Equal(4))]),
        ];
        let first = |value: u64| [value, 0, 0, 0, 0, 0];
        let second = |value: u64| [0, value, 0, 0, 0, 0];
        for (call, args, expected) in [
            (6, [0; 6], ALLOWED),
            (7, [0; 6], DENIED),
            (8, first(1), ALLOWED),
            (8, first(2), ALLOWED),
            (8, first(3), DENIED),
            (8, first(1 << 32 | 1), ALLOWED),
            (9, second(0b1001), ALLOWED),
            (9, second(0b1010), DENIED),
            (10, [0; 6], ALLOWED),
            (10, [0, 0, 0, 0, 1 << 40, 0], DENIED),
            (10, [0, 0, 0, 0, 8, 0], DENIED),
            (11, second(0x801), ALLOWED),
            (11, second(0x802), ALLOWED),
            (11, second(0x803), DENIED),
            (14, first(0b1101), DENIED),
            (14, first(0b1111), ALLOWED),
            (12, [3, 4, 0, 0, 0, 0], DENIED),
            (12, [3, 5, 0, 0, 0, 0], ALLOWED),
            (13, [3, 4, 0, 0, 0, 0], ALLOWED),
        ] {
            assert_eq!(decide(&rules, call, args), expected, "call {call} with {args:?}");
        }
    }
}
