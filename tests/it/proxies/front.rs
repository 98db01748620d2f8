//! Real web servers in front of a service, with the files of `packaging/proxy`.

use crate::common::{Place, Request, Service};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The user that servers run as when the tests are root's.
const NOBODY: u32 = 65534;
/// Where the files of `packaging/proxy` say that the service listens.
const SERVICE: &str = "127.0.0.1:5005";
/// The path that they have.
const PREFIX: &str = "/dashboardBO";

/// A way to put a web server in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    Apache,
    ApachePrefix,
    /// The VirtualHost of MONARC's documentation: it has a name of its own, and another proxy shows it under a path.
    ApacheBehindApache,
    Nginx,
    NginxPrefix,
}

pub const SETUPS: [Setup; 5] =
    [Setup::Apache, Setup::ApachePrefix, Setup::ApacheBehindApache, Setup::Nginx, Setup::NginxPrefix];

/// A service with a client "fo", and a web server in front of it.
pub struct Front {
    place: Place,
    pub service: Service,
    pub token: String,
    pub setup: Setup,
    server: Server,
    /// Where the server listens for everybody.
    pub address: String,
    /// Where it believes a line of the PROXY protocol about who is asking.
    pub for_others: String,
}

impl Front {
    pub fn start(setup: Setup) -> Self {
        let place = Place::new();
        let token = place.client("fo");
        let service = place.serve_with(&[("FIX_PROXY", "1"), ("MAX_BATCH", "8")]);
        for _ in 0..10 {
            let directory = TempDir::new().unwrap();
            let ports = free_ports();
            let child = start(setup, directory.path(), &service.address, &ports);
            let mut server = Server { child, directory };
            let [address, for_others, _] = ports.map(|port| format!("127.0.0.1:{port}"));
            if server.listens(&address) {
                return Self { place, service, token, setup, server, address, for_others };
            }
        }
        panic!("{setup:?} does not start; apache2 and nginx-light are needed");
    }

    /// The token of a new view link of the client.
    pub fn view_link(&self) -> String {
        let text = self.place.ok(&["client", "view-link", "create", "fo"]);
        text.trim_end().trim_end_matches('/').rsplit('/').next().unwrap().to_owned()
    }

    /// What the server's logs of requests hold.
    pub fn access_logs(&self) -> String {
        let files = std::fs::read_dir(self.server.directory.path()).unwrap().map(|file| file.unwrap().path());
        let logs = files.filter(|path| path.to_string_lossy().ends_with("access.log"));
        logs.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// The path under which visitors see the service.
    pub fn base(&self) -> &'static str {
        if matches!(self.setup, Setup::Apache | Setup::Nginx) { "" } else { PREFIX }
    }

    /// A request through the server to a path of the service.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(&self.address, method, &format!("{}{path}", self.base()))
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }
}

/// Three ports that were free a moment ago; who starts a server on them must be ready to try again.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// A running server, which ends when it is dropped; its log goes to the test's output.
struct Server {
    child: Child,
    directory: TempDir,
}

