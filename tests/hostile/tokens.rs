//! Guessing tokens, and lying about where one comes from.

use super::{Target, alone};
use crate::common::ADMIN;

#[test]
fn guessing_is_slowed_and_the_right_token_is_not() {
    let _alone = alone();
    let target = Target::new();
    let guess = |n: usize| target.service.get("/api/v1/client/me").token(&format!("guess-{n}")).send();
    for n in 0..20 {
        guess(n).expect(403);
    }
    let refused = guess(20).expect(429);
    let wait: u64 = refused.headers["retry-after"].parse().unwrap();
    assert!((1..=60).contains(&wait));
    target.service.get("/api/v1/client/me").token(&target.token).send().expect(200);
    target.service.get("/metrics").token(ADMIN).send().expect(200);
    guess(21).expect(429);
}

#[test]
fn behind_a_proxy_each_address_has_its_own_count() {
    let _alone = alone();
    let target = Target::started(|place| place.serve_with(&[("FIX_PROXY", "1"), ("TRUSTED_PROXIES", "10.0.0.1")]));
    let guess = |forwarded: &str| {
        target.service.get("/api/v1/client/me").token("wrong").header("X-Forwarded-For", forwarded).send().status
    };
    for _ in 0..20 {
        // What stands further left is the client's own word.
        assert_eq!(guess("6.6.6.6, 1.2.3.4, 10.0.0.1"), 403);
    }
    assert_eq!(guess("7.7.7.7, 1.2.3.4"), 429, "a forged address does not help");
    assert_eq!(guess("1.2.3.5"), 403);
    assert_eq!(guess("1.2.3.4, nonsense"), 403, "counted as the proxy's own");
}

#[test]
fn without_a_proxy_forwarded_addresses_mean_nothing() {
    let _alone = alone();
    let target = Target::new();
    let guess = |n: u32| {
        let forwarded = format!("1.2.3.{n}");
        target.service.get("/api/v1/client/me").token("wrong").header("X-Forwarded-For", &forwarded).send().status
    };
    assert!((0..20).all(|n| guess(n) == 403));
    assert_eq!(guess(20), 429);
}

#[test]
fn forwarded_prefixes_are_judged_before_they_reach_a_page() {
    let _alone = alone();
    let target = Target::started(|place| place.serve_with(&[("FIX_PROXY", "1")]));
    let page = |prefix: &str| {
        let request = target.service.get("/").header("X-Forwarded-Prefix", prefix);
        request.header("X-Forwarded-Host", "\"><script>").send().expect(200).text()
    };
    assert!(page("/dashboard").contains("\"/dashboard/"));
    for prefix in ["\"><script>alert(1)</script>", "//elsewhere.example", "/a/../b", "javascript:alert(1)", "/a\tb"] {
        let page = page(prefix);
        assert!(!page.contains("alert") && !page.contains("elsewhere") && !page.contains("/../"), "{prefix}: {page}");
        assert!(!page.contains("\"><script>"), "{page}");
    }
}
