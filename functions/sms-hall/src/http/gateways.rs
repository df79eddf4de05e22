//! Gateways: a provider's account, the path by which it calls, and what is needed to send through it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::query::PathOf;
use chudian_runtime::ports::sql::SqlError;
use chudian_runtime::problem::{FieldError, Problem};
use chudian_vocabulary::Name;
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::messages::sees;
use super::problems::{gateway_unknown, invalid_body, invalid_field};
use super::{App, rfc3339};
use crate::limits::{ADDRESSES_MAX, REQUEST_BYTES_MAX};
use crate::seal::NONCE_BYTES;
use crate::service::{AddressRange, Provider, Settings};
use crate::store::GatewayRow;
use crate::webhook::{SECRET_BYTES, WebhookSecret};
use crate::wire::gateway::{Secrets, Sender};

/// Characters of a name and of an account's parts: more is no name.
const TEXT_CHARACTERS_MAX: usize = 128;

/// Secrets that are good at once: the new one and the one before.
const WEBHOOK_SECRETS_MAX: usize = 2;

/// How often a change begins again because another one came between.
const CHANGE_TRIES_MAX: usize = 8;

/// Random bytes of a path: as many as of a key.
const PATH_BYTES: usize = 32;

/// An account's credential; it is never shown again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialRequest {
    /// AccessKeyId, SecretId.
    id: String,
    /// AccessKeySecret, SecretKey.
    secret: String,
}

/// A new gateway.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGateway {
    /// `aliyun`, `tencent` or `plain`.
    provider: String,
    /// Region of its customers.
    region: String,
    /// What people call it.
    name: String,
    /// Language of its replies, `zh` (when absent) or `en`.
    #[serde(default)]
    language: Option<String>,
    /// From where it calls: addresses and networks, such as `203.0.113.0/24`.
    addresses: Vec<String>,
    /// Where messages are handed over, such as `https://dysmsapi.aliyuncs.com`; the component must be allowed to go there. Absent: the
    /// provider's own.
    #[serde(default)]
    endpoint: Option<String>,
    /// The sender.
    #[serde(default)]
    sender: Sender,
    /// The account.
    #[serde(default)]
    credential: Option<CredentialRequest>,
}

/// What can be changed of a gateway.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GatewaySettings {
    /// What people call it.
    name: String,
    /// Language of its replies, `zh` (when absent) or `en`.
    #[serde(default)]
    language: Option<String>,
    /// From where it calls: addresses and networks, such as `203.0.113.0/24`.
    addresses: Vec<String>,
    /// Where messages are handed over, such as `https://dysmsapi.aliyuncs.com`; the component must be allowed to go there. Absent: the
    /// provider's own.
    #[serde(default)]
    endpoint: Option<String>,
    /// The sender.
    #[serde(default)]
    sender: Sender,
    /// The account; absent in a change: it stays.
    #[serde(default)]
    credential: Option<CredentialRequest>,
}

/// A gateway.
#[derive(Serialize, ToSchema)]
pub(super) struct GatewayAnswer {
    /// Its id.
    gateway_id: String,
    /// What people call it.
    name: String,
    /// `aliyun`, `tencent` or `plain`.
    provider: String,
    /// Region of its customers.
    region: String,
    /// Language of its replies.
    language: String,
    /// From where it calls.
    addresses: Vec<String>,
    /// Where messages are handed over.
    endpoint: String,
    /// The sender.
    sender: Sender,
    /// Whether it has an account's credential.
    has_credential: bool,
    /// When it was made, RFC 3339.
    created_at: String,
    /// When it was last changed, RFC 3339.
    changed_at: String,
}

/// A gateway with what is shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewGatewayAnswer {
    /// The gateway.
    #[serde(flatten)]
    gateway: GatewayAnswer,
    /// The paths to give to the provider.
    #[serde(flatten)]
    paths: CallbackPaths,
    /// Secret of the plain form, for both directions.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret: Option<String>,
}

/// Where a provider calls; shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct CallbackPaths {
    /// Path for customers' messages.
    inbound_path: String,
    /// Path for receipts.
    delivery_path: String,
}

/// A secret; shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct SecretAnswer {
    /// The new secret. The one before stays good for callbacks until the next change.
    webhook_secret: String,
}

/// Gateways.
#[derive(Serialize, ToSchema)]
pub(super) struct GatewaysAnswer {
    /// By id.
    items: Vec<GatewayAnswer>,
}

