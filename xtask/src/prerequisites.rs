//! What the tests need beyond Rust.
//!
//! Owns the list of programs with the package each comes in, and installs what is missing where
//! that needs nobody's leave: as root, on a system with `apt-get`. Anywhere else it fails with the
//! exact command to type. Refuses to let a test skip itself for want of a program.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use crate::{failure::Failure, process::Call, project::Project};

/// A program that some test calls.
#[derive(Debug)]
struct Prerequisite {
    command: &'static str,
    /// The Debian package it comes in.
    package: &'static str,
    needed_for: &'static str,
}

const PREREQUISITES: [Prerequisite; 16] = [
    Prerequisite {
        command: "git",
        package: "git",
        needed_for: "listing the tracked files for tidy",
    },
    Prerequisite {
        command: "strace",
        package: "strace",
        needed_for: "failing a sync of the journal",
    },
    Prerequisite {
        command: "mkfs.ext4",
        package: "e2fsprogs",
        needed_for: "a file system to cut the power of",
    },
    Prerequisite {
        command: "losetup",
        package: "mount",
        needed_for: "a file system to cut the power of",
    },
    Prerequisite {
        command: "mount",
        package: "mount",
        needed_for: "a file system to cut the power of",
    },
    Prerequisite {
        command: "setpriv",
        package: "util-linux",
        needed_for: "servers that end with the test or bench that started them",
    },
    Prerequisite {
        command: "ip",
        package: "iproute2",
        needed_for: "a node on a network of its own, to be cut off",
    },
    Prerequisite {
        command: "redis-server",
        package: "redis-server",
        needed_for: "the stream of orders; the store of several nodes; the benches",
    },
    Prerequisite {
        command: "redis-cli",
        package: "redis-tools",
        needed_for: "the worker that the documents show",
    },
    Prerequisite {
        command: "initdb",
        package: "postgresql",
        needed_for: "the shop's other database",
    },
    Prerequisite {
        command: "nginx",
        package: "nginx",
        needed_for: "the balancer before nodes; the benches: another server's bytes",
    },
    Prerequisite {
        command: "haproxy",
        package: "haproxy",
        needed_for: "the other balancer before nodes",
    },
    Prerequisite {
        command: "chromium",
        package: "chromium",
        needed_for: "the room page in a real browser",
    },
    Prerequisite {
        command: "chromedriver",
        package: "chromium-driver",
        needed_for: "telling the browser what to do",
    },
    Prerequisite {
        command: "npm",
        package: "npm",
        needed_for: "axe-core, which finds what keeps people from using a page",
    },
    Prerequisite {
        command: "pip3",
        package: "python3-pip",
        needed_for: "requests made up from the API's description",
    },
];

/// Where system administration commands are, though not on everybody's `PATH`.
const SYSTEM_DIRECTORIES: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Where Debian puts the programs of each version of PostgreSQL.
const POSTGRESQL_VERSIONS: &str = "/usr/lib/postgresql";

/// Where Debian's package looks whether it is to make and start a server of its own, and what tells it
/// not to: the tests start theirs.
const NO_CLUSTER: (&str, &str) =
    ("/etc/postgresql-common/createcluster.d", "create_main_cluster = false\n");

/// Makes sure that every prerequisite is there.
pub(crate) fn check(_: &Project) -> Result<(), Failure> {
    let directories = directories();
    for prerequisite in &PREREQUISITES {
        let found = find(prerequisite.command, &directories);
        let place = found.map_or_else(|| "MISSING".to_owned(), |path| path.display().to_string());
        println!("{:<13} {place:<22} {}", prerequisite.command, prerequisite.needed_for);
    }
    let wanted = missing(&directories);
    if wanted.is_empty() {
        return Ok(());
    }
    let packages = packages(&wanted);
    if !(is_root() && find("apt-get", &directories).is_some()) {
        return Err(refusal(&wanted, &packages));
    }
    install(&packages)?;
    let wanted = missing(&directories);
    if wanted.is_empty() { Ok(()) } else { Err(refusal(&wanted, &packages)) }
}

/// Makes sure that rustfmt and clippy, which rustup's minimal profile leaves out, are there.
pub(crate) fn check_components(project: &Project) -> Result<(), Failure> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let probe = project.cargo([subcommand, "--version"]);
        if probe.succeeds() {
            println!("{component} is there");
            continue;
        }
        let add = project.call("rustup", ["component", "add", component]);
        add.run()
            .map_err(|_| Failure::Missing { commands: vec![component], remedy: add.spelled() })?;
        probe.run()?;
    }
    Ok(())
}

fn missing(directories: &[PathBuf]) -> Vec<&'static Prerequisite> {
    let absent = |p: &&Prerequisite| find(p.command, directories).is_none();
    PREREQUISITES.iter().filter(absent).collect()
}

fn packages(wanted: &[&Prerequisite]) -> BTreeSet<&'static str> {
    wanted.iter().map(|p| p.package).collect()
}

fn refusal(wanted: &[&Prerequisite], packages: &BTreeSet<&str>) -> Failure {
    let packages = packages.iter().copied().collect::<Vec<_>>().join(" ");
    Failure::Missing {
        commands: wanted.iter().map(|p| p.command).collect(),
        remedy: format!("on Debian, run as root: apt-get install {packages}"),
    }
}

fn install(packages: &BTreeSet<&str>) -> Result<(), Failure> {
    let apt = || Call::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    // A fresh container has no package lists at all.
    apt().args(["update"]).run()?;
    let (directory, text) = NO_CLUSTER;
    let file = Path::new(directory).join("rushgate.conf");
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&file, text))
        .map_err(|source| Failure::Disk { path: file, source })?;
    apt().args(["install", "--yes", "--no-install-recommends"]).args(packages).run()
}

fn is_root() -> bool {
    Call::new("id").args(["-u"]).read().is_ok_and(|uid| uid.trim_ascii() == b"0")
}

fn directories() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir(POSTGRESQL_VERSIONS).into_iter().flatten().flatten();
    let of_versions = versions.map(|version| version.path().join("bin"));
    env::split_paths(&path)
        .chain(SYSTEM_DIRECTORIES.map(PathBuf::from))
        .chain(of_versions)
        .collect()
}

fn find(command: &str, directories: &[PathBuf]) -> Option<PathBuf> {
    directories.iter().map(|directory| directory.join(command)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nowhere_on_the_path_is_missing() {
        assert_eq!(missing(&[]).len(), PREREQUISITES.len());
        assert!(find("sh", &directories()).is_some());
        assert!(find("no-such-program", &directories()).is_none());
    }

    #[test]
    fn the_refusal_names_commands_and_each_package_once() {
        let wanted = missing(&[]);
        let message = refusal(&wanted, &packages(&wanted)).to_string();
        let expected = "missing git, strace, mkfs.ext4, losetup, mount, setpriv, ip, redis-server, \
             redis-cli, initdb, nginx, haproxy, chromium, chromedriver, npm, pip3: on Debian, run as root: \
             apt-get install chromium chromium-driver e2fsprogs git haproxy iproute2 mount nginx npm postgresql python3-pip redis-server redis-tools strace util-linux";
        assert_eq!(message, expected);
    }
}
