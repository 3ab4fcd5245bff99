//! Where Connect lives: instance names, base addresses, origins.
//!
//! Invariants: an address is taken apart by a WHATWG URL parser (the browser's in the widget), never by string search; what
//! the frame loads and the origin its messages are compared with come from the same parse.

/// A URL as a WHATWG parser read it.
#[derive(Clone, PartialEq, Eq)]
pub struct ParsedUrl {
    /// The serialised URL without query and fragment: two URLs with the same place show the same page.
    pub place: String,
    /// It has neither query nor fragment, not even empty ones.
    pub is_bare: bool,
    /// The scheme with its colon, as `https:`.
    pub scheme: String,
    /// The host without the port; `[::1]` keeps its brackets; empty when the scheme has none.
    pub host: String,
    /// `https://host[:port]`, or `null` for schemes without an origin.
    pub origin: String,
    /// A user name or password stands before the host.
    pub has_credentials: bool,
    /// Decoded query pairs in their order, duplicates kept.
    pub query: Vec<(String, String)>,
}

/// Parses a URL by the WHATWG rules, a relative one against the base where there is one; `None` when it cannot be parsed. Must be pure.
pub type ParseUrl = fn(text: &str, base: Option<&str>) -> Option<ParsedUrl>;

impl ParsedUrl {
    /// Whether this is `http:` or `https:`.
    #[must_use]
    pub fn is_http(&self) -> bool {
        matches!(self.scheme.as_str(), "http:" | "https:")
    }

    /// Whether the host is this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host == "[::1]" || is_loopback_ipv4(&self.host)
    }
}

/// The parser has already canonicalised the host: four decimal numbers or not an IPv4 address at all.
fn is_loopback_ipv4(host: &str) -> bool {
    host.starts_with("127.")
        && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && host.bytes().filter(|byte| *byte == b'.').count() == 3
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// It is not the name of a Flinks instance.
    Instance,
    /// It is no absolute URL.
    Relative,
    /// Its scheme is neither https, nor http on a loopback host.
    Insecure,
    /// It has a query, a fragment or credentials.
    NotBare,
}

impl AddressError {
    /// What is accepted. Never repeats the address.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Instance => {
                "expected a Flinks instance name: 1 to 56 lower-case letters, digits or inner hyphens, as `toolbox`"
            }
            Self::Relative => "expected an absolute URL",
            Self::Insecure => "expected https, or http on a loopback host",
            Self::NotBare => "expected no query, no fragment and no credentials",
        }
    }
}

/// The base address of one Connect: scheme, host, port and path, no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectUrl {
    base: String,
    origin: String,
}

impl ConnectUrl {
    /// The Connect of a Flinks instance: `toolbox` → `https://toolbox-iframe.private.fin.ag/v2/`.
    ///
    /// The name must match `^[a-z0-9](?:[a-z0-9-]{0,54}[a-z0-9])?$`: with `-iframe` it is one DNS label, so no name can lead
    /// to another host. That the parser changed nothing is checked all the same.
    pub fn of_instance(name: &str, parse: ParseUrl) -> Result<Self, AddressError> {
        if !is_instance_name(name) {
            return Err(AddressError::Instance);
        }
        let address = ["https://", name, "-iframe.private.fin.ag/v2/"].concat();
        match Self::at(&address, parse) {
            Ok(connect) if connect.base == address => Ok(connect),
            _ => Err(AddressError::Instance),
        }
    }

    /// A Connect at an address of the host's choice: https, or http on a loopback host; no query, fragment or credentials.
    pub fn at(address: &str, parse: ParseUrl) -> Result<Self, AddressError> {
        let Some(parsed) = parse(address, None) else { return Err(AddressError::Relative) };
        if parsed.scheme != "https:" && !(parsed.scheme == "http:" && parsed.is_loopback()) {
            return Err(AddressError::Insecure);
        }
        if parsed.has_credentials || !parsed.is_bare {
            return Err(AddressError::NotBare);
        }
        Ok(Self { base: parsed.place, origin: parsed.origin })
    }

    /// The address to put a query behind.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The only origin this Connect's messages may come from.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

fn is_instance_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    matches!(bytes.len(), 1..=56)
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

#[cfg(feature = "native-url")]
impl From<url::Url> for ParsedUrl {
    fn from(url: url::Url) -> Self {
        Self {
            scheme: [url.scheme(), ":"].concat(),
            host: url.host_str().unwrap_or_default().to_owned(),
            origin: url.origin().ascii_serialization(),
            has_credentials: !url.username().is_empty() || url.password().is_some(),
            query: url.query_pairs().into_owned().collect(),
            is_bare: url.query().is_none() && url.fragment().is_none(),
            place: {
                let mut place = url;
                place.set_query(None);
                place.set_fragment(None);
                place.into()
            },
        }
    }
}

/// [`ParseUrl`] outside a browser, by the `url` crate.
#[cfg(feature = "native-url")]
#[must_use]
pub fn parse_url(text: &str, base: Option<&str>) -> Option<ParsedUrl> {
    let base = base.map(url::Url::parse).transpose().ok()?;
    url::Url::options().base_url(base.as_ref()).parse(text).ok().map(ParsedUrl::from)
}
