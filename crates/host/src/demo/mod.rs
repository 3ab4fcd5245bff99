//! The demo: a page, a user who is signed in by opening it, four connections, and controls of the sandbox and the network.
//!
//! Nothing of it is part of the reference: without `--demo` none of its routes exists, and the host's own modules do not know it.

mod routes;
mod seeds;
mod sign_in;

use axum::{Router, middleware::from_fn_with_state};
use flinks_connect::address::ConnectUrl;
use url::Url;

use self::routes::{Network, SandboxControls};
pub use self::seeds::demo_login_ids;
pub(crate) use self::seeds::seed;
use crate::{
    config::DemoFiles,
    http::{self, App, Extra},
    outbound::NoRoots,
};

/// Parameters of Connect's address: shows FlinksCapital, the sandbox's bank, on the bank list, to which any session may fall through.
pub(crate) const CONNECT_PARAMS: &[(&str, bool)] = &[("demo", true)];

/// The host's routes and the demo's, for the sandbox at `api` and a page that may load `connect`.
pub(crate) fn router(
    files: &DemoFiles,
    app: App,
    admin: Router<App>,
    api: Url,
    connect: &ConnectUrl,
) -> Result<Router, NoRoots> {
    let network = Network::default();
    let extra = Extra {
        guarded: routes::controls(SandboxControls::new(api)?, network.clone()),
        admin,
        fallback: routes::pages(files, connect).layer(from_fn_with_state(app.clone(), sign_in::whoever_opens_the_page)),
    };
    Ok(http::router(app, extra).layer(from_fn_with_state(network, Network::carry)))
}
