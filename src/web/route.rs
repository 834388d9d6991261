//! The server: which request is answered, and what all responses have in common.
//!
//! Never here: the paths (`routes`), sockets and deadlines (`connection`), the content of pages.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use exporter_toolkit::{Access, ActiveSecurity, WebSecurity};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::web::api::maintenance::MaintenanceCommand;
use crate::web::api::{self, Api};
use crate::web::body::Payload;
use crate::web::browser;
use crate::web::connection::Peer;
use crate::web::handlers::Handlers;
use crate::web::meters::Meters;
use crate::web::pages;
use crate::web::response::{caught, denied, drain, exposition, html, send, text};
use crate::web::routes::Route;
use crate::web::scrape_request::metrics_request;
use crate::web::settings::WebSettings;
use crate::web::timeouts::RequestMark;
use crate::web::view::{self, ReaderApis, Sight};

/// Share of a scrape timeout reserved for sending the response.
const TRAVEL_SHARE: u32 = 10;
const TRAVEL_MOST: Duration = Duration::from_millis(500);

/// An admitted request.
struct Asked<'a> {
    head: &'a Parts,
    /// The path without the prefix of a link.
    path: String,
    /// The prefix of a link; empty without one.
    prefix: String,
    body: &'a [u8],
    /// What it may see.
    sight: Sight,
}

/// State shared by all connections.
pub(super) struct Server {
    pub(super) settings: WebSettings,
    pub(super) meters: Meters,
    pub(super) security: Arc<WebSecurity>,
    site: Arc<Handlers>,
    readers: ReaderApis,
    /// One permit for each concurrent scrape; `None` for no limit.
    scrapes: Option<Arc<Semaphore>>,
    /// One permit for each concurrent API request.
    questions: Arc<Semaphore>,
    /// Separate permits for pages, which do not wait for the API.
    pages: Arc<Semaphore>,
    /// The Content-Security-Policy of pages.
    policy: HeaderValue,
    /// Whether a panic was logged.
    panicked: AtomicBool,
}

impl Server {
    pub(super) fn new(
        site: Arc<Handlers>,
        security: Arc<WebSecurity>,
        settings: WebSettings,
        meters: Meters,
    ) -> Server {
        let limit = settings.max_requests.min(Semaphore::MAX_PERMITS);
        let scrapes = (limit > 0).then(|| Arc::new(Semaphore::new(limit)));
        let places = || Arc::new(Semaphore::new(settings.max_questions.clamp(1, Semaphore::MAX_PERMITS)));
        let (questions, pages) = (places(), places());
        let policy = HeaderValue::try_from(pages::content_security_policy()).expect("the policy is plain text of ours");
        Server {
            settings,
            meters,
            security,
            site,
            readers: ReaderApis::default(),
            scrapes,
            questions,
            pages,
            policy,
            panicked: AtomicBool::new(false),
        }
    }

