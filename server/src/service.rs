//! The service: what is configured, put together, and its routes.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    administration::Administration,
    admission::Admission,
    clock::{Clock, seconds},
    configuration::{Configuration, DatabaseSettings},
    customer_records::known::CustomerRecords,
    customer_store::{ChangeListener, CustomerStore, StoreError},
    http::{
        host::for_one_host,
        problem::{Problem, method_not_allowed, not_found},
        request_log::log_request,
    },
    live_assist::{LiveAssist, codes::AuthorizationCodes, tokens::ContactTokens},
    livechat::{LiveChat, LiveChatSettings, accounts::AccountsApi, customer_tokens::CustomerTokens, guests::Guests},
    logging::DroppedLines,
    metrics::{Metrics, MetricsError, Readings},
    omnichannel::Omnichannel,
    openapi::{self, DescribedSettings},
    readiness::Readiness,
    signing_keys::{Signer, SigningKeys, published_keys},
};

/// Why the service could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The customer store.
    #[error("database-url: expected a database that can be opened and written: {0}")]
    Store(#[from] StoreError),
    /// The client of accounts.
    #[error("the HTTPS client could not be made (are CA certificates installed?): {0}")]
    Http(#[from] reqwest::Error),
    /// What is counted.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The endpoints.
    #[error("the endpoints could not be described: {0}")]
    Description(#[from] serde_json::Error),
}

struct Shared {
    store: CustomerStore,
    tokens: Option<CustomerTokens>,
    /// The routes of all that is served; each router holds what it works with.
    routes: Router,
    admission: Admission,
    signing_keys: Option<SigningKeys>,
    metrics: Metrics,
    clock: Clock,
}

/// The identity service.
#[derive(Clone)]
pub struct IdentityService(Arc<Shared>);

/// Has each request counted and logged, also one that is meant for no host. It is one layer, for each costs every request.
async fn observed(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let answer = async |request: Request| match for_one_host(request) {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    log_request(Some(&metrics), request, answer).await
}

impl IdentityService {
    /// Opens the database and gets ready; nothing is asked of accounts yet.
    pub async fn new(configuration: Configuration, clock: Clock) -> Result<Self, StartError> {
        let Configuration { body_limits, signing, .. } = configuration;
        let admission = Admission::new(configuration.admission);
        let livechat = match configuration.livechat {
            Some(LiveChatSettings { accounts, tokens, guests }) => Some((AccountsApi::new(accounts)?, tokens, guests)),
            None => None,
        };
        // Without LiveChat, no entity is ever asked for.
        let account = livechat.as_ref().map(|(accounts, ..)| accounts.account().name());
        let DatabaseSettings { url, connections } = configuration.database;
        let store = CustomerStore::connect(&url, connections, account.unwrap_or_default()).await?;
        let mut changes = ChangeListener::new(store.clone(), clock.clone());
        changes.begin().await;
        let records = CustomerRecords::new(store.clone(), changes.hearing());
        let mut routes = Router::new();
        let (metrics, wall_clock) = (Metrics::new()?, clock.clone());

        let mut tokens = None;
        if let Some((accounts, settings, guests)) = livechat {
            let held = CustomerTokens::new(accounts, store.clone(), clock.clone(), settings, metrics.clone());
            let guests = guests.map(|settings| Arc::new(Guests::new(settings, store.clone(), clock.clone())));
            let admission = admission.clone();
            routes = routes.merge(LiveChat { admission, body_limits, tokens: held.clone(), guests }.routes());
            tokens = Some(held);
        }
        let (mut context_variables, mut further_claims) = (Arc::from([]), Arc::from([]));
        let (mut signer_in_use, mut redirect_uris) = (None, Vec::new());
        if let Some(signing) = signing {
            let wall = clock.clone();
            signing.keys.watch(signing.check_interval, move || wall.now().wall);
            let signer = Signer::new(signing.keys, &signing.issuer, clock.clone());
            signer_in_use = Some(signer.clone());
            let (omnichannel, live_assist) = (signing.omnichannel, signing.live_assist);
            further_claims = signing.further_claims;
            routes = routes.merge(published_keys::routes(signer.clone(), omnichannel.is_some(), live_assist.is_some()));
            if let Some(settings) = omnichannel {
                context_variables = Arc::clone(&settings.context_variables);
                let (admission, records, signer) = (admission.clone(), records.clone(), signer.clone());
                routes = routes.merge(
                    Omnichannel {
                        admission,
                        body_limits,
                        records,
                        signer,
                        settings,
                        further_claims: Arc::clone(&further_claims),
                    }
                    .routes(),
                );
            }
            if let Some(settings) = live_assist {
                redirect_uris = settings.code_flow.as_ref().map(|flow| flow.redirect_uris.clone()).unwrap_or_default();
                let live_assist = LiveAssist {
                    admission: admission.clone(),
                    body_limits,
                    tokens: ContactTokens {
                        records: records.clone(),
                        signer,
                        lifetime: settings.token_lifetime,
                        further_claims: Arc::clone(&further_claims),
                        encryption: settings.encryption,
                    },
                    codes: settings.code_flow.map(|settings| AuthorizationCodes::new(settings, store.clone(), clock)),
                };
                routes = routes.merge(live_assist.routes());
            }
        }
        let described = DescribedSettings {
            session_cookie: admission.session_cookie(),
            redirect_uris: &redirect_uris,
            further_claims: &further_claims,
        };
        routes = routes.merge(openapi::routes(&described)?);
        if let Some(key) = configuration.admin_key {
            let administration = Administration {
                key,
                store: store.clone(),
                records: records.clone(),
                tokens: tokens.clone(),
                context_variables,
                further_claims,
                body_limits,
            };
            routes = routes.merge(administration.routes());
        }
        let remembered = tokens.clone();
        tokio::spawn(changes.listen(async move |heard| {
            if heard.everything {
                records.everything_changed();
            }
            heard.records.iter().for_each(|customer| records.changed(customer));
            if let Some(tokens) = &remembered {
                tokens.heard(&heard).await;
            }
        }));
        let signing_keys = signer_in_use.as_ref().map(|signer| signer.keys().clone());
        routes = routes.merge(Readiness::new(store.clone(), signer_in_use, admission.clone()).routes());
        let shared = Shared { store, tokens, routes, admission, signing_keys, metrics, clock: wall_clock };
        Ok(Self(Arc::new(shared)))
    }

    /// The routes alone, to be merged into a site's own router.
    pub fn routes(&self) -> Router {
        self.0.routes.clone()
    }

    /// The whole service: its routes, 404 for everything else, and each request counted and logged.
    pub fn router(&self) -> Router {
        let routes = self.routes().fallback(not_found);
        routes.layer(middleware::from_fn_with_state(self.0.metrics.clone(), observed))
    }

    /// What is counted, for a listener of its own: `/metrics`.
    pub fn metrics_router(&self, dropped: DroppedLines) -> Router {
        let service = self.clone();
        let metrics = async move || {
            let shared = &service.0;
            let readings = Readings {
                database: shared.store.readings(),
                signing_keys: shared.signing_keys.as_ref().map(|keys| {
                    let now = seconds(shared.clock.now().wall);
                    keys.current().readings(now)
                }),
                dropped_log_lines: u64::try_from(dropped.count()).unwrap_or(u64::MAX),
                kept_tokens: shared.tokens.as_ref().map_or(0, CustomerTokens::kept),
            };
            let (text, media_type) = shared.metrics.text(&readings).map_err(|error| {
                tracing::error!(%error, "the metrics could not be told");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The metrics could not be told.")
            })?;
            Ok::<_, Problem>(([(header::CONTENT_TYPE, media_type)], text))
        };
        let metrics = Router::new().route("/metrics", get(metrics)).method_not_allowed_fallback(method_not_allowed);
        metrics.fallback(not_found)
    }

    /// Reads its own keys and the site's anew. What cannot be read leaves the keys in hand as they are.
    pub async fn reload_keys(&self) {
        if let Some(keys) = &self.0.signing_keys {
            keys.reload();
        }
        match self.0.admission.reload_keys().await {
            Ok(()) => tracing::info!("the keys are read anew"),
            Err(error) => tracing::error!(%error, "the site's keys stay as they were"),
        }
    }

    /// Waits until every request to accounts has ended: one that creates a customer must not be lost.
    pub async fn finish(&self) {
        if let Some(tokens) = &self.0.tokens {
            tokens.finish().await;
        }
        self.0.store.close().await;
    }
}
