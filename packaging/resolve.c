/* Names are looked up in /etc/hosts and by DNS, whatever /etc/nsswitch.conf says. A static program that loads glibc's
 * modules for other services dies of it (SIGFPE) where the system's glibc is another than the one it was built with:
 * measured on Ubuntu 22.04 with mdns4_minimal, which desktops have, with resolve and with myhostname. */

int __nss_configure_lookup(const char *database, const char *services);

__attribute__((constructor)) static void resolve(void) {
    __nss_configure_lookup("hosts", "files dns");
}