/// Add a gateway
#[utoipa::path(
    post, path = "/gateways", tag = "gateways", operation_id = "new_sms_gateway",
    request_body = NewGateway,
    responses((status = 201, description = "The gateway, its paths and its secret, which are shown once", body = NewGatewayAnswer))
)]
pub(super) async fn make(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: request, .. }: JsonBody<NewGateway, REQUEST_BYTES_MAX>,
) -> Result<Response, Problem> {
    let settings = app.hall.settings().await?;
    let mut errors = Vec::new();
    let provider = request.provider.parse::<Provider>().ok();
    if provider.is_none() {
        let words = Provider::ALL.map(Provider::code).join(", ");
        let detail = Name::new(
            format!("没有这个取值；可用的取值：{words}"),
            format!("Not a known word; one of {words}"),
        );
        errors.push(invalid_field("/provider", detail));
    }
    if !sees(&caller, &request.region) {
        let detail = Name::new(
            "应为这把密钥可管理的地区标识。",
            "Must be the code of a region that this key may see.",
        );
        errors.push(invalid_field("/region", detail));
    }
    let provider = provider.unwrap_or(Provider::Plain);
    let region = request.region;
    let request = GatewaySettings {
        name: request.name,
        language: request.language,
        addresses: request.addresses,
        endpoint: request.endpoint,
        sender: request.sender,
        credential: request.credential,
    };
    let checked = checked(&request, provider, &mut errors);
    if !errors.is_empty() {
        return Err(invalid_body(errors));
    }
    let webhook_secret = (provider == Provider::Plain)
        .then(|| WebhookSecret::of_random(app.store().random_bytes::<SECRET_BYTES>()).reveal());
    let mut secrets = Secrets {
        webhook: webhook_secret.iter().cloned().collect(),
        ..Secrets::default()
    };
    take_credential(&mut secrets, request.credential.as_ref());
    let now = app.store().now_unix_ms();
    let gateway_id = app.store().new_id();
    let row = GatewayRow {
        name: request.name,
        provider: provider.code().to_owned(),
        region,
        language: checked.language,
        addresses: checked.addresses,
        endpoint: checked.endpoint,
        sender: checked.sender,
        secrets: sealed(&app, &settings, &gateway_id, &secrets)?,
        created_at_unix_ms: now,
        created_by: caller.key_id.as_str().to_owned(),
        changed_at_unix_ms: now,
        gateway_id,
    };
    let path = new_path_text(&app);
    app.store()
        .add_gateway(&row, &settings.hash("path", &[&path]))
        .await?;
    let answer = NewGatewayAnswer {
        gateway: shown(&row, &settings)?,
        paths: paths_of(&path),
        webhook_secret,
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Gateways
#[utoipa::path(
    get, path = "/gateways", tag = "gateways", operation_id = "sms_gateways",
    responses((status = 200, description = "All gateways", body = GatewaysAnswer))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<GatewaysAnswer>, Problem> {
    let settings = app.hall.settings().await?;
    let rows = app.store().gateways().await?;
    let items = rows
        .iter()
        .filter(|row| sees(&caller, &row.region))
        .map(|row| shown(row, &settings))
        .collect::<Result<_, _>>()?;
    Ok(Json(GatewaysAnswer { items }))
}

/// One gateway
#[utoipa::path(
    get, path = "/gateways/{gateway_id}", tag = "gateways", operation_id = "sms_gateway",
    params(("gateway_id" = String, Path, description = "The gateway")),
    responses((status = 200, description = "The gateway", body = GatewayAnswer))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    PathOf(gateway_id): PathOf<String>,
) -> Result<Json<GatewayAnswer>, Problem> {
    let settings = app.hall.settings().await?;
    let row = seen(&app, &caller, &gateway_id).await?;
    shown(&row, &settings).map(Json)
}

/// Change a gateway
///
/// Provider, region, paths and the secret of the plain form stay; a credential that is not given stays too. Felt within three seconds.
#[utoipa::path(
    put, path = "/gateways/{gateway_id}", tag = "gateways", operation_id = "set_sms_gateway",
    params(("gateway_id" = String, Path, description = "The gateway")),
    request_body = GatewaySettings,
    responses((status = 200, description = "The gateway", body = GatewayAnswer))
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    PathOf(gateway_id): PathOf<String>,
    JsonBody { value: request, .. }: JsonBody<GatewaySettings, REQUEST_BYTES_MAX>,
) -> Result<Json<GatewayAnswer>, Problem> {
    let settings = app.hall.settings().await?;
    let provider: Provider = seen(&app, &caller, &gateway_id)
        .await?
        .provider
        .parse()
        .map_err(|_| Problem::internal("a stored provider"))?;
    let mut errors = Vec::new();
    let checked = checked(&request, provider, &mut errors);
    if !errors.is_empty() {
        return Err(invalid_body(errors));
    }
    let row = change(&app, &caller, &settings, &gateway_id, |row, secrets| {
        take_credential(secrets, request.credential.as_ref());
        row.name.clone_from(&request.name);
        row.language.clone_from(&checked.language);
        row.addresses.clone_from(&checked.addresses);
        row.endpoint.clone_from(&checked.endpoint);
        row.sender.clone_from(&checked.sender);
    })
    .await?;
    shown(&row, &settings).map(Json)
}

