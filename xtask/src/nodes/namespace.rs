//! A network namespace for one node, whose link to the store can be taken down.
//!
//! Owns the namespace, its devices and addresses, by names that carry the process id of the run.
//! Dropping it, when the node is gone, removes them all; what a killed run left is removed by the next. Refuses to touch what
//! belongs to a run under way.
//!
//! ```text
//! this machine            10.213.x.0/29             namespace rushgate-PID
//!
//! shoppers, probers ─ rgPID-shop .1 ────────────── .2 shop  ┐
//!                                                           ├ the node
//! store ─ rgPID-sw .5 ═ rgPID-store ── cut here ── .6 store ┘
//! ```
//!
//! The store's address is on a switch (a bridge) before the pair, as it would be on a network: when the
//! pair's end there goes down, both sides keep address and route and hear nothing. On the pair itself
//! the route would go with it, and what Redis sends would leave by the default route, to somebody who
//! may well answer with a reset.

use std::{
    ffi::OsStr,
    fs, io,
    net::Ipv4Addr,
    path::Path,
    process::{self, Command},
};

use testkit::peer::Program;

/// iproute2.
const IP: Program = Program { command: "ip", package: "iproute2", end: "KILL" };

/// Where `ip netns` keeps the names.
const NAMESPACES: &str = "/run/netns";
/// Every network device of this machine.
const DEVICES: &str = "/sys/class/net";
const NAMESPACE_PREFIX: &str = "rushgate-";
/// Short: with a process id of seven digits and the longest suffix it fills the 15 bytes of a name.
const DEVICE_PREFIX: &str = "rg";
const DEVICE_SUFFIXES: [&str; 3] = ["-shop", "-store", "-sw"];

/// A network at least so narrow keeps others out of its addresses. A wider one is a route to a private
/// network at large, and gives way to the few addresses here as to any narrower route.
const PREFIX_MIN: u8 = 16;

/// The namespace and what leads to it.
#[derive(Debug)]
pub(super) struct Namespace {
    /// The run's process.
    owner: u32,
    /// The `x` of `10.213.x.0/29`.
    block: u8,
}

impl Namespace {
    /// Makes it, after what killed runs left is gone. Fails where that is not permitted, and leaves
    /// nothing then.
    pub(super) fn lay() -> io::Result<Self> {
        remove_leftovers();
        let owner = process::id();
        let taken = [ip(&["-4", "address"])?, ip(&["-4", "route", "show", "table", "all"])?];
        let [from, ..] = owner.to_le_bytes();
        let block = free_block(from, &networks(&taken.join("\n")));
        let block = block.ok_or_else(|| io::Error::other("no network of 10.213.0.0/16 is free"))?;
        // From here on it is dropped, and so removed, if anything fails.
        let namespace = Self { owner, block };
        for line in namespace.plan() {
            ip(&line.split(' ').collect::<Vec<_>>())?;
        }
        Ok(namespace)
    }

    /// The commands that make it, without the `ip` before each.
    fn plan(&self) -> Vec<String> {
        let name = self.name();
        let [shop, store, switch] = devices(self.owner);
        let Self { block, .. } = self;
        vec![
            format!("netns add {name}"),
            format!("link add {shop} type veth peer name shop netns {name}"),
            format!("link add {store} type veth peer name store netns {name}"),
            format!("link add {switch} type bridge"),
            format!("link set {store} master {switch}"),
            format!("address add 10.213.{block}.1/30 dev {shop}"),
            format!("address add 10.213.{block}.5/30 dev {switch}"),
            format!("-n {name} address add 10.213.{block}.2/30 dev shop"),
            format!("-n {name} address add 10.213.{block}.6/30 dev store"),
            format!("link set {shop} up"),
            format!("link set {store} up"),
            format!("link set {switch} up"),
            format!("-n {name} link set lo up"),
            format!("-n {name} link set shop up"),
            format!("-n {name} link set store up"),
        ]
    }

