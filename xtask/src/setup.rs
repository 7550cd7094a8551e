//! Brings the machine to where a command can run: quick when nothing is missing, and it says what it does and how long that takes.

use std::time::{Duration, Instant};

use crate::browsers::{self, Browser};
use crate::compiler::Rusts;
use crate::failure::{Failure, Outcome, While};
use crate::npm;
use crate::process;
use crate::ready::Ready;
use crate::rustup::{self, Rustup};
use crate::system_packages::{self, Installer, Need};
use crate::tools;
use crate::workspace::{self, Workspace};

/// The Node that the tools need, and what this project is tested with.
const OLDEST_NODE: u32 = 20;

/// What is being prepared for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    Build,
    Demo,
    /// These parts of the tests.
    Test(Vec<Part>),
}

/// What a part of the tests needs beyond what building needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Lints,
    /// What is known of the dependencies.
    Dependencies,
    Browser(Browser),
    Database,
    /// Sites that the service is asked by.
    Sites,
    /// The frameworks of the documentation's endpoints.
    Endpoints,
    /// The npm packages of a folder of tests.
    Packages(&'static str),
}

impl Part {
    /// All there are.
    pub const ALL: &[Self] = &[
        Self::Lints,
        Self::Dependencies,
        Self::Database,
        Self::Sites,
        Self::Endpoints,
        Self::Browser(Browser::Chromium),
        Self::Browser(Browser::Firefox),
        Self::Browser(Browser::WebKit),
        Self::Packages(npm::PACKAGING),
        Self::Packages(npm::ENVIRONMENTS),
        Self::Packages(npm::END_TO_END),
        Self::Packages(npm::BENCH),
    ];

    fn needs(self) -> &'static [Need] {
        match self {
            Self::Lints => system_packages::LINTS,
            Self::Browser(Browser::Chromium) => system_packages::CHROMIUM,
            Self::Browser(Browser::Firefox) => system_packages::FIREFOX,
            Self::Browser(Browser::WebKit) => system_packages::WEBKIT,
            Self::Database => system_packages::DATABASE,
            Self::Sites => system_packages::SITES,
            Self::Dependencies | Self::Endpoints | Self::Packages(_) => &[],
        }
    }

    /// Where this cannot be had, its tests are passed over, and say so.
    fn wishes(self) -> &'static [&'static [Need]] {
        if self == Self::Endpoints { &[system_packages::SITES, system_packages::ENDPOINTS] } else { &[] }
    }
}

impl Purpose {
    fn parts(&self) -> &[Part] {
        match self {
            Self::Build | Self::Demo => &[],
            Self::Test(parts) => parts,
        }
    }

    /// What it cannot do without.
    fn needs(&self) -> impl Iterator<Item = &'static Need> {
        let parts = self.parts().iter().copied().flat_map(Part::needs);
        [system_packages::C_COMPILER, system_packages::WASM_COMPILER].into_iter().flatten().chain(parts)
    }

    /// What it is better with, if it can be installed.
    fn wishes(&self) -> impl Iterator<Item = &'static Need> {
        let demo = if *self == Self::Demo { system_packages::DEMO } else { &[] };
        let parts = self.parts().iter().flat_map(|part| part.wishes()).copied().flatten();
        demo.iter().chain(parts)
    }

    /// The folders whose npm packages it uses.
    fn folders(&self) -> Vec<&'static str> {
        let tests =
            self.parts().iter().filter_map(|part| if let Part::Packages(folder) = part { Some(*folder) } else { None });
        [npm::BUILD].into_iter().chain(tests).collect()
    }
}

/// Whether rustup is asked again for what it could not add before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    Once,
    Anew,
}

