//! A bank statement as a one-page PDF.

use std::fmt::Write;

use jiff::civil::Date;

/// A PDF with these lines of plain text on its page. Characters outside printable ASCII become question marks.
#[must_use]
pub fn pdf(lines: &[String]) -> Vec<u8> {
    let mut page = String::from("BT /F1 11 Tf 56 780 Td 16 TL");
    for line in lines {
        let text: String = line.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        let escaped = text.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        let _ = write!(page, " ({escaped}) Tj T*");
    }
    page.push_str(" ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        let _ = write!(file, "{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let table = file.len();
    let _ = write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        let _ = writeln!(file, "{offset:010} 00000 n ");
    }
    let _ = write!(file, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    file.into_bytes()
}

/// The last days of the `count` months that were complete on `day`, newest first.
#[must_use]
pub fn closing_days(day: Date, count: u8) -> Vec<Date> {
    let mut days = Vec::new();
    let mut first = day.first_of_month();
    for _ in 0..count {
        let Ok(closing) = first.yesterday() else { break };
        first = closing.first_of_month();
        days.push(closing);
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_stands_where_the_table_says() {
        let file = String::from_utf8(pdf(&["Balance (CAD): 1\\2 é".to_owned()])).unwrap();
        assert!(file.contains(r"(Balance \(CAD\): 1\\2 ?)"));
        let rows: Vec<usize> =
            file.lines().filter(|line| line.ends_with(" n ")).map(|line| line[..10].parse().unwrap()).collect();
        for (index, offset) in rows.iter().enumerate() {
            assert!(file[*offset..].starts_with(&format!("{} 0 obj", index + 1)));
        }
    }

    #[test]
    fn statements_close_with_the_month() {
        let days = closing_days("2026-03-15".parse().unwrap(), 3);
        assert_eq!(
            days.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["2026-02-28", "2026-01-31", "2025-12-31"]
        );
    }
}
