//! What the machine itself must have, how to see whether it has it, how Debian installs it, and how other systems get it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::browsers;
use crate::compiler::{self, Rusts};
use crate::display;
use crate::failure::{Failure, Outcome};
use crate::process;
use crate::workspace::Workspace;

/// What the machine must have, the sign that it is there, by whatever way it came, and how each system gets it.
pub struct Need {
    /// In words, with the program that is looked for.
    pub what: &'static str,
    debian: Package,
    /// What a person runs on Fedora.
    fedora: &'static str,
    /// What a person runs on macOS.
    macos: &'static str,
    /// What a person does on any other system.
    other: &'static str,
    is_met: fn(&Rusts) -> bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Package {
    Named(&'static str),
    /// LLVM's linker of the version that rustc was built with.
    Linker,
}

/// A need that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub what: &'static str,
    /// Debian's package.
    pub package: String,
    fedora: &'static str,
    macos: &'static str,
    other: &'static str,
}

const BY_PACKAGE_MANAGER: &str = "by this system's package manager";
const BY_RUSTUP: &str =
    "rustup target add wasm32-unknown-unknown && rustup component add rust-src (rustup.rs has rustup)";

pub const C_COMPILER: &[Need] = &[Need {
    what: "a C compiler with its headers (cc)",
    debian: Package::Named("build-essential"),
    fedora: "dnf install gcc",
    macos: "xcode-select --install",
    other: BY_PACKAGE_MANAGER,
    is_met: |_| {
        let mut compiler = process::command("cc");
        // Where the headers lie differs; that they are found does not.
        compiler.args(["-E", "-include", "stdlib.h", "-x", "c", "/dev/null"]);
        process::answer(compiler).is_some()
    },
}];

const fn rust_for_wasm(package: &'static str) -> Need {
    Need {
        what: "Rust for wasm32-unknown-unknown",
        debian: Package::Named(package),
        fedora: BY_RUSTUP,
        macos: BY_RUSTUP,
        other: BY_RUSTUP,
        is_met: |rusts| rusts.compiler().is_some(),
    }
}

pub const WASM_COMPILER: &[Need] = &[
    rust_for_wasm("rustc-web"),
    rust_for_wasm("cargo-web"),
    rust_for_wasm("rust-web-src"),
    Need {
        what: "a linker for wasm (rust-lld of rustup, or LLVM's wasm-ld)",
        debian: Package::Linker,
        fedora: "dnf install lld",
        macos: "brew install lld",
        other: BY_PACKAGE_MANAGER,
        is_met: Rusts::can_link,
    },
];

/// Clippy and rustfmt come with rustup's default profile; for wasm, clippy must be of the compiler that is used.
pub const LINTS: &[Need] = &[
    Need {
        what: "clippy of the compiler that makes WebAssembly",
        debian: Package::Named("rust-web-clippy"),
        fedora: "rustup component add clippy",
        macos: "rustup component add clippy",
        other: "rustup component add clippy",
        is_met: Rusts::can_lint,
    },
    Need {
        what: "rustfmt",
        debian: Package::Named("rustfmt-web"),
        fedora: "rustup component add rustfmt",
        macos: "rustup component add rustfmt",
        other: "rustup component add rustfmt",
        is_met: Rusts::can_format,
    },
];

/// The demo opens a browser, if there is a display to see it on; where none can be installed, it says its address all the same.
pub const DEMO: &[Need] = &[Need {
    what: "a browser",
    debian: Package::Named("chromium"),
    fedora: "dnf install chromium",
    macos: "brew install --cask google-chrome",
    other: BY_PACKAGE_MANAGER,
    is_met: |_| !display::has_display() || display::of_the_person().is_some(),
}];

pub const CHROMIUM: &[Need] = &[
    Need {
        what: "Chromium or Chrome",
        debian: Package::Named("chromium"),
        fedora: "dnf install chromium",
        macos: "brew install --cask google-chrome",
        other: "by this system's package manager, or CHROMIUM=<its program>",
        is_met: |_| browsers::chromium().is_some(),
    },
    Need {
        what: "Chromium's driver (chromedriver)",
        debian: Package::Named("chromium-driver"),
        fedora: "dnf install chromedriver",
        macos: "brew install --cask chromedriver",
        other: "by this system's package manager; it has to be of the browser's own version",
        is_met: |_| process::find("chromedriver").is_some(),
    },
];

pub const FIREFOX: &[Need] = &[Need {
    what: "Firefox",
    debian: Package::Named("firefox-esr"),
    fedora: "dnf install firefox",
    macos: "brew install --cask firefox",
    other: BY_PACKAGE_MANAGER,
    is_met: |_| browsers::firefox().is_some(),
}];

/// On macOS WebKit is Safari, whose driver comes with it and which needs no display of its own.
pub const WEBKIT: &[Need] = &[
    Need {
        what: "WebKit's driver (WebKitWebDriver; on macOS safaridriver)",
        debian: Package::Named("webkit2gtk-driver"),
        fedora: "dnf install /usr/bin/WebKitWebDriver",
        macos: "it comes with Safari; allow it once with: safaridriver --enable",
        other: "by this system's package manager, with WebKitGTK",
        is_met: |_| browsers::webkit_driver().is_some(),
    },
    Need {
        what: "a display for WebKit, which has no headless mode (xvfb-run, Xvfb)",
        debian: Package::Named("xvfb"),
        fedora: "dnf install xorg-x11-server-Xvfb",
        macos: BY_PACKAGE_MANAGER,
        other: BY_PACKAGE_MANAGER,
        is_met: |_| cfg!(target_os = "macos") || ["xvfb-run", "Xvfb"].iter().all(|name| process::find(name).is_some()),
    },
    Need {
        what: "the keys to that display (xauth)",
        debian: Package::Named("xauth"),
        fedora: "dnf install xorg-x11-xauth",
        macos: BY_PACKAGE_MANAGER,
        other: BY_PACKAGE_MANAGER,
        is_met: |_| cfg!(target_os = "macos") || process::find("xauth").is_some(),
    },
];

/// The tests start a server of their own.
pub const DATABASE: &[Need] = &[Need {
    what: "PostgreSQL's server (postgres, initdb)",
    debian: Package::Named("postgresql"),
    fedora: "dnf install postgresql-server",
    macos: "brew install postgresql@17, and its folder into PATH: $(brew --prefix postgresql@17)/bin",
    other: BY_PACKAGE_MANAGER,
    is_met: |_| postgres_is_met(),
}];

/// The tests of the service ask sites in PHP and Django whose session a cookie is.
pub const SITES: &[Need] = &[
    Need {
        what: "PHP's command",
        debian: Package::Named("php-cli"),
        fedora: "dnf install php-cli",
        macos: "brew install php",
        other: BY_PACKAGE_MANAGER,
        is_met: |_| process::find("php").is_some(),
    },
    Need {
        what: "Django, for the system's Python",
        debian: Package::Named("python3-django"),
        fedora: "dnf install python3-django",
        macos: "python3 -m pip install django",
        other: BY_PACKAGE_MANAGER,
        is_met: |_| has_django(),
    },
];

const fn rails(package: &'static str) -> Need {
    Need {
        what: "Rails, with SQLite and WEBrick",
        debian: Package::Named(package),
        fedora: "dnf install rubygem-rails rubygem-sqlite3 rubygem-webrick",
        macos: "gem install rails sqlite3 webrick rackup",
        other: "gem install rails sqlite3 webrick rackup",
        is_met: |_| {
            let libraries = "require 'rails'; require 'active_record'; require 'sqlite3'; require 'webrick'";
            runs("/usr/bin/ruby", &["-e", libraries]) || runs("ruby", &["-e", libraries])
        },
    }
}

const fn laravel(package: &'static str) -> Need {
    const BY_COMPOSER: &str = "composer require laravel/framework, and LARAVEL_AUTOLOAD=<its vendor/autoload.php>";
    Need {
        what: "Laravel, with Guzzle and SQLite",
        debian: Package::Named(package),
        fedora: BY_COMPOSER,
        macos: BY_COMPOSER,
        other: BY_COMPOSER,
        is_met: |_| {
            let libraries = "foreach (explode(' ', getenv('LARAVEL_AUTOLOAD') ?: 'Illuminate/autoload.php GuzzleHttp/autoload.php') as $file) \
                             require $file; exit(class_exists('GuzzleHttp\\Client') && extension_loaded('pdo_sqlite') ? 0 : 1);";
            runs("php", &["-r", libraries])
        },
    }
}

const fn spring(package: &'static str) -> Need {
    const BY_HAND: &str = "SPRING_JARS=<a folder with Spring MVC and JDBC 4.3, Tomcat 9, H2, Jackson and SLF4J>";
    Need {
        what: "Spring, with Tomcat and H2",
        debian: Package::Named(package),
        fedora: BY_HAND,
        macos: BY_HAND,
        other: BY_HAND,
        is_met: |_| {
            let debian =
                ["spring3-web.servlet", "spring3-jdbc", "tomcat9-catalina", "h2", "jackson-databind", "slf4j-api"];
            let is_there = |name: &&str| Path::new("/usr/share/java").join(format!("{name}.jar")).is_file();
            std::env::var_os("SPRING_JARS").is_some() || debian.iter().all(is_there)
        },
    }
}

/// The tests run the examples of docs/your-own-endpoint.md where their frameworks are.
pub const ENDPOINTS: &[Need] = &[
    rails("ruby-railties"),
    rails("ruby-activerecord"),
    rails("ruby-sqlite3"),
    rails("ruby-webrick"),
    laravel("php-laravel-framework"),
    laravel("php-guzzlehttp-guzzle"),
    laravel("php-sqlite3"),
    Need {
        what: "a Java compiler (javac)",
        debian: Package::Named("default-jdk-headless"),
        fedora: "dnf install java-latest-openjdk-devel",
        macos: "brew install openjdk",
        other: BY_PACKAGE_MANAGER,
        is_met: |_| runs("javac", &["-version"]),
    },
    spring("libspring-web-servlet-java"),
    spring("libspring-jdbc-java"),
    spring("libtomcat9-java"),
    spring("libh2-java"),
    spring("libjackson2-databind-java"),
    spring("libslf4j-java"),
];

/// Another Python in PATH knows nothing of what is installed for the system's.
fn has_django() -> bool {
    ["/usr/bin/python3", "python3"].iter().any(|python| runs(python, &["-c", "import django"]))
}

/// Whether a program is there and ends well with these arguments.
fn runs(program: &str, arguments: &[&str]) -> bool {
    let mut command = process::command(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Debian keeps the server out of PATH, in a folder for each version.
fn postgres_is_met() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    process::find("postgres").is_some()
        || versions.into_iter().any(|version| version.path().join("bin/postgres").is_file())
}

/// What is missing.
pub fn missing<'a>(rusts: &Rusts, needs: impl IntoIterator<Item = &'a Need>) -> Vec<Missing> {
    let unmet = needs.into_iter().filter(|need| !(need.is_met)(rusts));
    unmet
        .map(|&Need { what, debian, fedora, macos, other, .. }| {
            let package = match (debian, rusts.in_path.llvm()) {
                (Package::Named(name), _) => name.to_owned(),
                (Package::Linker, Some(llvm)) => format!("lld-{llvm}"),
                (Package::Linker, None) => "lld".to_owned(),
            };
            Missing { what, package, fedora, macos, other }
        })
        .collect()
}

/// How packages can be installed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installer {
    Root,
    Sudo,
    /// Debian, but this account may not install.
    NotAllowed,
    /// Another system, on which nothing is installed for the person.
    Fedora,
    Macos,
    Other,
}

