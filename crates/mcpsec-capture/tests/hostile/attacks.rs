//! All attacks, and what becomes of them without a sandbox.

/// What happens to an attack when nothing stops it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bare {
    /// It succeeds, whoever makes it.
    Succeeds,
    /// It succeeds for root, but the system itself stops an ordinary user.
    SucceedsForRoot,
    /// It succeeds for an ordinary user; root has nothing to gain.
    SucceedsForOthers,
    /// It is not made: why.
    NotMade(&'static str),
    /// It cannot tell whether it succeeded, but its victims can.
    Harms,
    /// This kind of kernel may or may not have what is attacked, so nothing can be expected.
    Depends(&'static str),
}

use Bare::{Depends, Harms, NotMade, Succeeds, SucceedsForOthers, SucceedsForRoot};

/// An attack by its name in the scripts.
pub(crate) type Attack = (&'static str, Bare);

pub(crate) const NETWORK: &[Attack] = &[
    ("network.tcp4", Succeeds),
    ("network.tcp6", Succeeds),
    ("network.tcp4_mapped", Succeeds),
    ("network.tcp4_any", Succeeds),
    ("network.tcp4_nonblocking", Succeeds),
    ("network.tcp4_fast_open", Succeeds),
    ("network.mptcp", Depends("the kernel may lack MPTCP")),
    ("network.tcp4_disconnected_first", Succeeds),
    ("network.tcp4_high_bits", Succeeds),
    ("network.udp4", Succeeds),
    ("network.udp4_connected", Succeeds),
    ("network.udp4_write", Succeeds),
    ("network.udp4_sendmsg", Succeeds),
    ("network.udp4_sendmmsg", Succeeds),
    ("network.udp4_without_family", Succeeds),
    ("network.udp6", Succeeds),
    ("network.udp4_mapped", Succeeds),
    ("network.dns", Succeeds),
    ("network.names", NotMade("would ask a real name server")),
    ("network.unix_outside", Succeeds),
    ("network.unix_readable", Succeeds),
    ("network.unix_writable", Succeeds),
    ("network.unix_relative", Succeeds),
    ("network.unix_link", Succeeds),
    ("network.unix_packets", Succeeds),
    ("network.unix_datagram", Succeeds),
    ("network.abstract", Succeeds),
    ("network.abstract_datagram", Succeeds),
    ("network.pipe_readable", Succeeds),
    ("network.listen", Succeeds),
    ("network.odd_families", Depends("the kernel may lack all of them")),
    ("network.odd_protocols", Succeeds),
    ("network.netlink", Succeeds),
    ("network.io_uring", Depends("the machine may have switched it off")),
];

pub(crate) const FILES: &[Attack] = &[
    ("files.key", Succeeds),
    ("files.key_by_dots", Succeeds),
    ("files.key_by_link", Succeeds),
    ("files.key_by_planted_link", Succeeds),
    ("files.key_by_hard_link", Depends("the machine may protect hard links")),
    ("files.key_by_rename", Succeeds),
    ("files.key_by_folder", Succeeds),
    ("files.key_by_path_descriptor", Succeeds),
    ("files.key_by_chdir", Succeeds),
    ("files.key_by_openat2", Succeeds),
    ("files.key_by_handle", SucceedsForRoot),
    ("files.key_by_race", Succeeds),
    ("files.key_by_flickering_argument", Succeeds),
    ("files.home_listed", Succeeds),
    ("files.other_homes", Succeeds),
    ("files.system_secrets", Succeeds),
    ("files.outside_written", Succeeds),
    ("files.outside_marked", Succeeds),
    ("files.readable_written", Succeeds),
    ("files.outside_by_link", Succeeds),
    ("files.shared_folders", Succeeds),
    ("files.system_opened_for_writing", SucceedsForRoot),
    ("files.devices", SucceedsForRoot),
    ("files.device_made", SucceedsForRoot),
    ("files.cgroup_made", Depends("there may be no control groups to be seen")),
    ("files.key_known", Succeeds),
    ("files.watched", Succeeds),
    ("files.locked", Succeeds),
    ("files.executed", Succeeds),
];

pub(crate) const PROCESSES: &[Attack] = &[
    ("processes.signalled", Succeeds),
    ("processes.signalled_by_group", Depends("a process need not lead a group")),
    ("processes.ended", Succeeds),
    ("processes.continued", Succeeds),
    ("processes.signalled_oddly", Succeeds),
    ("processes.signalled_by_owner", Harms),
    ("processes.traced", Depends("the machine may forbid tracing")),
    ("processes.traced_by_parent", Succeeds),
    ("processes.traced_child", Succeeds),
    ("processes.memory_read", Depends("the machine may forbid tracing")),
    ("processes.memory_written", Depends("the machine may forbid tracing")),
    ("processes.files_stolen", Succeeds),
    ("processes.key_through_victim", Succeeds),
    ("processes.key_through_first", Succeeds),
    ("processes.listed", Succeeds),
    ("processes.starved", Succeeds),
    ("processes.parent_starved", Succeeds),
    ("processes.compared", Depends("the machine may forbid tracing")),
    ("processes.moved_to_group", Depends("only within a session")),
    ("processes.privileges_raised", SucceedsForOthers),
    ("processes.identity_changed", SucceedsForRoot),
    ("processes.privileges_held", Succeeds),
    ("processes.terminal", Depends("the machine may forbid typing into terminals")),
];

pub(crate) const KERNEL: &[Attack] = &[
    ("kernel.user_namespace", Depends("the machine may forbid it")),
    ("kernel.other_namespaces", Depends("the machine may forbid it")),
    ("kernel.namespace_entered", Succeeds),
    ("kernel.mounted", SucceedsForRoot),
    ("kernel.jail_left", SucceedsForRoot),
    ("kernel.keys", Succeeds),
    ("kernel.machinery", Succeeds),
    ("kernel.memory_executed", Succeeds),
    ("kernel.personality", Succeeds),
    ("kernel.old_calls", Depends("the kernel may lack them")),
    ("kernel.shared_memory", Succeeds),
    ("kernel.ipc_by_number", Succeeds),
    ("kernel.shared_memory_made", Succeeds),
    ("kernel.limits_raised", SucceedsForRoot),
    ("kernel.core_dumped", Depends("where cores go is the machine's choice")),
    ("kernel.system_described", SucceedsForRoot),
];