/// Reads a gateway, changes it and writes it back; from the beginning when someone else changed it meanwhile, so that neither a new secret nor
/// a new credential is written over by what was read before it.
async fn change(
    app: &App,
    caller: &Caller,
    settings: &Settings,
    gateway_id: &str,
    change: impl Fn(&mut GatewayRow, &mut Secrets),
) -> Result<GatewayRow, Problem> {
    for _ in 0..CHANGE_TRIES_MAX {
        let mut row = seen(app, caller, gateway_id).await?;
        let mut secrets = opened(&row, settings)?;
        change(&mut row, &mut secrets);
        let read = std::mem::take(&mut row.secrets);
        row.secrets = sealed(app, settings, gateway_id, &secrets)?;
        row.changed_at_unix_ms = app.store().now_unix_ms();
        if app.store().set_gateway(&row, &read).await? {
            return Ok(row);
        }
    }
    Err(SqlError::Busy("a gateway that many change at once".to_owned()).into())
}

/// Remove a gateway
///
/// Its paths lead nowhere from then on, and what waits for it is not sent.
#[utoipa::path(
    delete, path = "/gateways/{gateway_id}", tag = "gateways", operation_id = "remove_sms_gateway",
    params(("gateway_id" = String, Path, description = "The gateway")),
    responses((status = 204, description = "Removed"))
)]
pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    PathOf(gateway_id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    seen(&app, &caller, &gateway_id).await?;
    app.store().remove_gateway(&gateway_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a gateway another path
///
/// The one before leads nowhere after three seconds at most.
#[utoipa::path(
    post, path = "/gateways/{gateway_id}/path", tag = "gateways", operation_id = "new_sms_gateway_path",
    params(("gateway_id" = String, Path, description = "The gateway")),
    responses((status = 200, description = "The new paths, which are shown once", body = CallbackPaths))
)]
pub(super) async fn new_path(
    State(app): State<App>,
    caller: Caller,
    PathOf(gateway_id): PathOf<String>,
) -> Result<Json<CallbackPaths>, Problem> {
    let settings = app.hall.settings().await?;
    seen(&app, &caller, &gateway_id).await?;
    let path = new_path_text(&app);
    let hash = settings.hash("path", &[&path]);
    if !app.store().set_gateway_path(&gateway_id, &hash).await? {
        return Err(gateway_unknown());
    }
    Ok(Json(paths_of(&path)))
}

/// Give a plain gateway another secret
#[utoipa::path(
    post, path = "/gateways/{gateway_id}/webhook-secret", tag = "gateways", operation_id = "new_sms_gateway_secret",
    params(("gateway_id" = String, Path, description = "The gateway")),
    responses((status = 200, description = "The new secret, which is shown once", body = SecretAnswer))
)]
pub(super) async fn new_secret(
    State(app): State<App>,
    caller: Caller,
    PathOf(gateway_id): PathOf<String>,
) -> Result<Json<SecretAnswer>, Problem> {
    let settings = app.hall.settings().await?;
    let secret = WebhookSecret::of_random(app.store().random_bytes::<SECRET_BYTES>()).reveal();
    change(&app, &caller, &settings, &gateway_id, |_, secrets| {
        secrets.webhook.insert(0, secret.clone());
        secrets.webhook.truncate(WEBHOOK_SECRETS_MAX);
    })
    .await?;
    Ok(Json(SecretAnswer {
        webhook_secret: secret,
    }))
}

/// A gateway's settings as they are stored.
struct Checked {
    language: String,
    addresses: String,
    endpoint: String,
    sender: String,
}

