//! What lies between instances: TLS and proxies.

use crate::common::{Place, days_ago};
use crate::remote;
use crate::remote::{Remote, TOKEN};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Mutex};

/// A place with a client that shares and one stat.
fn place() -> Place {
    let place = Place::new();
    place.client("fo");
    place.ok(&["client", "enable-sharing", "fo"]);
    let anr = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
    let path = place.path().join("stats.ndjson");
    let line = json!({"anr": anr, "type": "vulnerability", "date": days_ago(1), "data": []});
    std::fs::write(&path, line.to_string()).unwrap();
    place.ok(&["import", &path.display().to_string(), "--client", "fo"]);
    place
}

fn push(place: &Place, url: &str, variables: &[(&str, &str)]) -> Output {
    let words = ["push", "--remote", url, "--token", TOKEN, "--retries", "0", "--all"];
    place.command(&words).envs(variables.iter().copied()).output().unwrap()
}

#[track_caller]
fn arrives(place: &Place, url: &str, variables: &[(&str, &str)]) {
    let output = push(place, url, variables);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn fails(place: &Place, url: &str, variables: &[(&str, &str)], reason: &str) {
    let output = push(place, url, variables);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && errors.contains(reason), "{reason}: {errors}");
    assert!(!errors.contains(TOKEN) && !errors.contains("trying again"), "{errors}");
}

/// A certificate authority of our own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A remote behind TLS, with a certificate for this name; gives its port and what it was asked.
    fn serve(&self, name: &str, change: impl Fn(&mut CertificateParams)) -> (u16, Arc<Mutex<Vec<String>>>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
        let (config, asked) = (Arc::new(config), Arc::new(Mutex::new(Vec::new())));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::clone(&asked);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = BufReader::new(rustls::StreamOwned::new(session, socket));
                let Some(request) = remote::read_request(&mut stream) else { continue };
                told.lock().unwrap().push(request.path);
                let data: Value = serde_json::from_str(&request.body).unwrap();
                let answer = remote::answer(201, "", &json!({"data": data}).to_string());
                let stream = stream.get_mut();
                stream.write_all(answer.as_bytes()).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
        });
        (port, asked)
    }
}

#[test]
fn certificates_are_checked_and_errors_say_what_to_do() {
    let place = place();
    let authority = Authority::new();
    let file = place.path().join("authority.pem");
    std::fs::write(&file, authority.certificate.pem()).unwrap();
    let trusted = [("SSL_CERT_FILE", file.to_str().unwrap())];
    let (port, asked) = authority.serve("localhost", |_| {});
    let url = format!("https://localhost:{port}");
    fails(&place, &url, &[], "SSL_CERT_FILE");
    fails(&place, &url, &[], &format!("the certificate of localhost:{port} is not accepted: no authority"));
    assert_eq!(asked.lock().unwrap().len(), 0, "nothing was said to a stranger");
    arrives(&place, &url, &trusted);
    assert_eq!(*asked.lock().unwrap(), ["/api/v1/stats/"]);
    let (port, asked) = authority.serve("elsewhere.example", |_| {});
    fails(&place, &format!("https://localhost:{port}"), &trusted, "it is for another name");
    assert_eq!(asked.lock().unwrap().len(), 0);
    let (port, _) = authority.serve("localhost", |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    fails(&place, &format!("https://localhost:{port}"), &trusted, "out of date, or this machine's clock is wrong");
    assert!(!String::from_utf8(push(&place, &url, &trusted).stderr).unwrap().contains("unencrypted"));
    // Somebody who does not speak TLS at all.
    let plain = Remote::start();
    fails(&place, &plain.url.replace("http:", "https:"), &trusted, "cannot be reached");
}

/// A proxy that passes everything on to one address, whatever it is asked for; gives its address and what it heard.
fn proxy(target: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (target, heard) = (target.to_owned(), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&heard);
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let (target, told) = (target.clone(), Arc::clone(&told));
            std::thread::spawn(move || pass_on(socket, &target, &told));
        }
    });
    (address, heard)
}

fn pass_on(mut client: TcpStream, target: &str, heard: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    heard.lock().unwrap().push(head.lines().next().unwrap().to_owned());
    let mut server = TcpStream::connect(target).unwrap();
    match head.starts_with("CONNECT ") {
        true => client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap(),
        false => server.write_all(head.as_bytes()).unwrap(),
    }
    let (mut back, mut out) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let answers = std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut out);
        let _ = out.shutdown(std::net::Shutdown::Write);
    });
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = reader.read(&mut bytes) {
        if server.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = answers.join();
}