impl Installer {
    pub fn find() -> Self {
        if process::find("apt-get").is_none() {
            return match process::find("dnf") {
                _ if cfg!(target_os = "macos") => Self::Macos,
                Some(_) => Self::Fedora,
                None => Self::Other,
            };
        }
        let mut id = process::command("id");
        id.arg("-u");
        if process::answer(id).as_deref() == Some("0") {
            return Self::Root;
        }
        let mut sudo = process::command("sudo");
        sudo.args(["-n", "true"]);
        if process::answer(sudo).is_some() { Self::Sudo } else { Self::NotAllowed }
    }

    /// Whether it installs what is missing, rather than say how.
    pub fn installs(self) -> bool {
        matches!(self, Self::Root | Self::Sudo)
    }

    /// A command that may change the system.
    fn command(self, program: &str) -> Command {
        if self != Self::Sudo {
            return process::command(program);
        }
        let mut sudo = process::command("sudo");
        sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive", program]);
        sudo
    }

    fn apt_get(self) -> Command {
        let mut command = self.command("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        command
    }
}

/// Says to Debian's PostgreSQL, while it is being installed, that no database of its own is wanted: it would be started now and at
/// every start of the machine, and the tests start theirs themselves.
const NO_DATABASE: &str = "/etc/postgresql-common/createcluster.d/custom-identity-provider.conf";

/// Runs an installation during which Debian's PostgreSQL makes no database.
fn without_database(installer: Installer, install: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    let folder = NO_DATABASE.rsplit_once('/').map_or("", |(folder, _)| folder);
    let run = |program: &str, arguments: &[&str]| {
        let mut command = installer.command(program);
        command.args(arguments);
        process::run_shown(command, |_| ())
    };
    run("mkdir", &["-p", folder])?;
    run("sh", &["-c", &format!("echo 'create_main_cluster = false' > {NO_DATABASE}")])?;
    let installed = install();
    run("rm", &["-f", NO_DATABASE])?;
    installed
}

/// What to tell a person for whom nothing can be installed: what is missing, and how to get it.
pub fn missing_sentence(missing: &[Missing], installer: Installer) -> String {
    if installer == Installer::NotAllowed {
        let list = packages(missing).join(" ");
        let wasm = if list.contains("rustc-web") {
            format!(
                " (rustc-web, cargo-web and rust-web-src are not needed after: rustup target add {})",
                compiler::TARGET
            )
        } else {
            String::new()
        };
        return format!(
            "missing on this machine, and this account may not install it: {list}; ask an administrator to run: \
             apt-get install --no-install-recommends {list}{wasm}"
        );
    }
    format!("missing on this machine:\n{}", cures(missing, installer))
}

/// What to tell a person for whom it goes on without what would be better.
pub fn without_sentence(wished: &[Missing], installer: Installer) -> String {
    if installer == Installer::NotAllowed {
        let list = packages(wished).join(" ");
        return format!(
            "going on without {list}; an administrator can run: apt-get install --no-install-recommends {list}"
        );
    }
    format!("going on without:\n{}", cures(wished, installer))
}

/// A line for each thing that is missing, with the way to get it on this system.
fn cures(missing: &[Missing], installer: Installer) -> String {
    let mut lines: Vec<String> = Vec::new();
    for thing in missing {
        let cure = match installer {
            Installer::Fedora => thing.fedora,
            Installer::Macos => thing.macos,
            _ => thing.other,
        };
        let line = format!("  {}: {cure}", thing.what);
        // Debian has one thing in several packages.
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// Their names on Debian.
pub fn packages(missing: &[Missing]) -> Vec<&str> {
    missing.iter().map(|thing| thing.package.as_str()).collect()
}

/// What to tell where the installation went well, and these needs are not met all the same.
pub fn still_missing_sentence(missing: &[Missing]) -> String {
    let packages = packages(missing);
    let list = packages.join(" ");
    if packages.contains(&"rustc-web") {
        let (major, minor) = compiler::OLDEST;
        return format!(
            "still missing after installing: {list}; Rust {major}.{minor} or newer is needed, which Debian 12 brings with its security \
             updates: add bookworm-security to apt's sources, or run: rustup target add {}",
            compiler::TARGET
        );
    }
    format!("still missing after installing {list}:\n{}", cures(missing, Installer::Other))
}

/// What to tell where apt is not Debian's and does not have all of Debian's packages; None when it failed for another reason.
fn unknown_sentence(missing: &[Missing], apt_says: &str) -> Option<String> {
    let is_unknown = |thing: &&Missing| {
        let package = &thing.package;
        apt_says.lines().any(|line| {
            line == format!("E: Unable to locate package {package}")
                || line == format!("E: Package '{package}' has no installation candidate")
        })
    };
    let unknown: Vec<Missing> = missing.iter().filter(is_unknown).cloned().collect();
    (!unknown.is_empty()).then(|| {
        let list = packages(&unknown).join(" ");
        format!("missing on this machine, and its apt does not have {list}:\n{}", cures(&unknown, Installer::Other))
    })
}

/// Installs packages that are missing.
pub fn install(workspace: &Workspace, missing: &[Missing], installer: Installer) -> Outcome<()> {
    let packages = packages(missing);
    let logs = workspace.scratch("logs")?;
    let mut update = installer.apt_get();
    update.arg("update");
    process::run_quietly(update, &logs.join("apt-get-update.log"))?;
    let mut install = installer.apt_get();
    install.args(["install", "--yes", "--no-install-recommends"]).args(&packages);
    let log = logs.join("apt-get-install.log");
    let install = || {
        process::run_quietly(install, &log).map_err(|failure| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            unknown_sentence(missing, &said).map_or(failure, Failure::new)
        })
    };
    if packages.contains(&"postgresql") { without_database(installer, install) } else { install() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiler::Parts;

    fn nothing() -> Rusts {
        Rusts::default()
    }

    fn unmet(needs: &[Need]) -> Vec<Missing> {
        let unmet = needs.iter().map(|need| Need { is_met: |_| false, ..*need });
        missing(&nothing(), unmet.collect::<Vec<Need>>().iter())
    }

    #[test]
    fn who_may_not_install_is_told_whom_to_ask_for_what() {
        assert_eq!(
            missing_sentence(&unmet(&CHROMIUM[..1]), Installer::NotAllowed),
            "missing on this machine, and this account may not install it: chromium; ask an administrator to run: \
             apt-get install --no-install-recommends chromium"
        );
    }

    #[test]
    fn other_systems_are_told_in_their_own_words() {
        let all = || [C_COMPILER, WASM_COMPILER, LINTS, CHROMIUM, FIREFOX, WEBKIT, DATABASE].map(unmet).concat();
        for (installer, word) in [(Installer::Fedora, "dnf install"), (Installer::Macos, "brew install")] {
            let sentence = missing_sentence(&all(), installer);
            assert!(sentence.contains(word), "{sentence}");
            assert!(!sentence.contains("apt") && !sentence.contains("esr"), "{sentence}");
        }
        let macos = missing_sentence(&unmet(WEBKIT), Installer::Macos);
        assert!(macos.contains("safaridriver --enable"), "{macos}");
        let fedora = missing_sentence(&unmet(FIREFOX), Installer::Fedora);
        assert_eq!(fedora, "missing on this machine:\n  Firefox: dnf install firefox");
        let other = missing_sentence(&unmet(&CHROMIUM[1..]), Installer::Other);
        assert!(other.contains("chromedriver") && other.contains("package manager"), "{other}");
    }

    #[test]
    fn who_goes_on_without_is_told_how_to_get_it() {
        let wished = unmet(&ENDPOINTS[..4]);
        assert_eq!(
            without_sentence(&wished, Installer::Macos),
            "going on without:\n  Rails, with SQLite and WEBrick: gem install rails sqlite3 webrick rackup"
        );
        let debian = without_sentence(&wished, Installer::NotAllowed);
        assert!(debian.ends_with("ruby-railties ruby-activerecord ruby-sqlite3 ruby-webrick"), "{debian}");
    }

    #[test]
    fn outside_of_debian_rust_for_wasm_is_one_line_and_rustups() {
        for installer in [Installer::Fedora, Installer::Macos, Installer::Other] {
            let sentence = missing_sentence(&unmet(&WASM_COMPILER[..3]), installer);
            assert_eq!(sentence.lines().count(), 2, "{sentence}");
            assert!(sentence.contains("rustup target add wasm32-unknown-unknown"), "{sentence}");
        }
    }

    #[test]
    fn who_has_rustup_is_told_the_shorter_way_to_the_wasm_target() {
        let sentence = missing_sentence(&unmet(WASM_COMPILER), Installer::NotAllowed);
        assert!(sentence.ends_with("after: rustup target add wasm32-unknown-unknown)"), "{sentence}");
    }

    #[test]
    fn who_has_too_old_a_compiler_is_told_where_a_newer_one_is() {
        let sentence = still_missing_sentence(&unmet(WASM_COMPILER));
        assert!(sentence.contains("Rust 1.95 or newer") && sentence.contains("bookworm-security"), "{sentence}");
        let sentence = still_missing_sentence(&unmet(&LINTS[1..]));
        assert_eq!(sentence, "still missing after installing rustfmt-web:\n  rustfmt: rustup component add rustfmt");
    }

    #[test]
    fn an_apt_that_is_not_debians_is_told_from_one_that_fails() {
        let missing = [unmet(&WASM_COMPILER[..1]), unmet(CHROMIUM)].concat();
        let said = "Reading package lists...\nE: Unable to locate package rustc-web\n\
            E: Package 'chromium-driver' has no installation candidate\n";
        let sentence = unknown_sentence(&missing, said).unwrap();
        assert!(sentence.contains("does not have rustc-web chromium-driver:"), "{sentence}");
        assert!(sentence.contains("rustup target add") && sentence.contains("chromedriver"), "{sentence}");
        assert!(!sentence.contains("Chromium or Chrome"), "{sentence}");
        assert_eq!(unknown_sentence(&missing, "E: Could not get lock /var/lib/dpkg/lock"), None);
    }

    #[test]
    fn the_linker_is_of_the_compilers_llvm() {
        let version = "rustc 1.96.0\nLLVM version: 22.1.2".to_owned();
        let rusts = Rusts { in_path: Parts { version, ..Parts::default() }, ..Rusts::default() };
        assert_eq!(packages(&missing(&rusts, &WASM_COMPILER[3..])), ["lld-22"]);
        assert_eq!(packages(&missing(&nothing(), &WASM_COMPILER[3..])), ["lld"]);
    }

    #[test]
    fn only_what_is_missing_is_named() {
        let there = Need { is_met: |_| true, ..FIREFOX[0] };
        let absent = Need { is_met: |_| false, ..DATABASE[0] };
        assert_eq!(packages(&missing(&nothing(), &[there, absent])), ["postgresql"]);
    }
}