fn checked(request: &GatewaySettings, provider: Provider, errors: &mut Vec<FieldError>) -> Checked {
    let text_fits = |text: &str| {
        (1..=TEXT_CHARACTERS_MAX).contains(&text.chars().count())
            && !text.chars().any(char::is_control)
    };
    let language = request.language.as_deref().unwrap_or("zh");
    if !matches!(language, "zh" | "en") {
        let detail = Name::new("应为 zh 或 en。", "Must be `zh` or `en`.");
        errors.push(invalid_field("/language", detail));
    }
    if !(1..=ADDRESSES_MAX).contains(&request.addresses.len()) {
        let detail = Name::new(
            format!("应有 1 至 {ADDRESSES_MAX} 个地址段。"),
            format!("Must be 1 to {ADDRESSES_MAX} ranges of addresses."),
        );
        errors.push(invalid_field("/addresses", detail));
    }
    for (place, text) in request.addresses.iter().enumerate().take(ADDRESSES_MAX) {
        if text.parse::<AddressRange>().is_err() {
            let detail = Name::new(
                "应为地址或网段，例如 203.0.113.0/24，主机位须为 0。",
                "Must be an address or a network such as 203.0.113.0/24, with no bits behind its prefix.",
            );
            errors.push(invalid_field(&format!("/addresses/{place}"), detail));
        }
    }
    let endpoint = request.endpoint.as_deref().or(provider.endpoint());
    let is_address = |text: &str| {
        text.parse::<Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri
                    .authority()
                    .is_some_and(|authority| !authority.as_str().contains('@'))
        })
    };
    if !endpoint.is_some_and(is_address) {
        let detail = Name::new(
            "应为 http:// 或 https:// 开头的地址。",
            "Must be an address that begins with http:// or https://.",
        );
        errors.push(invalid_field("/endpoint", detail));
    }
    let sender = &request.sender;
    let texts = [
        ("/name", Some(&request.name)),
        ("/sender/sign_name", sender.sign_name.as_ref()),
        ("/sender/template", sender.template.as_ref()),
        (
            "/sender/template_parameter",
            sender.template_parameter.as_ref(),
        ),
        ("/sender/application", sender.application.as_ref()),
        ("/sender/cloud_region", sender.cloud_region.as_ref()),
        (
            "/credential/id",
            request.credential.as_ref().map(|credential| &credential.id),
        ),
        (
            "/credential/secret",
            request
                .credential
                .as_ref()
                .map(|credential| &credential.secret),
        ),
    ];
    for (pointer, text) in texts {
        if text.is_some_and(|text| !text_fits(text)) {
            let detail = Name::new(
                format!("应为 1 至 {TEXT_CHARACTERS_MAX} 个字符，不含控制字符。"),
                format!(
                    "Must have 1 to {TEXT_CHARACTERS_MAX} characters, none of them a control character."
                ),
            );
            errors.push(invalid_field(pointer, detail));
        }
    }
    Checked {
        language: language.to_owned(),
        addresses: json_text(&request.addresses),
        endpoint: endpoint.unwrap_or_default().to_owned(),
        sender: json_text(sender),
    }
}

/// JSON of what has nothing in it that JSON cannot say.
fn json_text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn take_credential(secrets: &mut Secrets, credential: Option<&CredentialRequest>) {
    if let Some(credential) = credential {
        secrets.credential_id = Some(credential.id.clone());
        secrets.credential_secret = Some(credential.secret.clone());
    }
}

fn new_path_text(app: &App) -> String {
    URL_SAFE_NO_PAD.encode(app.store().random_bytes::<PATH_BYTES>())
}

fn paths_of(path: &str) -> CallbackPaths {
    CallbackPaths {
        inbound_path: format!("/sms/v1/callbacks/{path}/inbound"),
        delivery_path: format!("/sms/v1/callbacks/{path}/delivery"),
    }
}

async fn seen(app: &App, caller: &Caller, gateway_id: &str) -> Result<GatewayRow, Problem> {
    app.store()
        .gateway(gateway_id)
        .await?
        .filter(|row| sees(caller, &row.region))
        .ok_or_else(gateway_unknown)
}

fn sealed(
    app: &App,
    settings: &Settings,
    gateway_id: &str,
    secrets: &Secrets,
) -> Result<Vec<u8>, Problem> {
    let nonce = app.store().random_bytes::<NONCE_BYTES>();
    settings
        .seal
        .close(gateway_id, &json_text(secrets), nonce)
        .map_err(|error| Problem::internal(error.to_string()))
}

fn opened(row: &GatewayRow, settings: &Settings) -> Result<Secrets, Problem> {
    let text = settings
        .seal
        .open(&row.gateway_id, &row.secrets)
        .map_err(|error| Problem::internal(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| Problem::internal(error.to_string()))
}

fn shown(row: &GatewayRow, settings: &Settings) -> Result<GatewayAnswer, Problem> {
    let secrets = opened(row, settings)?;
    let stored = |error: serde_json::Error| Problem::internal(format!("a stored gateway: {error}"));
    Ok(GatewayAnswer {
        gateway_id: row.gateway_id.clone(),
        name: row.name.clone(),
        provider: row.provider.clone(),
        region: row.region.clone(),
        language: row.language.clone(),
        addresses: serde_json::from_str(&row.addresses).map_err(stored)?,
        endpoint: row.endpoint.clone(),
        sender: serde_json::from_str(&row.sender).map_err(stored)?,
        has_credential: secrets.credential_secret.is_some(),
        created_at: rfc3339(row.created_at_unix_ms)?,
        changed_at: rfc3339(row.changed_at_unix_ms)?,
    })
}