#[test]
fn proxies_of_the_usual_variables_are_used_and_left_out() {
    let (place, remote) = (place(), Remote::start());
    let (proxy, heard) = proxy(remote.url.trim_start_matches("http://"));
    // A name that only the proxy knows.
    let url = "http://stats.invalid";
    fails(&place, url, &[], "stats.invalid cannot be reached");
    fails(&place, url, &[], "warning: token and stats travel unencrypted to http://stats.invalid");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        arrives(&place, url, &[(name, &proxy)]);
    }
    assert_eq!(heard.lock().unwrap().len(), 3);
    assert!(heard.lock().unwrap().iter().all(|line| line.contains("stats.invalid")), "{heard:?}");
    fails(&place, url, &[("HTTP_PROXY", &proxy), ("NO_PROXY", "localhost,.invalid")], "cannot be reached");
    arrives(&place, &remote.url, &[("HTTP_PROXY", &proxy), ("no_proxy", "127.0.0.1")]);
    assert_eq!(heard.lock().unwrap().len(), 3);
    arrives(&place, &remote.url, &[("HTTP_PROXY", &proxy), ("NO_PROXY", "example.org")]);
    assert_eq!(heard.lock().unwrap().len(), 4);
    fails(&place, url, &[("HTTP_PROXY", "http://127.0.0.1:1")], "stats.invalid cannot be reached");
    fails(&place, url, &[("HTTP_PROXY", "nonsense://")], "HTTP_PROXY=\"nonsense://\" cannot be used");
    // Ranges, and the brackets of an address, which no proxy is asked for.
    for none in ["127.0.0.0/8", "10.0.0.0/8,127.0.0.1/32"] {
        arrives(&place, &remote.url, &[("HTTP_PROXY", &proxy), ("NO_PROXY", none)]);
    }
    assert_eq!(heard.lock().unwrap().len(), 4);
}

/// Bug: the address of a SOCKS proxy, as desktops set it, was a panic.
#[test]
fn socks_is_refused_by_name() {
    let place = place();
    for name in ["ALL_PROXY", "HTTP_PROXY", "http_proxy", "https_proxy"] {
        let address = "socks5h://me:s3cret@127.0.0.1:1080";
        fails(&place, "http://stats.invalid", &[(name, address)], &format!("{name}=\"socks5h://…@127.0.0.1:1080\""));
    }
}

/// Bug: a password inside the address of a remote or of a proxy was printed.
#[test]
fn passwords_inside_addresses_are_never_printed() {
    let (place, remote) = (place(), Remote::start());
    let secret = remote.url.replace("://", "://me:s3cret@");
    let dead = "http://me:s3cret@127.0.0.1:1";
    let file = place.path().join("log");
    let variables = [
        ("REMOTE_STATS_SERVER", secret.as_str()),
        ("MOSP_URL", dead),
        ("HTTP_PROXY", dead),
        ("NO_PROXY", "127.0.0.0/8"),
    ];
    let without_proxy = &variables[..2];
    let broken = [("REMOTE_STATS_SERVER", dead), ("HTTP_PROXY", dead), ("REMOTE_STATS_TOKEN", TOKEN)];
    let bad = [("REMOTE_STATS_SERVER", "http://me:s3cret@ x"), ("HTTP_PROXY", "ftp://me:s3cret@x")];
    let anr = "5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01";
    let token = ["--token", TOKEN, "--retries", "0"];
    for variables in [&variables[..], without_proxy, &broken, &bad[..1], &bad[1..]] {
        for words in [
            &["config"][..],
            &["doctor"],
            &["doctor", "--json"],
            &["mosp", "published", anr],
            &["push", "--dry-run"],
            &[&["push", "--all"], &token[..]].concat(),
            &[&["push", "--withdraw", "--anr", anr, "--yes"], &token[..]].concat(),
            &["push", "--withdraw", "--anr", anr],
            &[&["pull", "--client", "fo"], &token[..]].concat(),
            &[&["pull", "--client", "fo", "--remote", "ftp://me:s3cret@x"], &token[..]].concat(),
        ] {
            let output =
                place.command(words).envs(variables.iter().copied()).stdin(std::process::Stdio::null()).output();
            let output = output.unwrap();
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(!said.contains("s3cret"), "{words:?} {variables:?}: {said}");
        }
    }
    // What the service does by itself is logged.
    let service =
        place.serve_with(&[&broken[..], &[("PUSH_EVERY", "1d"), ("LOG_PATH", file.to_str().unwrap())]].concat());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let log = || std::fs::read_to_string(&file).unwrap_or_default();
    while !log().contains("cannot be reached") && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    service.stop();
    assert!(log().contains("cannot be reached") && !log().contains("s3cret"), "{}", log());
}

#[test]
fn a_proxy_of_a_tls_connection_hears_only_its_name() {
    let place = place();
    let authority = Authority::new();
    let file = place.path().join("authority.pem");
    std::fs::write(&file, authority.certificate.pem()).unwrap();
    let (port, asked) = authority.serve("stats.invalid", |_| {});
    let (proxy, heard) = proxy(&format!("127.0.0.1:{port}"));
    let variables =
        [("SSL_CERT_FILE", file.to_str().unwrap()), ("HTTPS_PROXY", &proxy), ("HTTP_PROXY", "http://127.0.0.1:1")];
    arrives(&place, "https://stats.invalid", &variables);
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert_eq!(*heard.lock().unwrap(), ["CONNECT stats.invalid:443 HTTP/1.1"]);
}
