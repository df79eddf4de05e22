//! A message in the form in which its provider takes it, and what the provider's answer means.

use bytes::Bytes;
use http::{Method, Uri, header};

use super::{Gateway, Provider};
use crate::cloud_signature::{
    AcsRequest, Credential, TC_CONTENT_TYPE, TcRequest, acs3_headers, tc3_headers,
};
use crate::sending::HandOver;
use crate::webhook::WebhookSecret;
use crate::wire::{aliyun, plain, tencent};

/// Parameter of Aliyun's templates when a gateway does not say.
const TEMPLATE_PARAMETER: &str = "content";

/// Region of Tencent's cloud when a gateway does not say.
const CLOUD_REGION: &str = "ap-guangzhou";

/// A message to hand over.
pub(super) struct Parcel<'a> {
    pub(super) number: &'a str,
    pub(super) text: &'a str,
    pub(super) message_id: &'a str,
    pub(super) at_unix_s: i64,
    pub(super) nonce: &'a str,
}

/// The request that hands a message over; `None` when the gateway lacks what its provider needs.
pub(super) fn request(gateway: &Gateway, parcel: &Parcel<'_>) -> Option<http::Request<Bytes>> {
    let uri: Uri = gateway.endpoint.parse().ok()?;
    let host = uri.authority()?.as_str().to_owned();
    let sender = &gateway.sender;
    let (content_type, body, headers) = match gateway.provider {
        Provider::Aliyun => {
            let parameter = sender.template_parameter.as_deref();
            let body = aliyun::send_body(
                parcel.number,
                sender.sign_name.as_deref()?,
                (
                    sender.template.as_deref()?,
                    parameter.unwrap_or(TEMPLATE_PARAMETER),
                ),
                parcel.text,
                parcel.message_id,
            );
            let signed = AcsRequest {
                host: &host,
                action: aliyun::ACTION,
                version: aliyun::VERSION,
                query: "",
                content_type: Some(aliyun::CONTENT_TYPE),
                body: &body,
                at_unix_s: parcel.at_unix_s,
                nonce: parcel.nonce,
            };
            let headers = acs3_headers(&credential(gateway)?, signed)?;
            (aliyun::CONTENT_TYPE, body, headers)
        }
        Provider::Tencent => {
            let body = tencent::send_body(
                parcel.number,
                sender.application.as_deref()?,
                sender.sign_name.as_deref()?,
                sender.template.as_deref()?,
                parcel.text,
                parcel.message_id,
            );
            let signed = TcRequest {
                host: &host,
                service: tencent::SERVICE,
                action: tencent::ACTION,
                version: tencent::VERSION,
                region: sender.cloud_region.as_deref().unwrap_or(CLOUD_REGION),
                body: &body,
                at_unix_s: parcel.at_unix_s,
            };
            let headers = tc3_headers(&credential(gateway)?, signed)?;
            (TC_CONTENT_TYPE, body, headers)
        }
        Provider::Plain => {
            let name = sender.sign_name.as_deref().unwrap_or_default();
            let body = plain::send_body(parcel.number, name, parcel.text, parcel.message_id);
            let secret = WebhookSecret::parse(gateway.secrets.webhook.first()?)?;
            let headers = vec![
                ("webhook-id", parcel.message_id.to_owned()),
                ("webhook-timestamp", parcel.at_unix_s.to_string()),
                (
                    "webhook-signature",
                    secret.sign(parcel.message_id, parcel.at_unix_s, &body),
                ),
            ];
            ("application/json", body, headers)
        }
    };
    let mut request = http::Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(header::CONTENT_TYPE, content_type);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Bytes::from(body)).ok()
}

/// What an answer means.
pub(super) fn outcome(provider: Provider, response: &http::Response<Bytes>) -> HandOver {
    let status = response.status().as_u16();
    match provider {
        Provider::Aliyun => aliyun::outcome(status, response.body()),
        Provider::Tencent => tencent::outcome(status, response.body()),
        Provider::Plain => plain::outcome(status, response.body()),
    }
}

fn credential(gateway: &Gateway) -> Option<Credential> {
    Some(Credential {
        id: gateway.secrets.credential_id.clone()?,
        secret: gateway.secrets.credential_secret.clone()?,
    })
}
