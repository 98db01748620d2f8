//! Calendar dates as clients write them.

use jiff::Span;
use jiff::civil::Date;

/// Reads a full date (`2026-11-01`, `20261101`) or a date-time, of which the date counts.
pub fn parse_full(text: &str) -> Result<Date, String> {
    let shown = || format!("{:?} is not a date such as 2026-11-01", super::decimal::excerpt(text));
    let (day, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at).unwrap_or(text), text.get(at + 1..)),
        None => (text, None),
    };
    let date = parse_day(day).ok_or_else(shown)?;
    if time.is_some_and(|time| !is_time(time)) {
        return Err(shown());
    }
    Ok(date)
}

/// Reads a full date, or what ISO 8601 allows instead: a month (`2026-11`) or a year (`2026`), meaning its first day,
/// a day of the year (`2026-305`), a week (`2026-W44-7`, `2026-W44`).
pub fn parse_loose(text: &str) -> Result<Date, String> {
    let number =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<i16>().ok()).flatten();
    let first_day = match text.split_once('-') {
        None if text.len() == 4 => number(text).map(|year| (year, 1)),
        Some((year, month)) if year.len() == 4 && month.len() == 2 => number(year).zip(number(month)),
        Some((year, day)) if year.len() == 4 && day.len() == 3 && !day.contains('W') => {
            return number(year).zip(number(day)).and_then(day_of_year).ok_or_else(|| reason(text));
        }
        _ if text.contains('W') => return parse_week(text).ok_or_else(|| reason(text)),
        _ => return parse_full(text),
    };
    let date = first_day.and_then(|(year, month)| Date::new(year, i8::try_from(month).ok()?, 1).ok());
    date.filter(in_range).ok_or_else(|| reason(text))
}

/// Today's date in the machine's time zone.
pub fn today() -> Date {
    jiff::ZonedDateTime::now().date()
}

/// The first day of the store's calendar.
const FIRST: Date = Date::constant(1970, 1, 1);

/// Days after today that a stat may be of: front offices in other time zones are a day ahead, and clocks go wrong.
const DAYS_AHEAD: i64 = 2;

/// How the reason ends when a stat is refused because its date is too far ahead: somebody's clock is wrong.
pub const AHEAD: &str = "is more than two days ahead of this service's clock";

/// Reads the date of a stat: a full date or a date-time, from 1970-01-01 to two days after today.
pub fn parse_of_stat(text: &str) -> Result<Date, String> {
    let date = parse_full(text)?;
    check(date)?;
    Ok(date)
}

/// Makes sure that a stat may be of a date. The error is a reason for people.
pub fn check(date: Date) -> Result<(), String> {
    match to_number(date) {
        ..0 => Err(format!("{date} is before 1970-01-01")),
        number if number > to_number(today()) + DAYS_AHEAD => Err(format!("{date} {AHEAD}")),
        _ => Ok(()),
    }
}

/// Days since 1970-01-01: how the store keeps dates, in order and in two bytes.
pub fn to_number(date: Date) -> i64 {
    // The difference of civil dates: no time of day, no time zone, no range but the calendar's.
    date.duration_since(FIRST).as_hours() / 24
}

/// The date of such a number; none outside the calendar, which ends with the year 9999.
pub fn from_number(number: i64) -> Option<Date> {
    FIRST.checked_add(Span::new().try_days(number).ok()?).ok()
}

fn reason(text: &str) -> String {
    format!("{:?} is not a date such as 2026-11-01", super::decimal::excerpt(text))
}

/// Years 1 to 9999, which four digits can write.
fn in_range(date: &Date) -> bool {
    date.year() >= 1
}

fn parse_day(text: &str) -> Option<Date> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    if shape != "9999-99-99" && shape != "99999999" {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i16>().ok();
    let narrow = |number: i16| i8::try_from(number).ok();
    Date::new(part(0..4)?, narrow(part(4..6)?)?, narrow(part(6..8)?)?).ok().filter(in_range)
}

