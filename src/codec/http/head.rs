//! Splits the head of a message into lines, and lines into their parts.

/// The most header lines of a head. A table of this many fields is cheap; a bomb has more.
pub const LINES_MAX: usize = 1000;

/// The head of a message and where its body begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The lines, without the empty one at the end.
    pub lines: Lines<'a>,
    /// Index of the first byte of the body.
    pub body: usize,
}

/// Finds the end of the head that `bytes` begin with: `None` while it has not arrived.
///
/// A message that begins with an empty line has a head without lines.
#[must_use]
pub fn split_head(bytes: &[u8]) -> Option<Head<'_>> {
    if bytes.starts_with(b"\r\n") {
        return Some(Head { lines: Lines(None), body: 2 });
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(Head { lines: Lines(bytes.get(..end)), body: end + 4 })
}

/// The lines of a head, without their ends. A bare line feed ends no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Lines<'a> {
    /// The lines of a text whose last line has no end; none if there is no text.
    #[must_use]
    pub fn of(text: Option<&'a [u8]>) -> Self {
        Self(text)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0?;
        let Some(end) = text.windows(2).position(|window| window == b"\r\n") else {
            return self.0.take();
        };
        self.0 = text.get(end + 2..);
        text.get(..end)
    }
}

/// The first line of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// Letters, as they were written.
    pub method: &'a [u8],
    /// What is asked for, as it was written.
    pub target: &'a [u8],
    /// The text after `HTTP/`: digits and dots.
    pub version: &'a [u8],
}

/// Takes a request line apart. `None` for what is none.
#[must_use]
pub fn request_line(line: &[u8]) -> Option<RequestLine<'_>> {
    let letters = line.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (method, rest) = line.split_at_checked(letters)?;
    let last = rest.iter().rposition(|byte| is_blank(*byte))?;
    let version = rest.get(last + 1..)?.strip_prefix(b"HTTP/")?;
    let is_number = version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let middle = rest.get(..last)?;
    // One run of blanks stands on each side of the target, which may be empty.
    let separated = middle.first().is_some_and(|byte| is_blank(*byte));
    let valid = !method.is_empty() && is_number && !version.is_empty() && separated;
    valid.then(|| RequestLine { method, target: trim(middle), version })
}

/// The first line of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusLine<'a> {
    /// The number, as it was sent.
    pub code: u16,
    /// What stands behind it.
    pub reason: &'a [u8],
}

/// Takes a status line apart. `None` for what is none; a blank must follow the code.
#[must_use]
pub fn status_line(line: &[u8]) -> Option<StatusLine<'_>> {
    let rest = line.strip_prefix(b"HTTP/")?;
    let version = rest.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let rest = rest.get(version..)?;
    let rest = rest.get(rest.iter().take_while(|byte| is_blank(**byte)).count()..)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (code, rest) = rest.split_at_checked(digits)?;
    let blank = rest.first().is_some_and(|byte| is_blank(*byte));
    let code = std::str::from_utf8(code).ok()?.parse().ok()?;
    (version > 0 && blank).then(|| StatusLine { code, reason: trim(rest) })
}

/// A header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderLine<'a> {
    /// A field: the name as it was written, the value without the blanks in front of it.
    Field(&'a [u8], &'a [u8]),
    /// More of the value before.
    Continued(&'a [u8]),
}

/// Takes a header line apart. `None` for what is none.
#[must_use]
pub fn header_line(line: &[u8]) -> Option<HeaderLine<'_>> {
    match line.first()? {
        b'\t' => line.get(1..).map(HeaderLine::Continued),
        byte if is_blank(*byte) => None,
        _ => {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let value = line.get(colon + 1..)?;
            let blanks = value.iter().take_while(|byte| is_blank(**byte)).count();
            Some(HeaderLine::Field(line.get(..colon)?, value.get(blanks..)?))
        }
    }
}

