//! Requests that change something come from this site's own pages, from pages of `ALLOWED_ORIGINS`, or from no page at all.
//!
//! Against others there are three locks, each enough by itself in a current browser: this check, bodies that must be JSON (another site would
//! need a preflight, and none is answered), and a token that only the application's pages have, or with the demo a cookie that is SameSite=Lax.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use url::Url;

use super::problem::Problem;

/// How long a browser need not ask again; Chromium takes no more.
const PREFLIGHT_AGE: Duration = Duration::from_hours(2);

/// Where pages may be that send requests.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    /// Those of other origins.
    pub(crate) allowed: Arc<[String]>,
    /// The own one, where a proxy changes `Host`; else it follows from `Host`.
    pub(crate) public: Option<String>,
}

/// Refuses what another site's page sent.
pub(crate) async fn require(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || origins.admit(request.headers()) {
        next.run(request).await
    } else {
        tracing::warn!("a request from another origin was refused");
        Problem::cross_origin().into_response()
    }
}

impl Origins {
    /// Lets the pages of allowed origins call the two routes of the widget, and read what they answer.
    pub(crate) fn cors(&self) -> Option<CorsLayer> {
        if self.allowed.is_empty() {
            return None;
        }
        let origins = self.clone();
        let is_allowed = move |origin: &HeaderValue, request: &Parts| {
            is_of_the_widget(request.uri.path()) && origins.is_allowed(origin)
        };
        Some(
            CorsLayer::new()
                .allow_origin(AllowOrigin::predicate(is_allowed))
                .allow_methods([Method::POST])
                // What the page's own `headers` sends is not known here.
                .allow_headers(AllowHeaders::mirror_request())
                .expose_headers([header::RETRY_AFTER])
                .max_age(PREFLIGHT_AGE),
        )
    }

    fn is_allowed(&self, origin: &HeaderValue) -> bool {
        self.allowed.iter().any(|allowed| origin.as_bytes() == allowed.as_bytes())
    }

    /// Whether an allowed page sent it, or an own one, or the browser says nothing: programs send neither header, and no page can
    /// suppress both.
    fn admit(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(header::ORIGIN);
        if origin.is_some_and(|origin| self.is_allowed(origin)) {
            return true;
        }
        let site_fits =
            headers.get("sec-fetch-site").is_none_or(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
        let is_own = |origin: &HeaderValue| match &self.public {
            Some(public) => origin.as_bytes() == public.as_bytes(),
            None => is_at_host(origin, headers.get(header::HOST)),
        };
        site_fits && origin.is_none_or(is_own)
    }
}

/// *start* or *deliver*.
fn is_of_the_widget(path: &str) -> bool {
    path == "/api/reconnects" || (path.starts_with("/api/connections/") && path.ends_with("/reconnect"))
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
        let origins = Origins { allowed: Arc::default(), public: None };
        let host = ("host", "localhost:4200");
        for own in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-origin"), ("origin", "http://localhost:4200")],
            &[host, ("sec-fetch-site", "none")],
            &[("host", "app.example"), ("origin", "https://APP.example")],
            &[("host", "app.example:443"), ("origin", "https://app.example")],
        ] {
            assert!(origins.admit(&headers(own)), "{own:?}");
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
            assert!(!origins.admit(&headers(other)), "{other:?}");
        }
    }
}
