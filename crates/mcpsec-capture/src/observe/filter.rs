//! The filter that brings calls to the supervisor: a classic BPF program made from the table of watched calls.
use libc::sock_filter;

use super::calls::{Row, When};

/// `AUDIT_ARCH_*` of linux/audit.h: the only instruction set whose numbers the table speaks.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// Numbers from here on are of the x32 instruction set, which has calls of its own.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

// linux/seccomp.h
const KILL: u32 = 0x8000_0000;
const NOTIFY: u32 = 0x7fc0_0000;
const ALLOW: u32 = 0x7fff_0000;

// linux/bpf_common.h
const LOAD: u16 = 0x20;
const RETURN: u16 = 0x06;
const JUMP_EQUAL: u16 = 0x15;
#[cfg(target_arch = "x86_64")]
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_BITS: u16 = 0x45;

// Where things stand in `seccomp_data`. Both architectures are little-endian: the low half of an argument comes first.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const fn low(argument: usize) -> u32 {
    16 + 8 * argument as u32
}
const fn high(argument: usize) -> u32 {
    low(argument) + 4
}

fn instruction(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// Jumps over `yes` instructions when it holds, else over `no`.
fn jump(code: u16, k: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter { code, jt: yes, jf: no, k }
}

/// The program for these rows.
pub(super) fn program(rows: &[Row]) -> Vec<sock_filter> {
    let mut program = vec![
        instruction(LOAD, ARCH),
        jump(JUMP_EQUAL, ARCHITECTURE, 1, 0),
        instruction(RETURN, KILL),
        instruction(LOAD, NUMBER),
    ];
    #[cfg(target_arch = "x86_64")]
    program.extend([jump(JUMP_AT_LEAST, X32, 0, 1), instruction(RETURN, KILL)]);
    for (number, _, when) in rows {
        let block = condition(*when);
        // A block never falls through, so the number is still loaded for the comparison after it.
        let length = u8::try_from(block.len()).unwrap_or(u8::MAX);
        let number = u32::try_from(*number).unwrap_or(u32::MAX);
        program.push(jump(JUMP_EQUAL, number, 0, length));
        program.extend(block);
    }
    program.push(instruction(RETURN, ALLOW));
    program
}

fn condition(when: When) -> Vec<sock_filter> {
    match when {
        When::Always => vec![instruction(RETURN, NOTIFY)],
        When::Bits(argument, bits) => vec![
            instruction(LOAD, low(argument)),
            jump(JUMP_BITS, bits, 0, 1),
            instruction(RETURN, NOTIFY),
            instruction(RETURN, ALLOW),
        ],
        When::NotNullOrBits(pointer, flags, bits) => vec![
            instruction(LOAD, low(pointer)),
            jump(JUMP_EQUAL, 0, 0, 4),
            instruction(LOAD, high(pointer)),
            jump(JUMP_EQUAL, 0, 0, 2),
            instruction(LOAD, low(flags)),
            jump(JUMP_BITS, bits, 0, 1),
            instruction(RETURN, NOTIFY),
            instruction(RETURN, ALLOW),
        ],
    }
}