/// A time of day, with or without fraction and offset, as far as a stat's date depends on it: not at all.
fn is_time(text: &str) -> bool {
    // The parsers also take annotations, which ISO 8601 does not know.
    let stamp = format!("2026-11-01T{text}");
    !text.contains('[') && (stamp.parse::<jiff::civil::DateTime>().is_ok() || stamp.parse::<jiff::Timestamp>().is_ok())
}

fn day_of_year((year, day): (i16, i16)) -> Option<Date> {
    let first = Date::new(year, 1, 1).ok().filter(in_range)?;
    if day < 1 || day > first.days_in_year() {
        return None;
    }
    first.checked_add(jiff::Span::new().days(i64::from(day) - 1)).ok()
}

fn parse_week(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once("-W").or_else(|| text.split_once('W'))?;
    let (week, day) = rest.split_once('-').unwrap_or_else(|| rest.split_at_checked(2).unwrap_or((rest, "")));
    if year.len() != 4 || week.len() != 2 {
        return None;
    }
    let day = if day.is_empty() { 1 } else { day.parse::<i8>().ok()? };
    let weekday = jiff::civil::Weekday::from_monday_one_offset(day).ok()?;
    let week = jiff::civil::ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, weekday).ok()?;
    Some(week.date()).filter(in_range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn reads_full_dates_and_date_times() {
        for text in [
            "2026-11-01",
            "20261101",
            "2026-11-01T00:00:00Z",
            "2026-11-01T23:59:59.123456+02:00",
            "2026-11-01 10:00",
            "2026-11-01T10:00:00",
        ] {
            assert_eq!(parse_full(text), Ok(date(2026, 11, 1)), "{text}");
            assert_eq!(parse_loose(text), Ok(date(2026, 11, 1)), "{text}");
        }
    }

    #[test]
    fn reads_reduced_dates_where_they_are_allowed() {
        for (text, day) in [
            ("2026", date(2026, 1, 1)),
            ("2026-11", date(2026, 11, 1)),
            ("2026-305", date(2026, 11, 1)),
            ("2026-W44-7", date(2026, 11, 1)),
            ("2026W447", date(2026, 11, 1)),
            ("2026-W44", date(2026, 10, 26)),
        ] {
            assert_eq!(parse_loose(text), Ok(day), "{text}");
            assert!(parse_full(text).is_err(), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "yesterday",
            "2026-02-30",
            "2026-13-01",
            "0000-01-01",
            "2026-13",
            "26-11-01",
            "2026-11-01Tnoon",
            // Found by fuzzing: a full date to one reader, a week to the other.
            "2027-11-15T10[k-W1]",
            "٢٠٢٦",
        ] {
            assert!(parse_loose(text).is_err(), "{text}");
        }
    }

    /// Bug: the last day was written and could not be read back.
    #[test]
    fn the_ends_of_the_calendar_are_days_like_others() {
        for (day, number) in [(date(1970, 1, 1), 0), (date(9999, 12, 31), 2_932_896), (date(1, 1, 1), -719_162)] {
            assert_eq!((to_number(day), from_number(number)), (number, Some(day)));
        }
        assert_eq!(from_number(i64::MAX), None);
    }

    #[test]
    fn stats_are_of_days_that_can_be() {
        let after = |days| today().checked_add(Span::new().days(days)).unwrap();
        for good in [date(1970, 1, 1), today(), after(1)] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert!(check(date(1969, 12, 31)).unwrap_err().contains("before 1970"));
        for ahead in [after(4), date(9999, 12, 31)] {
            assert!(check(ahead).unwrap_err().ends_with(AHEAD), "{ahead}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,20}|[0-9WT:.Z+ -]{0,25}") {
            let _ = (parse_full(&text), parse_loose(&text));
        }

        #[test]
        fn numbers_keep_dates(number in -5_000_000_i64..5_000_000) {
            let day = from_number(number);
            prop_assert_eq!(day.is_some(), (to_number(Date::MIN)..=to_number(Date::MAX)).contains(&number));
            prop_assert_eq!(day.map_or(number, to_number), number);
        }

        #[test]
        fn dates_keep_numbers(year in -9999_i16..=9999, month in 1_i8..=12, day in 1_i8..=28) {
            let day = date(year, month, day);
            prop_assert_eq!(from_number(to_number(day)), Some(day));
        }
    }
}