/// Does what is missing for `purpose`; installs no system package at all when one is missing that it may not install.
pub fn run(workspace: &Workspace, purpose: &Purpose, asking: Asking) -> Outcome<Ready> {
    let began = Instant::now();
    check_node()?;
    check_cache()?;
    let rusts = ask_rustup(workspace, Rusts::find()?, purpose, asking)?;
    let mut missing = system_packages::missing(&rusts, purpose.needs());
    let mut wished = system_packages::missing(&rusts, purpose.wishes());
    wished.retain(|thing| !missing.contains(thing));
    let installer = if missing.is_empty() && wished.is_empty() { Installer::Root } else { Installer::find() };
    if !missing.is_empty() && !installer.installs() {
        return Err(Failure::new(system_packages::missing_sentence(&missing, installer)));
    }
    let installs_wishes = installer.installs();
    if installs_wishes {
        missing.extend(wished);
    } else if !wished.is_empty() {
        say(&system_packages::without_sentence(&wished, installer));
    }
    let wasm_bindgen = tools::wasm_bindgen(workspace)?;
    let in_firefox = purpose.parts().contains(&Part::Browser(Browser::Firefox));
    let geckodriver = if in_firefox { Some(tools::geckodriver()?) } else { None };
    let checks_dependencies = purpose.parts().contains(&Part::Dependencies);
    let cargo_deny = if checks_dependencies { Some(tools::cargo_deny()?) } else { None };
    let folders = npm::outdated(workspace, &purpose.folders())?;

    // Packages come over the network while the processor compiles the tools.
    let outcomes: Vec<Outcome<()>> = std::thread::scope(|scope| {
        let system = scope.spawn(|| {
            if missing.is_empty() {
                return Ok(());
            }
            let what = format!("system packages {}", system_packages::packages(&missing).join(" "));
            step(&what, || system_packages::install(workspace, &missing, installer))
        });
        let packages = scope.spawn(|| {
            folders.iter().try_for_each(|folder| {
                let shown = folder.strip_prefix(workspace.root()).unwrap_or(folder).display().to_string();
                let place = if shown.is_empty() { "the workspace" } else { &shown };
                step(&format!("npm packages of {place}"), || npm::install(workspace, folder))
            })
        });
        let programs = scope.spawn(|| {
            [Some(&wasm_bindgen), geckodriver.as_ref(), cargo_deny.as_ref()]
                .into_iter()
                .flatten()
                .filter(|tool| !tool.is_built())
                .try_for_each(|tool| step(&tool.name, || tool.build(workspace)))
        });
        [system, packages, programs]
            .into_iter()
            .map(|lane| {
                lane.join()
                    .unwrap_or_else(|_| Err(Failure::new("a part of the set-up crashed; this is a bug in xtask")))
            })
            .collect()
    });
    let failures: Vec<String> =
        outcomes.into_iter().filter_map(Result::err).map(|failure| failure.to_string()).collect();
    if !failures.is_empty() {
        return Err(Failure::new(failures.join("\n")));
    }

    // Whatever the installers said, only what is there now counts.
    let rusts = if missing.is_empty() { rusts } else { Rusts::find()? };
    let wishes = purpose.wishes().filter(|_| installs_wishes && *purpose != Purpose::Demo);
    let still = system_packages::missing(&rusts, purpose.needs().chain(wishes));
    if !still.is_empty() {
        return Err(Failure::new(system_packages::still_missing_sentence(&still)));
    }
    let compiler = rusts.compiler().ok_or_else(|| Failure::new("no compiler for WebAssembly was found"))?;
    for part in purpose.parts() {
        if let Part::Browser(browser) = part {
            browsers::check(*browser)?;
        }
    }
    say(&format!("ready after {}; WebAssembly by {}", seconds(began.elapsed()), compiler.describe()));
    Ok(Ready { compiler, wasm_bindgen, geckodriver, cargo_deny })
}

/// What the toolchain in PATH lacks is asked of rustup first: it is smaller than a system's packages, and needs no rights.
fn ask_rustup(workspace: &Workspace, rusts: Rusts, purpose: &Purpose, asking: Asking) -> Outcome<Rusts> {
    let wanted = rustup::wanted(&rusts, purpose.parts().contains(&Part::Lints));
    if wanted.is_empty() {
        return Ok(rusts);
    }
    let Some(rustup) = Rustup::find(workspace, &rusts)? else { return Ok(rusts) };
    // Where nothing works without, a network may have come back.
    if asking == Asking::Once && rusts.compiler().is_some() && rustup.has_refused() {
        return Ok(rusts);
    }
    let mut has_added = false;
    for addition in wanted {
        let words = Rustup::words(addition);
        say(&format!("{words} …"));
        let began = Instant::now();
        match rustup.add(workspace, addition) {
            Ok(()) => {
                has_added = true;
                say(&format!("{words}: done in {}", seconds(began.elapsed())));
            }
            Err(failure) => {
                let reason = failure.to_string();
                let reason = rustup::reason(&reason);
                say(&format!("{words}: cannot be had ({reason}); going on without; cargo xtask setup asks again"));
                break;
            }
        }
    }
    if has_added { Rusts::find() } else { Ok(rusts) }
}