    /// A call of `program` inside that dies with the calling thread, its standard input closed. The
    /// process is the program's.
    pub(super) fn call(&self, program: &Path) -> io::Result<Command> {
        let mut call = IP.dying_with_us()?;
        call.args(["netns", "exec", &self.name()]).arg(program);
        Ok(call)
    }

    /// Where a store has to listen for the node; not on `127.0.0.1`, which is another inside.
    pub(super) fn store(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.block, 5)
    }

    /// Where the node listens for everybody else.
    pub(super) fn node(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.block, 2)
    }

    /// Takes the link to the store down; that to the node stays.
    pub(super) fn cut(&self) -> io::Result<()> {
        self.set_link("down")
    }

    /// Takes it up again.
    pub(super) fn mend(&self) -> io::Result<()> {
        self.set_link("up")
    }

    fn set_link(&self, state: &str) -> io::Result<()> {
        let [_, store, _] = devices(self.owner);
        ip(&["link", "set", &store, state]).map(drop)
    }

    fn name(&self) -> String {
        format!("{NAMESPACE_PREFIX}{}", self.owner)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove_all_of(self.owner);
    }
}

/// Removes what there is of the run of process `owner`: the devices first, for the pairs inside end with
/// them at once, with the namespace's name only when nothing runs in it any more.
fn remove_all_of(owner: u32) {
    for device in devices(owner) {
        if Path::new(DEVICES).join(&device).exists() {
            told(&ip(&["link", "delete", &device]));
        }
    }
    let name = format!("{NAMESPACE_PREFIX}{owner}");
    if Path::new(NAMESPACES).join(&name).exists() {
        told(&ip(&["netns", "delete", &name]));
    }
}

fn told(done: &io::Result<String>) {
    if let Err(error) = done {
        println!("{error}");
    }
}

/// Removes what belongs to runs that are over. A process of our own id left it before us.
fn remove_leftovers() {
    let names = [NAMESPACES, DEVICES].map(names_in).concat();
    let owners = names.iter().filter_map(|name| owner_in(name));
    let is_over = |owner: &u32| {
        *owner == process::id() || !Path::new("/proc").join(owner.to_string()).exists()
    };
    let mut over: Vec<u32> = owners.filter(is_over).collect();
    over.sort_unstable();
    over.dedup();
    over.into_iter().for_each(remove_all_of);
}