    /// Answers one request. The response to HEAD is that to GET: hyper sends only its header and reads nothing of the
    /// body.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
        mark: &RequestMark,
    ) -> Response<Payload> {
        let (head, body) = request.into_parts();
        let views = (self.site.views)();
        let find = |path: &str| Route::find(path, &self.site.landing.telemetry_path);
        let is_route = |path: &str| find(path).is_some() || views.of_path(path).is_some();
        let whole = self.settings.route_prefix.strip(head.uri.path(), is_route);
        let link = views.of_path(whole);
        let path = link.as_ref().map_or(whole, |(_, path)| path).to_owned();
        let route = find(&path);
        let handler = route.map_or("other", Route::label);
        let security = self.security.active();
        let drained = drain(body, self.settings.max_body_bytes).await;
        mark.read_whole();
        let admitted = match drained {
            Err(refused) => Err(refused),
            Ok(body) => self.admit(&security, &head, peer, link.is_some()).await.map(|access| (access, body)),
        };
        let mut response = match admitted {
            Err(refused) => refused,
            Ok((access, body)) => {
                mark.admitted(access == Access::Authenticated);
                let prefix = whole.strip_suffix(path.as_str()).unwrap_or(whole).to_owned();
                let of_user = || views.of_user(security.user(&head.headers).as_deref());
                let sight = link.map_or_else(of_user, |(sight, _)| sight);
                let asked = Asked { head: &head, path, prefix, body: &body, sight };
                caught(self.dispatch(route, asked)).await.unwrap_or_else(|panic| {
                    self.note_panic(handler, &*panic);
                    text(StatusCode::INTERNAL_SERVER_ERROR, "Internal error. See the log of the exporter.")
                })
            }
        };
        self.meters.requests.with_label_values(&[handler, response.status().as_str()]).inc();
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        security.add_headers(headers);
        response
    }

    /// Checks whether a request may be answered; the error is the rejection.
    async fn admit(
        &self,
        security: &ActiveSecurity,
        head: &Parts,
        peer: &Peer,
        by_link: bool,
    ) -> Result<Access, Response<Payload>> {
        // The connection is about to be closed, but this request came first.
        if !security.accepts_connections_of(&peer.accepted) {
            let reason = "The client certificate settings have changed. Connect again.";
            return Err(text(StatusCode::MISDIRECTED_REQUEST, reason));
        }
        browser::check(head, security.is_open(), &self.settings.allowed_hosts)
            .map_err(|(status, reason)| text(status, &reason))?;
        if by_link {
            return security.admit_other(peer.address).map(|()| Access::Anonymous).map_err(denied);
        }
        security.authenticate(&head.headers, peer.address).await.map_err(denied)
    }

    /// Logs the first panic. Later ones are visible in the status codes and in the panic hook of the process.
    pub(super) fn note_panic(&self, handler: &'static str, panic: &(dyn Any + Send)) {
        if !self.panicked.swap(true, Ordering::Relaxed) {
            let message = panic.downcast_ref::<&str>().copied();
            let message =
                message.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
            tracing::error!(handler, message, "HTTP handler \"{handler}\" panicked, please report this: {message}");
        }
    }

    async fn dispatch(&self, route: Option<Route>, asked: Asked<'_>) -> Response<Payload> {
        let head = asked.head;
        let is_health = matches!(route, Some(Route::Healthy | Route::Ready));
        if asked.sight == Sight::Nothing && !is_health {
            return text(StatusCode::FORBIDDEN, "This user has no view: see web.views.");
        }
        let Some(route) = route else { return text(StatusCode::NOT_FOUND, "Not found.") };
        let (methods, allow) = route.methods();
        if !methods.contains(&head.method) {
            let reason = format!("Method not allowed. Allowed: {allow}.");
            let mut response = match route {
                Route::Api | Route::Maintenance => send(api::error(StatusCode::METHOD_NOT_ALLOWED, &reason)),
                _ => text(StatusCode::METHOD_NOT_ALLOWED, &reason),
            };
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
            return response;
        }
        // What cannot be limited to some masternodes, and what changes something.
        if asked.sight != Sight::Everything && matches!(route, Route::Maintenance | Route::Reload) {
            return text(StatusCode::FORBIDDEN, "This view is read-only and limited to groups.");
        }
        match route {
            Route::Metrics => self.metrics(asked).await,
            Route::Api => self.api(asked).await,
            Route::Landing | Route::Masternode | Route::Events | Route::Runbook => self.page(asked).await,
            Route::Maintenance => self.maintenance(head, asked.body).await,
            Route::Healthy => text(StatusCode::OK, "Healthy."),
            Route::Ready => self.ready(),
            Route::Reload => self.reload().await,
        }
    }

    async fn metrics(&self, asked: Asked<'_>) -> Response<Payload> {
        let (mut request, scrape_timeout) = match metrics_request(asked.head) {
            Ok(request) => request,
            Err(reason) => return text(StatusCode::BAD_REQUEST, &reason),
        };
        if let Sight::Groups(groups) = asked.sight {
            if request.filter.groups.is_empty() {
                let reason = "This view is limited to groups: add the parameter group, such as ?group=customer=acme.";
                return text(StatusCode::FORBIDDEN, reason);
            }
            request.filter.groups.extend(groups);
        }
        let Ok(permit) = self.scrape_permit() else {
            let limit = self.settings.max_requests;
            let reason = format!("Too many concurrent scrapes (limit {limit}). Try again later.");
            return text(StatusCode::SERVICE_UNAVAILABLE, &reason);
        };
        let page = (self.site.metrics)(request);
        let page = match scrape_timeout {
            None => page.await,
            Some(timeout) => match tokio::time::timeout(timeout - travel(timeout), page).await {
                Ok(page) => page,
                Err(_) => {
                    let reason = format!("The metrics were not ready within the scrape timeout of {timeout:?}.");
                    return text(StatusCode::SERVICE_UNAVAILABLE, &reason);
                }
            },
        };
        match page {
            Ok(reply) => exposition(reply, permit),
            Err(reason) => text(StatusCode::BAD_REQUEST, &reason),
        }
    }

    /// The API as a request sees it.
    fn seen(&self, asked: &Asked<'_>) -> Option<Arc<Api>> {
        let api = self.site.api.as_ref()?;
        Some(self.readers.api(api, &asked.sight, &asked.prefix, &self.settings.external_url))
    }

    async fn api(&self, asked: Asked<'_>) -> Response<Payload> {
        let Some(api) = self.seen(&asked) else { return text(StatusCode::NOT_FOUND, "Not found.") };
        let query = asked.head.uri.query().unwrap_or_default().to_owned();
        let path = asked.path;
        send(self.run_blocking("api", &self.questions, move || api.answer(&path, &query)).await.unwrap_or_else(|()| {
            let reason = "internal error: see the log of the exporter";
            api::error(StatusCode::INTERNAL_SERVER_ERROR, reason)
        }))
    }

    async fn page(&self, asked: Asked<'_>) -> Response<Payload> {
        let (site, api) = (Arc::clone(&self.site), self.seen(&asked));
        if api.is_none() && (pages::is_masternode(&asked.path) || asked.path == pages::EVENTS) {
            return text(StatusCode::NOT_FOUND, "Not found.");
        }
        let landing = view::landing(&site.landing, &asked.prefix, &asked.sight);
        let query = asked.head.uri.query().unwrap_or_default().to_owned();
        let path = asked.path;
        let answer = move || pages::answer(&site, api.as_deref(), &landing, &path, &query);
        match self.run_blocking("page", &self.pages, answer).await {
            Ok(page) => html(page, self.policy.clone()),
            Err(()) => text(StatusCode::INTERNAL_SERVER_ERROR, "Internal error. See the log of the exporter."),
        }
    }

    /// Runs on a blocking thread; an error is a panic, which is logged. If the client disconnects, its permit stays
    /// with the running work.
    async fn run_blocking<T: Send + 'static>(
        &self,
        handler: &'static str,
        places: &Arc<Semaphore>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ()> {
        let permit = Arc::clone(places).acquire_owned().await;
        let answer = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        answer.await.map_err(|error| {
            if error.is_panic() {
                self.note_panic(handler, &*error.into_panic());
            }
        })
    }

    /// A scrape permit; `Ok(None)` without a limit, an error if all are taken.
    fn scrape_permit(&self) -> Result<Option<OwnedSemaphorePermit>, tokio::sync::TryAcquireError> {
        self.scrapes.as_ref().map(|scrapes| Arc::clone(scrapes).try_acquire_owned()).transpose()
    }

    fn ready(&self) -> Response<Payload> {
        let missing = (self.site.ready)().missing;
        if missing.is_empty() {
            return text(StatusCode::OK, "Ready.");
        }
        text(StatusCode::SERVICE_UNAVAILABLE, &format!("Not ready:\n{}", missing.join("\n")))
    }

    async fn maintenance(&self, head: &Parts, body: &[u8]) -> Response<Payload> {
        let Some(handler) = &self.site.maintenance else {
            return send(api::error(StatusCode::NOT_FOUND, "not found"));
        };
        let query = head.uri.query().unwrap_or_default();
        let answer = match MaintenanceCommand::read(head.method.as_str(), query, body) {
            Ok(command) => handler(command).await,
            Err(error) => Err((StatusCode::BAD_REQUEST, error)),
        };
        send(match answer {
            Ok(list) => api::reply(&list),
            Err((status, error)) => api::error(status, &error),
        })
    }

    async fn reload(&self) -> Response<Payload> {
        let Some(reload) = &self.site.reload else {
            return text(
                StatusCode::FORBIDDEN,
                "Reloading over HTTP is disabled, which is the default. Send SIGHUP, or enable it.",
            );
        };
        match reload().await {
            Ok(()) => text(StatusCode::OK, "Reloaded."),
            Err(reason) => text(
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!("Reload failed; the previous configuration stays in use: {reason}"),
            ),
        }
    }
}

fn travel(timeout: Duration) -> Duration {
    (timeout / TRAVEL_SHARE).min(TRAVEL_MOST)
}
