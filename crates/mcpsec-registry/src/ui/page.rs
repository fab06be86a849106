//! The frame of every page, and the headers that let a browser do nothing but show it.
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::{assets, reader::Reader, words};
use crate::error::ApiError;

/// What a browser may do with a page: take our stylesheet and icon, and send the search form back to us. No scripts at all.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Which part of the site a page is in, for the navigation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Section {
    Servers,
    Pending,
    Log,
    Search,
    /// Errors.
    Nowhere,
}

/// A page that is ready to be sent.
#[derive(Debug)]
pub(super) struct Page {
    status: StatusCode,
    html: Markup,
    private: bool,
}

impl Page {
    /// The frame around `body`, which starts with the page's `h1`. `title` is escaped here.
    pub(super) fn new(reader: &Reader, section: Section, title: &str, body: Markup) -> Self {
        let site = Site {
            origin: reader.app.config.origin.as_str(),
            pending: Some(reader.pending()),
            query: reader.asked.text("q"),
        };
        Self { status: StatusCode::OK, html: frame(&site, section, title, body), private: reader.app.config.private }
    }
}

/// What the frame says about the site.
struct Site<'a> {
    origin: &'a str,
    pending: Option<usize>,
    query: Option<&'a str>,
}

fn frame(site: &Site<'_>, section: Section, title: &str, body: Markup) -> Markup {
    let item = |this: Section, address: &str, words: Markup| {
        html! { li { a href=(address) aria-current=[(this == section).then_some("page")] { (words) } } }
    };
    let pending = html! {
        "Pending"
        @if let Some(count) = site.pending.filter(|count| *count > 0) {
            " " span class="count" { (count) span class="only-read" { " requests" } }
        }
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (words::escaped(title)) " · " (words::escaped(site.origin)) }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                link rel="stylesheet" href=(assets::STYLE_ADDRESS.as_str());
                link rel="icon" type="image/svg+xml" href=(assets::ICON_ADDRESS.as_str());
            }
            body {
                a class="skip" href="#main" { "Skip to the content" }
                header class="top" {
                    div class="wide" {
                        a class="brand" href="/" {
                            img src=(assets::ICON_ADDRESS.as_str()) alt="" width="26" height="26";
                            span { (words::escaped(site.origin)) }
                        }
                        nav aria-label="Main" {
                            ul {
                                (item(Section::Servers, "/", html! { "Servers" }))
                                (item(Section::Pending, "/pending", pending))
                                (item(Section::Log, "/log", html! { "Log" }))
                            }
                        }
                        form class="search" role="search" action="/search" method="get" {
                            label for="q" class="only-read" { "Search servers, packages and tools" }
                            input id="q" type="search" name="q" maxlength="200" placeholder="Server, package, tool"
                                autocomplete="off" spellcheck="false" value=[site.query.map(words::escaped)];
                            button type="submit" { "Search" }
                        }
                    }
                }
                main id="main" tabindex="-1" { (body) }
                footer {
                    p {
                        "This page shows; it decides nothing. " code { "mcpsec verify" }
                        " checks every byte, signature and word on your own machine."
                    }
                }
            }
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let caching = if self.private { "private, no-store" } else { "no-cache" };
        let headers: [(HeaderName, HeaderValue); 8] = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
            (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
            (
                HeaderName::from_static("permissions-policy"),
                HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
        ];
        (self.status, headers, self.html.into_string()).into_response()
    }
}

/// What somebody does whose browser was not let in. Tokens are not asked for here: what a browser once has it sends along with whatever
/// another site makes it send.
fn how_to_read() -> Markup {
    html! {
        p {
            "Programs show a token: " code { "mcpsec" } " the one in " code { "MCPSEC_TEAM_TOKEN" }
            ", npm and pip the one in their own settings."
        }
        p {
            "A browser has none, and should not be given one. Whoever runs this registry lets people in by a reverse proxy that knows \
             them and adds a token with the scope " code { "read" } " to their requests: see " code { "docs/registry.md" }
            ", “A private registry”."
        }
    }
}

/// An error as a page.
#[derive(Debug)]
pub(super) struct Failure(ApiError);

impl Failure {
    /// 404 with these words.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self(ApiError::not_found(message))
    }

    /// The next step.
    #[must_use]
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self(self.0.hint(hint))
    }
}

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let ApiError { status, message, hint, .. } = &self.0;
        let private = *status == StatusCode::UNAUTHORIZED;
        let title = if private { "This registry is private" } else { status.canonical_reason().unwrap_or("Error") };
        let body = html! {
            div class="narrow" {
                p class="eyebrow" { (status.as_u16()) }
                h1 { (title) }
                p class="lead" { (words::line(message)) }
                @if private {
                    (how_to_read())
                } @else {
                    @if let Some(hint) = hint { p { (words::line(hint)) } }
                    p { a href="/" { "All servers" } }
                }
            }
        };
        let site = Site { origin: "mcpsec", pending: None, query: None };
        let html = frame(&site, Section::Nowhere, title, body);
        let status = *status;
        // The answer of the API carries what clients act on (`Retry-After`, `WWW-Authenticate`).
        let mut response = Page { status, html, private: true }.into_response();
        for (name, value) in self.0.into_response().headers() {
            if [header::RETRY_AFTER, header::WWW_AUTHENTICATE].contains(name) {
                response.headers_mut().insert(name.clone(), value.clone());
            }
        }
        response
    }
}
