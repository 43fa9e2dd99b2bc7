//! Where and of what the figures were taken: without it they mean nothing.

use std::{fs, thread};

use super::sizes::Sizes;
use crate::{failure::Failure, process::Call, project::Project};

/// Lines of name and value, for the page.
pub(super) fn read(
    project: &Project,
    sizes: &Sizes,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let cpu = field(&file("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory = field(&file("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let memory = memory.split(' ').next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0);
    let memory = memory.div_ceil(1024 * 1024);
    let target = project.target.display().to_string();
    let disk = text(&project.call("df", ["--output=fstype", &target]))?;
    let disk = disk.lines().last().unwrap_or_default();
    let commit = text(&project.call("git", ["rev-parse", "--short=12", "HEAD"]))?;
    let changed = text(&project.call("git", ["status", "--porcelain", "--untracked-files=no"]))?;
    let commit = if changed.is_empty() { commit } else { format!("{commit} with changes") };
    Ok(vec![
        ("date", text(&project.call("date", ["-u", "+%Y-%m-%d"]))?),
        ("commit", commit),
        ("machine", format!("{cores} × {cpu}, {memory} GiB of memory, {disk}")),
        ("kernel", file("/proc/sys/kernel/osrelease").trim().to_owned()),
        ("load before", file("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")),
        ("toolchain", text(&project.call("rustc", ["--version"]))?),
        ("peers", peers(project)),
        ("command", format!("`{}`", sizes.command())),
    ])
}

/// The versions of what the peers run; one that is missing is named as missing.
fn peers(project: &Project) -> String {
    let version = |name: &str, flag: &str| {
        let said = project.call("sh", ["-c", &format!("{name} {flag} 2>&1")]).read();
        let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
        let word = |word: &str| {
            let word = word.trim_start_matches("v=").trim_start_matches("nginx/");
            word.starts_with(|c: char| c.is_ascii_digit()).then(|| word.to_owned())
        };
        let number = said.split_whitespace().find_map(word);
        format!("{name} {}", number.unwrap_or_else(|| "missing".to_owned()))
    };
    [version("redis-server", "--version"), version("nginx", "-v")].join(", ")
}

/// A file of `/proc`, or nothing where there is none.
fn file(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn text(call: &Call) -> Result<String, Failure> {
    Ok(String::from_utf8_lossy(&call.read()?).trim().to_owned())
}
