//! Texts, pages and scripts agree with one another.

use super::*;
use language::LANGUAGES;
use std::collections::BTreeSet;
use std::path::Path;

fn keys(index: usize) -> BTreeSet<&'static str> {
    LANGUAGES[index].2.keys().collect()
}

#[test]
fn every_language_has_every_text() {
    assert!(keys(0).len() > 100);
    for index in 1..LANGUAGES.len() {
        let difference: Vec<_> = keys(0).symmetric_difference(&keys(index)).copied().collect();
        assert!(difference.is_empty(), "{}: {difference:?}", LANGUAGES[index].0);
    }
}

#[test]
fn every_text_of_a_language_has_the_same_places_for_values() {
    let places = |text: &str| {
        let mut names: Vec<String> =
            text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0.into())).collect();
        names.sort();
        names
    };
    for (code, _, texts) in &LANGUAGES[1..] {
        for key in keys(0) {
            assert_eq!(places(texts.get(key)), places(LANGUAGES[0].2.get(key)), "{code} {key}");
            assert!(!texts.get(key).trim().is_empty(), "{code} {key}");
        }
    }
}

#[test]
fn every_name_in_a_page_means_something() {
    let values = [
        "lang",
        "released",
        "notice",
        "feed",
        "page",
        "root",
        "title",
        "version",
        "source",
        "style",
        "theme",
        "world",
        "draw",
        "exports",
        "embed",
        "query",
        "object",
        "scripts",
        "menu",
        "languages",
        "texts",
        "contact",
        "body",
        "view",
        "benchmark",
        "footer",
    ];
    let bodies =
        MENU.into_iter().chain([&THREAT, &VULNERABILITY, &MISSING, &ENDED]).map(|page| assets::page(page.body));
    for body in bodies.chain([assets::page("shell")]) {
        assert!(!body.is_empty());
        for name in template::names(&body) {
            assert!(values.contains(&name) || keys(0).contains(name), "{name}");
        }
    }
    let manifest = Manifest::read();
    for page in MENU.into_iter().chain([&THREAT, &VULNERABILITY, &MISSING, &ENDED]) {
        for part in ["menu", "title"] {
            assert!(keys(0).contains(&*format!("{}.{part}", page.name)), "{} {part}", page.name);
        }
        assert!(manifest.entry(page.script).is_some(), "{}", page.name);
    }
}

/// Scripts name their texts literally, so that this can find them.
#[test]
fn every_text_that_a_script_shows_exists() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/scripts");
    let mut found = 0;
    for folder in ["pages", "lib", "parts"] {
        for file in std::fs::read_dir(scripts.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            for (at, _) in text.match_indices("t(\"") {
                if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.') {
                    continue;
                }
                let key = text[at + 3..].split('"').next().unwrap();
                assert!(keys(0).contains(key), "{}: {key}", path.display());
                assert!(MENU.iter().any(|page| language::is_for(page.name, key)), "{key} is not sent to scripts");
                found += 1;
            }
            for (at, _) in text.match_indices("plural(\"") {
                let key = text[at + 8..].split('"').next().unwrap();
                for form in ["one", "other"] {
                    assert!(keys(0).contains(&*format!("{key}.{form}")), "{}: {key}.{form}", path.display());
                }
            }
        }
    }
    assert!(found > 50, "{found}");
}

/// Bug: the first visit had the texts of pages that it did not show; with 2 bytes of room its weight hung on the day.
#[test]
fn a_page_gets_no_texts_of_another() {
    let texts = &LANGUAGES[0].2;
    let has = |page: &Page, key: &str| texts.json(page.name).contains(&format!("\"{key}\":"));
    for (key, shown, hidden) in
        [("benchmark.you", &BENCHMARK, &OVERVIEW), ("map.lead", &MAP, &BENCHMARK), ("api.title", &API, &THREAT)]
    {
        assert!(has(shown, key) && !has(hidden, key), "{key}");
    }
    assert!(has(&THREAT, "benchmark.you") && has(&VULNERABILITY, "benchmark.you"));
    assert!(!has(&HELP, "help.shown") && has(&HELP, "theme.dark"));
}

#[test]
fn no_page_has_anything_inline() {
    for page in MENU
        .into_iter()
        .chain([&THREAT, &VULNERABILITY, &MISSING, &ENDED])
        .map(|page| assets::page(page.body))
        .chain([assets::page("shell")])
    {
        for bad in [" style=", " onclick=", " onload=", "<style", "javascript:"] {
            assert!(!page.contains(bad), "{bad}");
        }
    }
}

/// Bug: a threat with such a character in its name made the feed unreadable for everybody.
#[test]
fn nothing_that_is_foreign_to_xml_is_left() {
    let foreign = (0..0x20).filter(|one| ![9, 10, 13].contains(one)).chain([0xfffe, 0xffff]);
    for one in foreign.filter_map(char::from_u32) {
        assert_eq!(escape(&format!("a{one}<b")), "a\u{fffd}&lt;b", "{one:?}");
    }
    let fine = "\t\r\n \u{e000}\u{fffd}\u{10ffff}";
    assert_eq!(escape(fine), fine);
}
