//! Coverage-guided fuzzing of whatever reads foreign bytes. The first byte of an input chooses the reader.
//! See `run` beside this package.
#![no_main]

use libfuzzer_sys::fuzz_target;
use monarc_stats::model::stat::NewStat;
use monarc_stats::model::{StatType, date, parse_uuid, shapes};

fuzz_target!(|input: &[u8]| {
    let Some((&reader, bytes)) = input.split_first() else { return };
    match reader {
        b'h' => return monarc_stats::server::examine(bytes),
        b'k' => return chunks(bytes),
        b'l' => return monarc_stats::archive::examine(bytes, false),
        b'z' => return monarc_stats::archive::examine(bytes, true),
        _ => {}
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match reader {
        b'i' => item(text),
        b'd' => dates(text),
        b'u' => drop(parse_uuid(text).map(|uuid| assert_eq!(parse_uuid(&uuid.to_string()), Ok(uuid)))),
        b'a' => monarc_stats::app::examine(text),
        b'r' => drop(shapes::contributions(StatType::Risk, text)),
        b't' => drop(shapes::contributions(StatType::Threat, text)),
        b'c' => drop(shapes::contributions(StatType::Cartography, text)),
        b'o' => drop(shapes::contributions(StatType::Compliance, text)),
        _ => {}
    }
});

/// A body is never more than what was sent, and the same in other chunks.
fn chunks(bytes: &[u8]) {
    let Some(body) = monarc_stats::server::examine_chunks(bytes) else { return };
    assert!(body.len() < bytes.len());
    let size = 1 + bytes.len() % 7;
    let mut again: Vec<u8> = Vec::new();
    for part in body.chunks(size) {
        again.extend(format!("{:X};x=\"y\"\r\n", part.len()).bytes());
        again.extend(part);
        again.extend(b"\r\n");
    }
    again.extend(b"00\r\nTrailer: z\r\n\r\n");
    assert_eq!(monarc_stats::server::examine_chunks(&again).as_ref(), Some(&body));
}

/// What is accepted can be taken apart, and its data is the text that was sent.
fn item(text: &str) {
    if let Ok(mut stat) = NewStat::parse(text) {
        assert!(text.contains(stat.data));
        if stat.check().is_ok() {
            assert!(!stat.contributions().unwrap().is_empty());
        }
    }
}

/// What is read as a full date is read the same where less would do.
fn dates(text: &str) {
    if let Ok(date) = date::parse_full(text) {
        assert_eq!(date::parse_loose(text), Ok(date), "{text:?}");
        assert_eq!(date::from_number(date::to_number(date)), Some(date));
    }
    let _ = date::parse_loose(text);
}
