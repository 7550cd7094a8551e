//! Rebuilds when a migration is added: the migrations are compiled into the service.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