/// None where there is no such directory: then nothing is left in it either.
fn names_in(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// The run that a namespace or device belongs to, if it is one of ours.
fn owner_in(name: &str) -> Option<u32> {
    let number = name.strip_prefix(NAMESPACE_PREFIX).or_else(|| {
        let rest = name.strip_prefix(DEVICE_PREFIX)?;
        DEVICE_SUFFIXES.iter().find_map(|suffix| rest.strip_suffix(suffix))
    })?;
    number.parse().ok()
}

fn devices(owner: u32) -> [String; DEVICE_SUFFIXES.len()] {
    DEVICE_SUFFIXES.map(|suffix| format!("{DEVICE_PREFIX}{owner}{suffix}"))
}

/// Every address and network that `ip` names, with the length of its prefix.
fn networks(told: &str) -> Vec<(Ipv4Addr, u8)> {
    let network = |word: &str| {
        let (address, length) = word.split_once('/').unwrap_or((word, "32"));
        Some((address.parse().ok()?, length.parse().ok()?))
    };
    told.split_whitespace().filter_map(network).collect()
}

/// The first `x`, looked for from `from` on, whose `10.213.x.0/29` nobody uses.
fn free_block(from: u8, taken: &[(Ipv4Addr, u8)]) -> Option<u8> {
    let overlaps = |block: u8, (address, length): (Ipv4Addr, u8)| {
        let mask = u32::MAX << (32 - u32::from(length.clamp(1, 29)));
        let ours = Ipv4Addr::new(10, 213, block, 0);
        length >= PREFIX_MIN && (address.to_bits() ^ ours.to_bits()) & mask == 0
    };
    let mut blocks = (0..=u8::MAX).map(|step| from.wrapping_add(step));
    blocks.find(|block| !taken.iter().any(|network| overlaps(*block, *network)))
}

/// Runs `ip`; what it printed, or what it said was wrong.
fn ip(arguments: &[impl AsRef<OsStr>]) -> io::Result<String> {
    let output = IP.dying_with_us()?.args(arguments).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("`ip {}`: {}", words.join(" "), said.trim())))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{SocketAddr, TcpListener},
        process::Stdio,
        time::Duration,
    };

    use super::*;

    fn network(word: &str) -> (Ipv4Addr, u8) {
        networks(word)[0]
    }

    #[test]
    fn addresses_in_use_are_left_alone_and_wide_routes_give_way() {
        assert_eq!(free_block(7, &[]), Some(7));
        let taken = ["10.213.7.6", "10.213.8.0/30", "10.0.0.0/8", "10.213.10.0/23"].map(network);
        assert_eq!(free_block(7, &taken), Some(9));
        assert_eq!(free_block(10, &taken), Some(12));
        assert_eq!(free_block(255, &[network("10.213.255.0/24")]), Some(0));
        assert_eq!(free_block(0, &[network("10.213.0.0/16")]), None);
    }

    #[test]
    fn networks_are_read_from_what_ip_prints() {
        let told = "2: eth0    inet 192.0.2.2/24 brd 192.0.2.255 scope global eth0\n\
                    default via 192.0.2.1 dev eth0 metric 100\nfe80::/64 dev eth0";
        let expected = ["192.0.2.2/24", "192.0.2.255", "192.0.2.1"].map(network);
        assert_eq!(networks(told), expected);
    }

    #[test]
    fn names_tell_whose_they_are_and_fit() {
        for name in devices(4_194_304).iter().map(String::as_str).chain(["rushgate-4194304"]) {
            assert_eq!(owner_in(name), Some(4_194_304));
        }
        assert!(devices(4_194_304).iter().all(|name| name.len() <= 15));
        for foreign in
            ["rg-shop", "rgx-shop", "rg12", "eth0", "rushgate-", "rushgate-x", "rg1-swan"]
        {
            assert_eq!(owner_in(foreign), None, "{foreign}");
        }
    }

    /// Where namespaces are permitted, the whole course of one; elsewhere, that it says why and leaves
    /// nothing.
    #[test]
    fn a_cut_link_loses_everything_in_silence_and_the_rest_arrives_later() {
        let namespace = Namespace::lay();
        let whole = namespace.and_then(|namespace| Ok((through(&namespace)?, namespace)));
        match whole {
            Ok(((while_cut, after), namespace)) => {
                assert_eq!((while_cut, after), (None, Some(b'b')));
                drop(namespace);
            }
            Err(why) => assert!(why.to_string().contains("ip"), "{why}"),
        }
        let names = [NAMESPACES, DEVICES].map(names_in).concat();
        let left = names.iter().filter(|name| owner_in(name) == Some(process::id()));
        assert_eq!(left.count(), 0);
    }

    /// What comes out of a namespace while its link is cut, and what after.
    fn through(namespace: &Namespace) -> io::Result<(Option<u8>, Option<u8>)> {
        let store = TcpListener::bind(SocketAddr::from((namespace.store(), 0)))?;
        let echo = format!(
            "exec 3<>/dev/tcp/{}/{}; cat <&3 >&3",
            namespace.store(),
            store.local_addr()?.port()
        );
        let mut inside = namespace.call(Path::new("bash"))?;
        let mut inside = inside.args(["-c", &echo]).stdout(Stdio::null()).spawn()?;
        let (mut link, _) = store.accept()?;
        link.set_read_timeout(Some(Duration::from_millis(500)))?;
        let mut byte = [0];
        link.write_all(b"a")?;
        link.read_exact(&mut byte)?;
        namespace.cut()?;
        link.write_all(b"b")?;
        let while_cut = link.read_exact(&mut byte).ok().map(|()| byte[0]);
        namespace.mend()?;
        link.set_read_timeout(Some(Duration::from_secs(20)))?;
        let after = link.read_exact(&mut byte).ok().map(|()| byte[0]);
        inside.kill()?;
        inside.wait()?;
        Ok((while_cut, after))
    }
}
