//! Key files as they come: written by any tool, mounted by any system, and told apart when they are something else.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use identity_service::{live_assist::json_web_encryption::EncryptionKey, signing_keys::SigningKey};
use tempfile::TempDir;

use crate::signing::Keys;

fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with one file of a key.
struct KeyFile {
    _folder: TempDir,
    file: PathBuf,
}

impl KeyFile {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.pem");
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        Self { _folder: folder, file }
    }

    fn path(&self) -> &str {
        self.file.to_str().unwrap()
    }

    fn id(&self) -> Result<String, String> {
        SigningKey::read(&self.file).map(|key| key.id().to_owned()).map_err(|error| error.to_string())
    }
}

fn rsa_key() -> String {
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
}

/// The base64 of a PEM text, in one line.
fn base64(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

fn in_columns(pem: &str, columns: usize, end: &str) -> String {
    let lines = base64(pem).into_bytes();
    let lines: Vec<&str> = lines.chunks(columns).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----{end}{}{end}-----END PRIVATE KEY-----{end}", lines.join(end))
}

#[test]
fn a_key_is_read_however_its_pem_is_laid_out() {
    let key = rsa_key();
    let original = KeyFile::new(&key);
    let id = original.id().unwrap();
    let certificate = openssl(&["req", "-x509", "-new", "-key", original.path(), "-subj", "/CN=shop", "-days", "2"]);
    let public = openssl(&["pkey", "-in", original.path(), "-pubout"]);
    let with_time = format!("Active-From: 2030-01-31T12:00:00Z\n{key}");
    for (what, content) in [
        ("a blank line after END", format!("{key}\n")),
        ("many blank lines after END", format!("{key}\n \n\t\n\r\n")),
        ("no line break at the end", key.trim_end().to_owned()),
        ("blank lines before BEGIN", format!("\n\n{key}")),
        ("blanks at the ends of lines", key.replace('\n', " \t\n")),
        ("blanks at the beginnings of lines", key.replace('\n', "\n  ")),
        ("a byte order mark", format!("\u{feff}{key}")),
        ("Windows' line ends", key.replace('\n', "\r\n")),
        ("old Macs' line ends", key.replace('\n', "\r")),
        ("one line of base64", in_columns(&key, 100_000, "\n")),
        ("76 columns", in_columns(&key, 76, "\n")),
        ("48 columns", in_columns(&key, 48, "\r\n")),
        ("all in one line, as a variable holds it", in_columns(&key, 64, " ")),
        ("two characters for each line break", key.replace('\n', "\\n")),
        ("four characters for each line break", key.replace('\n', "\\r\\n")),
        ("all of it in base64 once more", STANDARD.encode(&key)),
        ("all of it in base64 once more, in lines", STANDARD.encode(&key).replace('A', "A\n")),
        ("a blank line after BEGIN", key.replacen('\n', "\n\n", 1)),
        ("a blank line after each", in_columns(&key, 64, "\n\n")),
        ("a certificate after it", format!("{key}{certificate}")),
        ("a certificate before it", format!("{certificate}{key}")),
        ("a chain around it", format!("{certificate}{key}{certificate}{certificate}")),
        ("its public key beside it", format!("{public}{key}")),
        (
            "what openssl pkcs12 writes above",
            format!("Bag Attributes\n    friendlyName: shop\nKey Attributes: <No>\n{key}"),
        ),
        ("text below", format!("{key}kept by the shop's own people\n")),
        ("text that is not UTF-8 above", "kept".to_owned() + &key),
    ] {
        assert_eq!(KeyFile::new(content).id().as_ref(), Ok(&id), "{what}");
    }
    let latin = [b"gepr\xfcft\n".as_slice(), key.as_bytes()].concat();
    assert_eq!(KeyFile::new(latin).id(), Ok(id.clone()), "text that is not UTF-8 above");
    for (what, content) in [
        ("as the command writes it", with_time.clone()),
        ("with a byte order mark", format!("\u{feff}{with_time}")),
        ("with Windows' line ends", with_time.replace('\n', "\r\n")),
        ("with blanks", with_time.replace("Active-From: ", " Active-From:   ").replace("Z\n", "Z \t\n")),
        ("between a certificate and the key", format!("{certificate}{with_time}")),
        ("above a certificate and the key", format!("Active-From: 2030-01-31T12:00:00Z\n{certificate}{key}")),
        ("with a certificate after it", format!("{with_time}{certificate}")),
    ] {
        let read = SigningKey::read(&KeyFile::new(content).file).unwrap();
        assert_eq!((read.id(), read.active_from()), (&*id, Some(1_896_091_200)), "{what}");
    }
}

#[test]
fn what_is_no_key_for_signing_is_told_apart_with_what_to_do() {
    let key = rsa_key();
    let file = KeyFile::new(&key);
    let path = file.path();
    let pkcs1 = openssl(&["rsa", "-in", path, "-traditional"]);
    let locked = openssl(&["pkcs8", "-topk8", "-in", path, "-passout", "pass:a passphrase"]);
    let locked_pkcs1 = openssl(&["rsa", "-in", path, "-traditional", "-aes128", "-passout", "pass:a passphrase"]);
    let curve = openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let curve_sec1 = openssl(&["ec", "-in", KeyFile::new(&curve).path()]);
    let parameters = openssl(&["ecparam", "-name", "prime256v1", "-genkey"]);
    let edwards = openssl(&["genpkey", "-algorithm", "ED25519"]);
    let small = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    let public = openssl(&["pkey", "-in", path, "-pubout"]);
    let certificate = openssl(&["req", "-x509", "-new", "-key", path, "-subj", "/CN=shop", "-days", "2"]);
    let request = openssl(&["req", "-new", "-key", path, "-subj", "/CN=shop"]);
    let ssh = key.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY");
    let half = key.get(..key.len() / 2).unwrap().to_owned();
    let damaged = key.replacen("MII", "M!I", 1);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("PKCS#1", pkcs1.clone().into_bytes(), &["PKCS#1", "openssl pkey -in"]),
        ("PKCS#1 with Windows' line ends", pkcs1.replace('\n', "\r\n").into_bytes(), &["PKCS#1", "openssl pkey -in"]),
        ("a passphrase", locked.into_bytes(), &["passphrase", "openssl pkey -in"]),
        ("PKCS#1 with a passphrase", locked_pkcs1.into_bytes(), &["passphrase", "openssl pkey -in"]),
        ("a curve", curve.into_bytes(), &["EC", "keys generate"]),
        ("a curve as SEC 1", curve_sec1.into_bytes(), &["EC", "keys generate"]),
        ("a curve with its parameters", parameters.into_bytes(), &["EC", "keys generate"]),
        ("Ed25519", edwards.into_bytes(), &["Ed25519", "keys generate"]),
        ("a short one", small.into_bytes(), &["1024 bits", "keys generate"]),
        ("a public key", public.into_bytes(), &["public key", "private"]),
        ("a certificate", certificate.into_bytes(), &["certificate", "private"]),
        ("a certificate's request", request.into_bytes(), &["CERTIFICATE REQUEST", "private"]),
        ("one of OpenSSH", ssh.into_bytes(), &["OpenSSH", "ssh-keygen -p -m PKCS8"]),
        ("two of them", format!("{key}{}", rsa_key()).into_bytes(), &["one private key", "2"]),
        ("half of one", half.into_bytes(), &["END PRIVATE KEY"]),
        ("a damaged one", damaged.into_bytes(), &["damaged"]),
        ("nothing", Vec::new(), &["nothing"]),
        ("blanks", b" \n\n".to_vec(), &["nothing"]),
        ("DER", vec![0x30, 0x82, 0x04, 0xbd, 0xff], &["PEM", "openssl pkey -in"]),
        ("a JSON Web Key", br#"{"kty":"RSA"}"#.to_vec(), &["JSON", "PEM"]),
        ("some text", b"the key is in the safe".to_vec(), &["PEM"]),
    ];
    for (what, content, words) in cases {
        let file = KeyFile::new(content);
        let said = file.id().unwrap_err();
        assert!(said.contains(file.path()), "{what}: {said}");
        for word in words {
            assert!(said.contains(word), "{what}: {word} in {said}");
        }
        assert!(said.contains("PKCS#8"), "{what}: {said}");
    }
}

/// What the message says to run makes a key that is read.
#[test]
fn what_the_message_says_to_run_converts_the_key() {
    let id = |key: &str| KeyFile::new(key).id().unwrap();
    let key = rsa_key();
    let (file, wanted) = (KeyFile::new(&key), id(&key));
    let pkcs1 = KeyFile::new(openssl(&["rsa", "-in", file.path(), "-traditional"]));
    let said = pkcs1.id().unwrap_err();
    let command = said.split("run: ").nth(1).unwrap();
    let ran = Command::new("/bin/sh").arg("-c").arg(command).output().unwrap();
    assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(pkcs1.id(), Ok(wanted));
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn keys_that_a_system_mounts_are_read() {
    let keys = Keys::new();
    let folder = keys.folder();
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let listed = keys.run(&["list"]);
    // Kubernetes' volumes are sticky and open, systemd's folders of credentials can be written by nobody.
    for (folder_mode, file_mode) in [
        (0o1777, 0o400),
        (0o1777, 0o440),
        (0o3777, 0o440),
        (0o1777, 0o600),
        (0o500, 0o400),
        (0o550, 0o440),
        (0o510, 0o440),
        (0o700, 0o440),
    ] {
        mode(&file, file_mode);
        mode(&folder, folder_mode);
        assert_eq!(keys.run(&["list"]), listed, "{folder_mode:o} {file_mode:o}");
    }
    for (folder_mode, file_mode, said) in [
        (0o1777, 0o644, "chmod"),
        (0o1777, 0o444, "chmod"),
        (0o1777, 0o640, "chmod"),
        (0o1777, 0o460, "chmod"),
        (0o700, 0o404, "chmod"),
        (0o777, 0o400, "chmod 700"),
        (0o750, 0o400, "chmod 700"),
        (0o705, 0o400, "chmod 700"),
        (0o555, 0o400, "chmod 700"),
    ] {
        mode(&file, file_mode);
        mode(&folder, folder_mode);
        let output = keys.output(&["list"]);
        assert_eq!(output.status.code(), Some(2), "{folder_mode:o} {file_mode:o}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(said), "{folder_mode:o} {file_mode:o}: {text}");
    }
    mode(&folder, 0o700);
}

/// Kubernetes changes a volume by one rename: each file is a link through `..data`.
#[test]
fn a_kubernetes_volume_is_read_through_its_links() {
    let keys = Keys::new();
    let folder = keys.folder();
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let listed = keys.run(&["list"]);
    let version = folder.join("..2030_01_31");
    fs::create_dir(&version).unwrap();
    let name = file.file_name().unwrap();
    fs::rename(&file, version.join(name)).unwrap();
    std::os::unix::fs::symlink("..2030_01_31", folder.join("..data")).unwrap();
    std::os::unix::fs::symlink(Path::new("..data").join(name), &file).unwrap();
    mode(&folder, 0o1777);
    // 0644 is what Kubernetes gives where nobody has set another mode.
    for file_mode in [0o400, 0o440, 0o444, 0o644] {
        mode(&file, file_mode);
        assert_eq!(keys.run(&["list"]), listed, "{file_mode:o}");
    }
    for file_mode in [0o646, 0o664] {
        mode(&file, file_mode);
        assert_eq!(keys.output(&["list"]).status.code(), Some(2), "{file_mode:o}");
    }
}

/// In a folder where anybody may put a file, one of somebody else's is no key of the service's.
#[test]
fn a_key_that_somebody_else_put_into_an_open_folder_is_refused() {
    let keys = Keys::new();
    let folder = keys.folder();
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    // Only root may give files away.
    if std::os::unix::fs::chown(&file, Some(65_534), None).is_err() {
        return;
    }
    mode(&folder, 0o1777);
    let output = keys.output(&["list"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("owner"));
}

/// A key of root's that its group may read, for a service that is somebody else: as PostgreSQL takes it, and as Kubernetes makes it
/// of 0600 for a group of the pod's.
#[test]
fn a_key_of_roots_is_read_through_its_group() {
    // Only root may give files away, and be somebody else.
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return;
    }
    const GROUP: u32 = 65_533;
    let keys = Keys::new();
    let folder = keys.folder();
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let above = folder.parent().unwrap();
    mode(above, 0o755);
    for path in [&folder, &file] {
        std::os::unix::fs::chown(path, None, Some(GROUP)).unwrap();
    }
    let list = |user: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", &GROUP.to_string(), "--clear-groups", "--"]);
        // A copy, for the folder of the build may be closed to others.
        let program = above.join("identity-service");
        fs::copy(env!("CARGO_BIN_EXE_identity-service"), &program).unwrap();
        mode(&program, 0o755);
        command.arg(program).args(["keys", "--signing-keys"]).arg(&folder).arg("list").output().unwrap()
    };
    for (folder_mode, file_mode, well) in [
        (0o750, 0o640, true),
        (0o3777, 0o640, true),
        (0o750, 0o440, true),
        (0o750, 0o660, false),
        (0o750, 0o644, false),
        (0o770, 0o640, false),
        (0o755, 0o640, false),
    ] {
        mode(&folder, folder_mode);
        mode(&file, file_mode);
        let output = list("65534");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), well, "{folder_mode:o} {file_mode:o}: {said}");
        assert!(well || said.contains("chmod"), "{said}");
    }
    // For its owner the group is somebody else.
    mode(&folder, 0o750);
    assert!(!list("0").status.success());
}

