//! Times as RFC 3339 in UTC, durations as seconds: proto3's JSON mapping. Exact to the nanosecond.

const SECOND: i64 = 1_000_000_000;

/// Days since 1970-01-01 of a civil date (Howard Hinnant's `days_from_civil`).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (
        year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day_of_year - (153 * shifted + 2) / 5 + 1,
    )
}

/// `2026-11-20T10:30:00.5Z`; fractions of up to nine digits, only where there are any.
pub fn time_text(nanoseconds: i64) -> String {
    let seconds = nanoseconds.div_euclid(SECOND);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let mut text = format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60
    );
    let fraction = nanoseconds.rem_euclid(SECOND);
    if fraction > 0 {
        text.push_str(format!(".{fraction:09}").trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// The inverse of [`time_text`]; only UTC.
pub fn parse_time(text: &str) -> Result<i64, String> {
    let wrong = || "not a UTC time such as 2026-01-31T12:00:00Z".to_string();
    let bytes = text.as_bytes();
    if bytes.len() < 20 || !text.is_ascii() || !text.ends_with('Z') {
        return Err(wrong());
    }
    let number = |from: usize, to: usize| -> Result<i64, String> {
        let digits = &text[from..to];
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            digits.parse().map_err(|_| wrong())
        } else {
            Err(wrong())
        }
    };
    for (at, mark) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        if bytes[at] != mark {
            return Err(wrong());
        }
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days_from_civil(year, month, day);
    if !(1..=12).contains(&month)
        || civil_from_days(days) != (year, month, day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return Err(wrong());
    }
    let fraction = match &text[19..text.len() - 1] {
        "" => 0,
        rest => {
            fraction_nanoseconds(rest.strip_prefix('.').ok_or_else(wrong)?).ok_or_else(wrong)?
        }
    };
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    seconds
        .checked_mul(SECOND)
        .and_then(|whole| whole.checked_add(fraction))
        .ok_or("out of range for a time".to_string())
}

/// `1.500000000s`, `-0.1s` …
pub fn duration_text(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let size = nanoseconds.unsigned_abs();
    let (whole, fraction) = (size / SECOND as u64, size % SECOND as u64);
    if fraction == 0 {
        format!("{sign}{whole}s")
    } else {
        format!("{sign}{whole}.{fraction:09}s")
    }
}

/// The inverse of [`duration_text`].
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let wrong = || "not a duration such as 1.5s".to_string();
    let body = text.strip_suffix('s').ok_or_else(wrong)?;
    let (negative, body) = match body.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, body),
    };
    let (whole, fraction) = body
        .split_once('.')
        .map_or((body, "0"), |(whole, fraction)| (whole, fraction));
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: i128 = whole.parse().map_err(|_| wrong())?;
    let fraction = fraction_nanoseconds(fraction).ok_or_else(wrong)?;
    let size = whole.checked_mul(i128::from(SECOND)).ok_or_else(wrong)? + i128::from(fraction);
    i64::try_from(if negative { -size } else { size })
        .map_err(|_| "out of range for a duration".to_string())
}

/// One to nine digits after the point.
fn fraction_nanoseconds(digits: &str) -> Option<i64> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back() {
        for nanoseconds in [
            0,
            1,
            -1,
            951_782_400 * SECOND,
            4_102_444_800 * SECOND + 5,
            -2_208_988_800 * SECOND,
        ] {
            assert_eq!(parse_time(&time_text(nanoseconds)), Ok(nanoseconds));
        }
        assert_eq!(time_text(951_782_400 * SECOND), "2000-02-29T00:00:00Z");
    }

    #[test]
    fn impossible_times_are_refused() {
        for text in [
            "",
            "2026-02-30T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00+01:00",
            "9999-01-01T00:00:00Z",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
        assert!(
            parse_duration("1").is_err()
                && parse_duration(".5s").is_err()
                && parse_duration("9999999999999s").is_err()
        );
    }
}
