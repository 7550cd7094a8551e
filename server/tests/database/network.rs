//! A network between the service and its database, which the test makes silent, slow, or cuts.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
};

/// What happens on the way.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    /// Connections with a smaller number carry nothing any more, and nobody is told.
    silent_below: u64,
    /// Connections with a smaller number are reset.
    reset_below: u64,
    /// New connections are reset as well.
    refuses: bool,
    delay: Duration,
}

/// A proxy in front of a server.
pub struct Network {
    pub port: u16,
    way: watch::Sender<Way>,
    opened: Arc<AtomicU64>,
    server: Arc<Mutex<u16>>,
}

impl Network {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let (way, watched) = watch::channel(Way::default());
        let (opened, server) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(port)));
        let network = Self { port: own_port, way, opened: Arc::clone(&opened), server: Arc::clone(&server) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = opened.fetch_add(1, Ordering::SeqCst);
                let address = SocketAddr::from(([127, 0, 0, 1], *server.lock().unwrap()));
                tokio::spawn(carry(client, address, number, watched.clone()));
            }
        });
        network
    }

    /// The same URL, by way of this network.
    pub fn url(&self, url: &str, port: u16) -> String {
        url.replace(&format!(":{port}/"), &format!(":{}/", self.port))
    }

    /// New connections go to another server; those that are there stay where they are.
    pub fn lead_to(&self, port: u16) {
        *self.server.lock().unwrap() = port;
    }

    /// The connections that are there carry nothing any more, as when a NAT forgets them; new ones do.
    pub fn forget_connections(&self) {
        let opened = self.opened.load(Ordering::SeqCst);
        self.way.send_modify(|way| way.silent_below = opened);
    }

    /// Nothing goes through, also not on new connections.
    pub fn silence(&self) {
        self.way.send_modify(|way| way.silent_below = u64::MAX);
    }

    /// The connections that are there are reset.
    pub fn reset(&self) {
        let opened = self.opened.load(Ordering::SeqCst);
        self.way.send_modify(|way| way.reset_below = opened);
    }

    /// There is no server.
    pub fn cut(&self) {
        self.way.send_modify(|way| (way.reset_below, way.refuses) = (u64::MAX, true));
    }

    pub fn delay(&self, delay: Duration) {
        self.way.send_modify(|way| way.delay = delay);
    }

    /// All is well again, for new connections.
    pub fn heal(&self) {
        let opened = self.opened.load(Ordering::SeqCst);
        self.way.send_modify(|way| *way = Way { silent_below: way.silent_below.min(opened), ..Way::default() });
    }
}

/// Carries one connection until it ends or is reset.
async fn carry(client: TcpStream, address: SocketAddr, number: u64, mut way: watch::Receiver<Way>) {
    // Closed without a word, as by a machine that is gone.
    client.set_zero_linger().unwrap();
    if way.borrow().refuses {
        return;
    }
    let Ok(server) = TcpStream::connect(address).await else { return };
    server.set_zero_linger().unwrap();
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let (one, other) =
        (pass(from_client, to_server, number, way.clone()), pass(from_server, to_client, number, way.clone()));
    tokio::select! {
        () = one => {}
        () = other => {}
        _ = way.wait_for(|way| number < way.reset_below) => {}
    }
}

/// Carries one direction.
async fn pass(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, number: u64, mut way: watch::Receiver<Way>) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut bytes).await.unwrap_or(0);
        let now = *way.borrow();
        if number < now.silent_below {
            // Whatever comes, and also that nothing comes any more, is kept from the other side.
            let _ = way.wait_for(|way| number < way.reset_below).await;
            return;
        }
        if length == 0 {
            return;
        }
        tokio::time::sleep(now.delay).await;
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