fn check_node() -> Outcome<()> {
    let mut node = process::command("node");
    node.arg("--version");
    judge_node(process::answer(node).as_deref(), process::find("npm").is_some())
        .map_or(Ok(()), |sentence| Err(Failure::new(sentence)))
}

/// What is wrong with this machine's Node, if anything.
fn judge_node(node: Option<&str>, has_npm: bool) -> Option<String> {
    let version = node.and_then(|text| text.strip_prefix('v')?.split('.').next()?.parse::<u32>().ok());
    match (version, has_npm) {
        (Some(version), true) if version >= OLDEST_NODE => None,
        (Some(version), false) if version >= OLDEST_NODE => Some(
            "npm is missing: it comes with Node from nodejs.org, and as a package of its own (npm) from most systems"
                .to_owned(),
        ),
        _ => Some(format!(
            "Node {OLDEST_NODE} or later is missing{}; see nodejs.org",
            node.map(|version| format!(" (node is {version})")).unwrap_or_default()
        )),
    }
}

/// The tools take minutes to build: better to know before that they can be kept.
fn check_cache() -> Outcome<()> {
    let folder = workspace::cache()?;
    let probe = folder.join(format!("probe.{}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&probe, []))
        .and_then(|()| std::fs::remove_file(&probe))
        .while_doing(format_args!(
            "{} cannot be written, where tools are kept; XDG_CACHE_HOME names another place",
            folder.display()
        ))
}

fn step(what: &str, work: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    say(&format!("{what} …"));
    let began = Instant::now();
    let outcome = work();
    let end = if outcome.is_ok() { "done in" } else { "FAILED after" };
    say(&format!("{what}: {end} {}", seconds(began.elapsed())));
    outcome
}

fn say(text: &str) {
    println!("setup: {text}");
}

/// 83.4 s, for people.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_node_is_one_sentence() {
        assert_eq!(judge_node(Some("v20.1.0"), true), None);
        let old = judge_node(Some("v18.19.0"), true).unwrap();
        assert_eq!(old, "Node 20 or later is missing (node is v18.19.0); see nodejs.org");
        assert_eq!(judge_node(None, false).unwrap(), "Node 20 or later is missing; see nodejs.org");
        assert!(judge_node(Some("v24.0.0"), false).unwrap().starts_with("npm is missing"));
    }

    #[test]
    fn building_and_the_demo_need_only_compilers() {
        for purpose in [Purpose::Build, Purpose::Demo] {
            let needs = [system_packages::C_COMPILER, system_packages::WASM_COMPILER].into_iter().flatten();
            assert!(purpose.needs().map(|need| need.what).eq(needs.map(|need| need.what)), "{purpose:?}");
            assert_eq!(purpose.folders(), [npm::BUILD]);
        }
    }

    #[test]
    fn a_step_of_the_tests_needs_only_its_own_browser() {
        let purpose = Purpose::Test(vec![Part::Browser(Browser::Firefox)]);
        let needs: Vec<&str> = purpose.needs().map(|need| need.what).collect();
        assert!(needs.contains(&"Firefox") && !needs.iter().any(|what| what.contains("WebKit")), "{needs:?}");
        assert!(!needs.iter().any(|what| what.contains("PostgreSQL")), "{needs:?}");
    }

    #[test]
    fn the_frameworks_of_endpoints_are_wished_for_and_stop_nobody() {
        let purpose = Purpose::Test(vec![Part::Endpoints]);
        let whats = |needs: &mut dyn Iterator<Item = &'static Need>| needs.map(|need| need.what).collect::<Vec<_>>();
        let (needs, wishes) = (whats(&mut purpose.needs()), whats(&mut purpose.wishes()));
        for framework in ["Rails", "Laravel", "Spring", "Django"] {
            assert!(wishes.iter().any(|what| what.contains(framework)), "{framework}: {wishes:?}");
            assert!(!needs.iter().any(|what| what.contains(framework)), "{framework}: {needs:?}");
        }
    }
}
