//! Requests that change something come from this site's own pages, or from no page at all.
//!
//! Three locks, each enough by itself in a current browser: this check, bodies that must be JSON (another site would need a
//! preflight, and none is answered), and a cookie that is SameSite=Lax.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use url::Url;

use super::problem::Problem;

/// Refuses what another site's page sent.
pub(crate) async fn require(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers()) {
        next.run(request).await
    } else {
        tracing::warn!("a request from another origin was refused");
        Problem::cross_origin().into_response()
    }
}

/// Whether the browser says so, or says nothing: programs send neither header, and no page can suppress both.
fn is_own(headers: &HeaderMap) -> bool {
    let site_fits =
        headers.get("sec-fetch-site").is_none_or(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
    site_fits && headers.get(header::ORIGIN).is_none_or(|origin| is_at_host(origin, headers.get(header::HOST)))
}

/// Whether `origin` names the very host and port the request was sent to. Its scheme is not compared: behind a proxy that ends
/// TLS the host sees http.
fn is_at_host(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let authority = |value: &HeaderValue| value.to_str().ok().map(str::to_ascii_lowercase);
    let (Some(origin), Some(host)) = (authority(origin), host.and_then(authority)) else { return false };
    let Ok(origin) = Url::parse(&origin) else { return false };
    let Ok(host) = Url::parse(&format!("{}://{host}/", origin.scheme())) else { return false };
    matches!(origin.scheme(), "http" | "https") && origin.origin() == host.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn own_pages_and_programs_pass_and_others_do_not() {
        let host = ("host", "localhost:4200");
        for own in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-origin"), ("origin", "http://localhost:4200")],
            &[host, ("sec-fetch-site", "none")],
            &[("host", "app.example"), ("origin", "https://APP.example")],
            &[("host", "app.example:443"), ("origin", "https://app.example")],
        ] {
            assert!(is_own(&headers(own)), "{own:?}");
        }
        for other in [
            &[host, ("sec-fetch-site", "cross-site")][..],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, ("origin", "null")],
            &[host, ("origin", "http://localhost:4201")],
            &[host, ("origin", "http://127.0.0.1:4200")],
            &[host, ("origin", "http://localhost:4200.evil.example")],
            &[host, ("origin", "ftp://localhost:4200")],
            &[("origin", "http://localhost:4200")],
            &[host, ("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
            &[host, ("origin", "http://localhost:4200"), ("sec-fetch-site", "cross-site")],
        ] {
            assert!(!is_own(&headers(other)), "{other:?}");
        }
    }
}