/// The blanks of C's `isspace`.
fn is_blank(byte: u8) -> bool {
    byte == b' ' || (b'\t'..=b'\r').contains(&byte)
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(line: &str) -> Option<(&str, &str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        request_line(line.as_bytes()).map(|r| (text(r.method), text(r.target), text(r.version)))
    }

    #[test]
    fn request_lines() {
        assert_eq!(request("GET /x HTTP/1.1"), Some(("GET", "/x", "1.1")));
        assert_eq!(request("get   /a b   HTTP/1.0"), Some(("get", "/a b", "1.0")));
        assert_eq!(request("GET\t/a\tHTTP/2"), Some(("GET", "/a", "2")));
        assert_eq!(request("GET  HTTP/1.1"), Some(("GET", "", "1.1")));
        assert_eq!(request("GET / HTTP/1.1 HTTP/1.0"), Some(("GET", "/ HTTP/1.1", "1.0")));
        let bad = [
            "",
            "GET",
            "GET /",
            "GET HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET / HTTP/1.1x",
            " GET / HTTP/1.1",
            "M-SEARCH / HTTP/1.1",
            "GET / HTTP/",
            "/ HTTP/1.1",
            "GET/ HTTP/1.1",
        ];
        for line in bad {
            assert_eq!(request(line), None, "{line:?}");
        }
    }

    #[test]
    fn status_lines() {
        let line = |code, reason| Some(StatusLine { code, reason });
        assert_eq!(status_line(b"HTTP/1.1 200 OK"), line(200, b"OK".as_slice()));
        assert_eq!(status_line(b"HTTP/1.0  404 Not Found "), line(404, b"Not Found".as_slice()));
        assert_eq!(status_line(b"HTTP/1.1 204 "), line(204, b"".as_slice()));
        for bad in ["HTTP/1.1 200", "HTTP/ 200 OK", "HTTP/1.1 99999 x", "HTTP/1.1 x y", "200 OK"] {
            assert_eq!(status_line(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn header_lines() {
        let field = |name, value| Some(HeaderLine::Field(name, value));
        assert_eq!(header_line(b"Host: h"), field(b"Host".as_slice(), b"h".as_slice()));
        assert_eq!(header_line(b"a:\t v  "), field(b"a".as_slice(), b"v  ".as_slice()));
        assert_eq!(header_line(b"a:b:c"), field(b"a".as_slice(), b"b:c".as_slice()));
        assert_eq!(header_line(b"\tmore"), Some(HeaderLine::Continued(b"more")));
        assert_eq!(header_line(b" a: b"), None);
        assert_eq!(header_line(b"no colon"), None);
        assert_eq!(header_line(b""), None);
    }

    #[test]
    fn heads() {
        assert_eq!(split_head(b"GET / HTTP/1.1\r\na: b\r\n\r"), None);
        let head = split_head(b"one\r\ntwo\nstill\r\n\r\nbody").unwrap();
        assert_eq!(head.body, 18);
        assert_eq!(head.lines.collect::<Vec<_>>(), [b"one".as_slice(), b"two\nstill"]);
        let empty = split_head(b"\r\nrest").unwrap();
        assert_eq!((empty.lines.count(), empty.body), (0, 2));
    }

    /// What httparse makes of a request: method, target, fields.
    type Parsed = (String, String, Vec<(String, Vec<u8>)>);

    fn with_httparse(text: &[u8]) -> Option<Parsed> {
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(text).ok()?.is_complete().then(|| {
            let field = |h: &httparse::Header<'_>| (h.name.to_owned(), h.value.to_vec());
            let fields = request.headers.iter().map(field).collect();
            (request.method.unwrap().to_owned(), request.path.unwrap().to_owned(), fields)
        })
    }

    fn with_ours(text: &[u8]) -> Option<Parsed> {
        let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let mut lines = split_head(text)?.lines;
        let line = request_line(lines.next()?)?;
        let fields = lines.map(|line| match header_line(line)? {
            HeaderLine::Field(name, value) => Some((string(name)?, value.to_vec())),
            HeaderLine::Continued(_) => None,
        });
        Some((string(line.method)?, string(line.target)?, fields.collect::<Option<_>>()?))
    }

    proptest! {
        #[test]
        fn plain_requests_mean_what_httparse_says(
            method in "[A-Z]{1,8}",
            target in "/[a-z0-9/?&=%.]{0,20}",
            fields in prop::collection::vec(
                ("[A-Za-z-]{1,12}", "([!-~]([ -~]{0,10}[!-~])?)?"), 0..8,
            ),
        ) {
            let mut text = format!("{method} {target} HTTP/1.1\r\n");
            for (name, value) in fields {
                text += &format!("{name}: {value}\r\n");
            }
            text += "\r\n";
            let ours = with_ours(text.as_bytes());
            prop_assert!(ours.is_some());
            prop_assert_eq!(ours, with_httparse(text.as_bytes()));
        }
    }
}