impl Server {
    /// Waits until it listens; it does not if it ended.
    fn listens(&mut self, address: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.child.try_wait().unwrap().is_none() {
            if TcpStream::connect(address).is_ok() {
                return true;
            }
            assert!(Instant::now() < deadline, "nothing listens on {address}");
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL would leave its workers behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
        println!("{}", std::fs::read_to_string(self.directory.path().join("error.log")).unwrap_or_default());
    }
}

fn start(setup: Setup, directory: &Path, service: &str, ports: &[u16; 3]) -> Child {
    let (program, configuration) = match setup {
        Setup::Nginx | Setup::NginxPrefix => ("/usr/sbin/nginx", nginx(setup, directory, service, ports)),
        _ => ("/usr/sbin/apache2", apache(setup, directory, service, ports)),
    };
    std::fs::write(directory.join("server.conf"), configuration).unwrap();
    let mut command = Command::new(program);
    command.env_clear().env("APACHE_LOG_DIR", directory).stdin(Stdio::null());
    let file = directory.join("server.conf");
    match program {
        "/usr/sbin/nginx" => command.arg("-p").arg(directory).arg("-e").arg(directory.join("error.log")).arg("-c"),
        _ => command.args(["-D", "FOREGROUND", "-f"]),
    };
    if std::fs::metadata(directory).unwrap().uid() == 0 {
        chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    command.arg(file).spawn().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// A file of `packaging/proxy` in which only the service's address is another.
fn shipped(name: &str, service: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/proxy").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    replaced(&text, SERVICE, service)
}

#[track_caller]
fn replaced(text: &str, what: &str, by: &str) -> String {
    assert!(text.contains(what), "{what} is not in {text}");
    text.replace(what, by)
}

/// Apache with what Debian enables, what the files ask to enable, and JSON compressed as many have it.
fn apache(setup: Setup, directory: &Path, service: &str, [port, others, inner]: &[u16; 3]) -> String {
    let path = directory.display();
    let listen: String = [port, others, inner].map(|port| format!("Listen 127.0.0.1:{port}\n")).concat();
    let modules = ["proxy", "proxy_http", "headers", "remoteip"];
    let modules = modules.map(|name| format!("Include /etc/apache2/mods-available/{name}.load\n")).concat();
    let site = match setup {
        Setup::Apache => shipped("apache.conf", service),
        Setup::ApachePrefix => site(&shipped("apache-prefix.conf", service)),
        _ => site(&shipped("apache-prefix.conf", &format!("127.0.0.1:{inner}"))),
    };
    let hidden = match setup {
        Setup::ApacheBehindApache => hidden(&shipped("apache.conf", service), *inner),
        _ => String::new(),
    };
    let at = |port: u16, more: &str| replaced(&site, "*:80>", &format!("127.0.0.1:{port}>\n{more}"));
    format!(
        "ServerRoot {path}\nServerName localhost\nPidFile {path}/pid\nErrorLog {path}/error.log\n\
         DefaultRuntimeDir {path}\nLogFormat \"%h %t %r %>s\" combined\n{listen}\
         IncludeOptional /etc/apache2/mods-enabled/*.load\nIncludeOptional /etc/apache2/mods-enabled/*.conf\n\
         {modules}AddOutputFilterByType DEFLATE application/json\n{}\n{}\n{hidden}",
        at(*port, ""),
        at(*others, "RemoteIPProxyProtocol On\n"),
    )
}

/// A site as there are others, with the end of its log's line that the files ask for.
fn site(lines: &str) -> String {
    format!(
        "<VirtualHost *:80>\nServerName my.monarc.lu\nDocumentRoot /var/www/html\n\
         CustomLog ${{APACHE_LOG_DIR}}/access.log combined env=!quiet\n{lines}\n</VirtualHost>\n"
    )
}

/// The VirtualHost with the lines that its comment offers.
fn hidden(text: &str, port: u16) -> String {
    let text = replaced(text, "RequestHeader unset X-Forwarded-Prefix", "");
    let text = replaced(&text, "#RequestHeader set", "RequestHeader set");
    replaced(&text, "*:80>", &format!("127.0.0.1:{port}>"))
}

/// nginx with what Debian sets.
fn nginx(setup: Setup, directory: &Path, service: &str, [port, others, _]: &[u16; 3]) -> String {
    let path = directory.display();
    let site = match setup {
        Setup::Nginx => shipped("nginx.conf", service),
        _ => format!("server {{\nlisten 80;\n{}\n}}", shipped("nginx-prefix.conf", service)),
    };
    let listen = format!("listen 127.0.0.1:{port};\nlisten 127.0.0.1:{others} proxy_protocol;\n");
    let site = replaced(&site, "listen 80;", &listen);
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let places = kinds.map(|kind| format!("{kind}_temp_path {path}/{kind};\n")).concat();
    format!(
        "daemon off;\npid {path}/pid;\nevents {{ worker_connections 768; }}\nhttp {{\n{places}\
         sendfile on;\ntcp_nopush on;\ninclude /etc/nginx/mime.types;\ndefault_type application/octet-stream;\n\
         access_log {path}/access.log;\ngzip on;\n\
         set_real_ip_from 127.0.0.1;\nreal_ip_header proxy_protocol;\n{site}\n}}\n"
    )
}
