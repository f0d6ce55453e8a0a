//! Two machines and a router between them, made of network namespaces. Needs root and `ip`.

use std::process::{Command, Stdio};

/// The namespaces of a caller, a callee and a router; deleted at the end.
pub(crate) struct Wires {
    id: u32,
    test: &'static str,
}

/// The address of the caller's machine.
pub(crate) const CALLER: &str = "10.89.1.2";

/// The address of the callee's machine.
pub(crate) const CALLEE: &str = "10.89.2.2";

fn ip(line: &str) -> bool {
    let mut command = Command::new("ip");
    command.args(line.split(' ')).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Wires {
    /// `None` when this user or this machine cannot do it.
    pub(crate) fn new(test: &'static str) -> Option<Self> {
        let wires = Self { id: std::process::id(), test };
        let [caller, callee, router] = ["a", "b", "r"].map(|side| wires.name(side));
        let made = [&caller, &callee, &router].into_iter().all(|name| {
            ip(&format!("netns add {name}")) && ip(&format!("-n {name} link set lo up"))
        });
        let made = made && wires.connect(&caller, 1) && wires.connect(&callee, 2);
        // Namespaces of a half-made set go when `wires` is dropped.
        (made && wires.forward(true)).then_some(wires)
    }

    fn name(&self, side: &str) -> String {
        format!("faults{}{}{side}", self.id, self.test)
    }

    /// The namespace of the caller.
    pub(crate) fn caller(&self) -> String {
        self.name("a")
    }

    /// The namespace of the callee.
    pub(crate) fn callee(&self) -> String {
        self.name("b")
    }

    /// A wire from a machine to the router, with the addresses `10.89.<net>.2` and `.1`.
    fn connect(&self, machine: &str, net: u8) -> bool {
        let router = self.name("r");
        let lines = [
            format!("-n {machine} link add name m{net} type veth peer name r{net} netns {router}"),
            format!("-n {machine} address add 10.89.{net}.2/24 dev m{net}"),
            format!("-n {router} address add 10.89.{net}.1/24 dev r{net}"),
            format!("-n {machine} link set m{net} up"),
            format!("-n {router} link set r{net} up"),
            format!("-n {machine} route add default via 10.89.{net}.1"),
        ];
        lines.iter().all(|line| ip(line))
    }

    /// Whether the router lets packets pass; otherwise it drops them without a word.
    pub(crate) fn forward(&self, does: bool) -> bool {
        let line = format!("echo {} > /proc/sys/net/ipv4/ip_forward", u8::from(does));
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name("r"), "sh", "-c", &line]);
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        for side in ["a", "b", "r"] {
            // What has not been made cannot be deleted.
            let _ = ip(&format!("netns delete {}", self.name(side)));
        }
    }
}
