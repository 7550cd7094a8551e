//! Sites as they are, in PHP, Django and Express, which know nothing of this service: their ordinary sessions are enough.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use identity_service::admission::{
    questions::QuestionSettings,
    session::SessionSource,
    site_session::{SiteSessionSettings, SiteSessions},
};
use serde_json::Value;

use crate::support::{Given, World, until};

/// A site, which ends when it is dropped.
struct Site(Child, String);

impl Drop for Site {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service/sites").join(name)
}

/// Whether this machine has what the site is made of: a program that ends well then.
fn is_there(program: &str, arguments: &[&str]) -> bool {
    let ran = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = ran.is_ok_and(|status| status.success());
    if !found {
        println!("{program} {arguments:?} does not run here: that site is not tried");
    }
    found
}

impl Site {
    async fn start(program: &str, arguments: impl Fn(u16) -> Vec<String>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        let child = command.args(arguments(port)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let address = format!("127.0.0.1:{port}");
        until("the site", || std::net::TcpStream::connect(&address).is_ok()).await;
        Self(child, format!("http://{address}"))
    }

    /// What a browser goes through: nobody, signed in as somebody, as somebody else, signed out.
    async fn is_understood(&self) {
        let questions = QuestionSettings { timeout: Duration::from_secs(20), keep: Duration::from_millis(50) };
        let source = SiteSessions::new(SiteSessionSettings {
            url: format!("{}/me", self.1).parse().unwrap(),
            customer_claim: "id".to_owned(),
            cookie: None,
            questions,
        });
        let world =
            World::with(Given { session: Some(SessionSource::Site(source.unwrap())), ..Given::default() }).await;
        let token = async |cookie: &str| {
            let request = world.http.post(world.server.url("/livechat/token")).header("origin", world.server.url(""));
            let response = request.header("cookie", cookie).send().await.unwrap();
            let status = response.status().as_u16();
            (status, response.json::<Value>().await.unwrap()["entity_id"].clone())
        };
        let visit = async |path: &str, cookie: &str| {
            let response = world.http.get(format!("{}{path}", self.1)).header("cookie", cookie).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let set = response.headers().get_all("set-cookie").iter().next_back().map(|value| value.to_str().unwrap());
            set.map(|text| text.split(';').next().unwrap().to_owned())
        };
        assert_eq!(token("theme=dark").await.0, 401);
        assert_eq!(token("PHPSESSID=invented; sessionid=invented; connect.sid=s%3Ainvented.x").await.0, 401);
        let ada = visit("/sign-in?as=1", "theme=dark").await.unwrap();
        let bob = visit("/sign-in?as=2", "theme=dark").await.unwrap();
        let (status, first) = token(&format!("theme=dark; {ada}")).await;
        assert_eq!(status, 200);
        assert_eq!(token(&ada).await, (200, first.clone()), "the same customer");
        let (status, second) = token(&bob).await;
        assert!(status == 200 && second != first, "another customer");
        let left = visit("/sign-out", &ada).await.unwrap_or(ada);
        while token(&left).await.0 == 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!((token(&left).await.0, token(&bob).await), (401, (200, second)));
        assert_eq!(world.customers(), 2);
    }
}

#[tokio::test]
async fn a_site_in_php() {
    if is_there("php", &["-r", "exit(function_exists('session_start') ? 0 : 1);"]) {
        let folder = tempfile::tempdir().unwrap();
        let sessions = format!("session.save_path={}", folder.path().display());
        let script = file("site.php").display().to_string();
        let arguments = |port| ["-d", &sessions, "-S", &format!("127.0.0.1:{port}"), &script].map(str::to_owned).into();
        Site::start("php", arguments).await.is_understood().await;
    }
}

#[tokio::test]
async fn a_site_in_django() {
    if is_there("python3", &["-c", "import django"]) {
        let script = file("site.py").display().to_string();
        let site = Site::start("python3", |port| vec![script.clone(), port.to_string()]).await;
        site.is_understood().await;
    }
}

#[tokio::test]
async fn a_site_in_express() {
    if is_there("node", &["-e", "require('express'), require('express-session')"]) {
        let script = file("site.cjs").display().to_string();
        let site = Site::start("node", |port| vec![script.clone(), port.to_string()]).await;
        site.is_understood().await;
    }
}
