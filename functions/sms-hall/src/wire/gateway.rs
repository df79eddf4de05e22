//! How a gateway's settings stand in the table: what may be seen as JSON, what may not as JSON that is sealed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who sends the replies, as the provider wants to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// The approved signature in brackets before each message; for `plain`, whatever the gateway takes as sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_name: Option<String>,
    /// Aliyun's TemplateCode, Tencent's TemplateId.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Aliyun: the template's one parameter, `content` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_parameter: Option<String>,
    /// Tencent: SmsSdkAppId.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// Tencent: region of the cloud, `ap-guangzhou` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_region: Option<String>,
}

/// What only the function itself may read.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// AccessKeyId, SecretId.
    #[serde(default)]
    pub credential_id: Option<String>,
    /// AccessKeySecret, SecretKey.
    #[serde(default)]
    pub credential_secret: Option<String>,
    /// Secrets of signatures, newest first; the older one is good while a change is under way.
    #[serde(default)]
    pub webhook: Vec<String>,
}