#[test]
fn a_key_to_encrypt_with_is_read_in_any_form_and_what_is_none_is_told_apart() {
    let key = KeyFile::new(rsa_key());
    let public = openssl(&["pkey", "-in", key.path(), "-pubout"]);
    let pkcs1 = openssl(&["rsa", "-in", key.path(), "-RSAPublicKey_out"]);
    let certificate = openssl(&["req", "-x509", "-new", "-key", key.path(), "-subj", "/CN=assist", "-days", "2"]);
    let curve = KeyFile::new(openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]));
    let modulus = openssl(&["rsa", "-in", key.path(), "-modulus", "-noout"]);
    let modulus = modulus.trim().strip_prefix("Modulus=").unwrap();
    let modulus: Vec<u8> =
        (0..modulus.len()).step_by(2).map(|at| u8::from_str_radix(&modulus[at..at + 2], 16).unwrap()).collect();
    let web_key =
        |modulus: String| serde_json::json!({ "kty": "RSA", "n": modulus, "e": "AQAB", "kid": 7, "x5c": "no list" });
    let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let plain = web_key(url_safe.encode(&modulus));
    for (what, content) in [
        ("PEM", public.clone()),
        ("Windows' line ends", public.replace('\n', "\r\n")),
        ("PKCS#1", pkcs1),
        ("a certificate before it", format!("{certificate}{public}")),
        ("a JSON Web Key", plain.to_string()),
        ("a JSON Web Key with a byte order mark", format!("\u{feff}{plain}")),
        ("the only one of a set", serde_json::json!({ "keys": [plain] }).to_string()),
        ("standard base64 with padding", web_key(STANDARD.encode(&modulus)).to_string()),
        ("a zero before the number", web_key(url_safe.encode([&[0], modulus.as_slice()].concat())).to_string()),
    ] {
        let read = EncryptionKey::read(&KeyFile::new(content).file);
        assert!(read.is_ok(), "{what}: {:?}", read.err());
    }
    let two = serde_json::json!({ "keys": [plain, plain] }).to_string();
    let der = Command::new("openssl").args(["pkey", "-in", key.path(), "-pubout", "-outform", "DER"]).output().unwrap();
    for (what, content, words) in [
        ("a certificate", certificate.into_bytes(), "a certificate; run: openssl x509 -pubkey"),
        ("a private key", fs::read(&key.file).unwrap(), "a private key; run: openssl pkey -pubout"),
        ("DER", der.stdout, "DER; run: openssl pkey -pubin"),
        ("a curve", openssl(&["pkey", "-in", curve.path(), "-pubout"]).into_bytes(), "not RSA"),
        ("two of a set", two.into_bytes(), "a set of 2 keys"),
        ("another purpose", br#"{"kty":"RSA","n":"AQ","e":"AQ","use":"sig"}"#.to_vec(), "another purpose"),
        ("a damaged number", br#"{"kty":"RSA","n":"!","e":"AQAB"}"#.to_vec(), "damaged"),
        ("half a file", public.as_bytes()[..public.len() / 2].to_vec(), "END PUBLIC KEY"),
        ("nothing", Vec::new(), "neither"),
    ] {
        let file = KeyFile::new(content);
        let said = EncryptionKey::read(&file.file).map(|_| ()).unwrap_err();
        assert!(said.contains(words) && said.contains(file.path()), "{what}: {said}");
    }
    // What is said to be run makes a key of it.
    let certificate = openssl(&["req", "-x509", "-new", "-key", key.path(), "-subj", "/CN=assist", "-days", "2"]);
    let file = KeyFile::new(certificate);
    let said = EncryptionKey::read(&file.file).map(|_| ()).unwrap_err();
    let command = said.split("run: ").nth(1).unwrap();
    assert!(Command::new("/bin/sh").arg("-c").arg(command).status().unwrap().success(), "{command}");
    assert!(EncryptionKey::read(&file.file.with_extension("pem.pub")).is_ok());
}
